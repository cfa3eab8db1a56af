"""Extracts a zip of a user to a temporary folder, within limits and never outside the folder."""

from __future__ import annotations

import contextlib
import errno
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from roco.base.errors import DataError, RejectedInput
from roco.base.files import full_disk
from roco.base.readers import UNREADABLE, check_zip_directory
from roco.base.terminal import excerpt, quoted

MOST_MEMBERS = 20_000
MOST_BYTES = 32 << 30  # of all files together, inflated; published model packs have up to 4 GB
MOST_RATIO = 200  # inflated to compressed size
RATIO_FROM = 10 << 20  # the ratio does not count below
LONGEST_NAME = 512

_AT_ONCE = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # those that inflate piece by piece


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Yields a folder with the files of a zip, which is removed when the block ends.

    The folder is where temporary files are: TMPDIR sets the place. Raises RejectedInput for a zip that is corrupt,
    exceeds a limit, or has names that lead outside, and DataError if the disk is full.
    """
    with tempfile.TemporaryDirectory(prefix="roco-pack-") as name:
        folder = Path(name)
        try:
            with path.open("rb") as fh:
                check_zip_directory(fh)
                with zipfile.ZipFile(fh) as archive:
                    _check(archive.infolist(), path, folder)
                    for item in archive.infolist():
                        _extract(archive, item, folder)
        except RejectedInput:
            raise
        except OSError as err:
            if err.errno == errno.EINVAL:  # the directory places a member before the beginning of the file
                raise _rejected(path, "corrupt or truncated: an impossible position") from err
            raise full_disk(err, folder) from err
        except UNREADABLE as err:
            raise _rejected(path, f"corrupt or truncated: {excerpt(err)}") from err
        yield folder


def _check(items: list[zipfile.ZipInfo], path: Path, folder: Path) -> None:
    """Raises before anything is written."""
    if len(items) > MOST_MEMBERS:
        raise _rejected(path, f"more than {MOST_MEMBERS:,} files")
    names = set()
    for item in items:
        reason = _reason(item)
        if reason:
            raise _rejected(path, f"{quoted(item.filename)} {reason}")
        names.add(PurePosixPath(item.filename))
    if len(names) < len(items):
        raise _rejected(path, "two files have the same name")
    inflated, compressed = sum(item.file_size for item in items), path.stat().st_size
    if sum(item.compress_size for item in items) > compressed:
        raise _rejected(path, "its files overlap")
    if inflated > MOST_BYTES:
        raise _rejected(path, f"it inflates to {inflated >> 30} GB")
    if inflated > RATIO_FROM and inflated > MOST_RATIO * compressed:
        raise _rejected(path, f"it inflates to more than {MOST_RATIO} times its size")
    free = shutil.disk_usage(folder).free
    if inflated > free:
        need = f"it needs {inflated >> 20} MB in {folder.parent}, where {free >> 20} MB are free"
        raise DataError(f"cannot extract {path}: {need}", "free some space, or set TMPDIR to a folder on another disk")


def _reason(item: zipfile.ZipInfo) -> str:
    """Returns why a member is rejected; empty if it is not."""
    name = PurePosixPath(item.filename)
    if name.is_absolute() or ".." in name.parts or "\\" in item.filename or not name.parts:
        return "leads outside the folder"
    if len(item.filename) > LONGEST_NAME:
        return f"has a name of more than {LONGEST_NAME} characters"
    kind = stat.S_IFMT(item.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if item.flag_bits & 1:
        return "is encrypted"
    if item.compress_type not in _METHODS:
        return "is compressed by another method than DEFLATE"
    return ""


def _extract(archive: zipfile.ZipFile, item: zipfile.ZipInfo, folder: Path) -> None:
    """Writes one member; zipfile stops at its declared size and compares the CRC."""
    target = folder / item.filename
    if item.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(item) as source, target.open("xb") as out:
        shutil.copyfileobj(source, out, _AT_ONCE)


def _rejected(path: Path, reason: str) -> RejectedInput:
    return RejectedInput(f"cannot extract {path}: {reason}", "extract it yourself if you trust it, and give the folder")
