"""Reads the bytes of a file of predictions or ground truth: a CSV file, or a zip that contains only submission.csv."""

from __future__ import annotations

import zipfile
from pathlib import Path

from roco.base.readers import UNREADABLE, check_zip_directory
from roco.base.terminal import excerpt

MEMBER = "submission.csv"
MAX_BYTES = 256 << 20
GIVE_CSV = f"give a CSV file, or a zip that contains {MEMBER}"


class Unreadable(Exception):
    """A file could not be read; `remedy` is what to do, `line` the line of the error, 0 for the whole file."""

    def __init__(self, message: str, remedy: str = GIVE_CSV, line: int = 0) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.line = line


def read_bytes(path: Path) -> bytes:
    """Returns the bytes of the CSV file; raises Unreadable if they cannot be read or are more than MAX_BYTES."""
    try:
        data = _bytes(path)
    except UNREADABLE as err:
        raise Unreadable(f"cannot be read: {reason(err)}") from err
    if len(data) > MAX_BYTES:
        raise Unreadable(f"larger than {MAX_BYTES >> 20} MB", "give a file of predictions")
    return data


def read_text(path: Path) -> str:
    """Returns the text of the CSV file; raises Unreadable for a byte order mark, NUL bytes or invalid UTF-8."""
    data = read_bytes(path)
    if data.startswith(b"\xef\xbb\xbf"):
        raise Unreadable("byte order mark before the header", "save the file as UTF-8 without BOM", 1)
    nul = data.find(b"\0")
    if nul >= 0:
        raise Unreadable("NUL byte", "save the file as UTF-8 text", _line_of(data, nul))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as err:
        raise Unreadable("invalid UTF-8", "save the file as UTF-8 text", _line_of(data, err.start)) from err


def reason(err: BaseException) -> str:
    """Returns why a file could not be read, in printable words and without its path."""
    return getattr(err, "strerror", None) or excerpt(err) or type(err).__name__


def _bytes(path: Path) -> bytes:
    """Reads one byte more than the limit, so that a file that is too large is detected but never read completely."""
    with path.open("rb") as file:
        if file.read(4) != b"PK\3\4":
            file.seek(0)
            return file.read(MAX_BYTES + 1)
        check_zip_directory(file)
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if names != [MEMBER]:
                listed = ", ".join(excerpt(name) for name in names[:5]) or "no file"
                raise Unreadable(f"the zip contains {listed}", f"put only {MEMBER} into the zip")
            with archive.open(MEMBER) as member:
                return member.read(MAX_BYTES + 1)


def _line_of(data: bytes, position: int) -> int:
    return data[:position].count(b"\n") + 1
