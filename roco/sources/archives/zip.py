"""Opens zip archives: checks the central directory against the limits, and each member when it is read.

Python's zipfile reads the format, and trusts what an archive declares; this file adds the missing checks.
"""

from __future__ import annotations

import contextlib
import errno
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from roco.base.errors import RejectedInput
from roco.base.terminal import excerpt, quoted
from roco.sources.archives.archive import Archive, open_bounded
from roco.sources.archives.limits import STANDARD, Limits
from roco.sources.archives.names import is_resource_fork, without_dot, without_top_folder

# Everything that zipfile raises for corrupt archives.
_ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, struct.error,
    OSError, EOFError, ValueError, RuntimeError, ArithmeticError, LookupError,
)  # fmt: skip
_ENCRYPTED = 0x2041  # flag bits 0, 6 and 13: encrypted, strongly encrypted, masked directory
_UTF8_NAME = 0x800
_LOCAL_HEADER = 30  # bytes before the name of a member


def open_zip(path: Path, limits: Limits = STANDARD) -> Archive:
    """Opens a zip and checks its directory; raises RejectedInput at the first error."""
    with contextlib.ExitStack() as opened:
        fh = opened.enter_context(open_bounded(path, limits))
        fh.at_most = limits.directory
        try:
            zip_ = opened.enter_context(zipfile.ZipFile(fh))
        except _ZIP_ERRORS as err:
            raise _rejected("its directory cannot be read", err) from err
        fh.at_most = limits.compressed
        infos = _checked_members(zip_, fh.size, limits)
        return _Zip(zip_, infos, limits, opened.pop_all())


class _Zip(Archive):
    def __init__(
        self, zip_: zipfile.ZipFile, infos: Mapping[str, zipfile.ZipInfo], limits: Limits, opened: contextlib.ExitStack
    ) -> None:
        super().__init__({name: info.file_size for name, info in infos.items()}, limits)
        self._zip = zip_
        self._infos = infos
        self._opened = opened

    def _bytes(self, name: str, size: int) -> bytes:
        info = self._infos[name]
        try:
            with self._zip.open(info) as fh:
                # Without a size zipfile inflates everything, even if the directory states a small size.
                data = fh.read(size)
        except _ZIP_ERRORS as err:
            raise _rejected(f"{quoted(name)} cannot be read", err) from err
        # zipfile checks the CRC only after the last byte, so never that of an empty member.
        is_unchecked = not size and info.CRC
        if len(data) != size or is_unchecked:
            raise RejectedInput(f"zip: {quoted(name)} is shorter than the directory states")
        return data

    def close(self) -> None:
        self._opened.close()


def _checked_members(zip_: zipfile.ZipFile, compressed: int, limits: Limits) -> dict[str, zipfile.ZipInfo]:
    """Returns the regular members by name; compressed: size of the file."""
    infos = zip_.infolist()
    if len(infos) > limits.members:
        raise RejectedInput(f"more than {limits.members} members")
    _check_overlaps(infos, zip_.start_dir)
    total = 0
    regular: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = without_dot(_name_of(info))
        if name.endswith("/") or is_resource_fork(name) or _is_special(info):
            continue
        _check_member(info, name, limits)
        if name in regular:
            raise RejectedInput(f"two members are named {quoted(name)}")
        total += info.file_size
        regular[name] = info
    if total > limits.total:
        raise RejectedInput(f"inflates to more than {limits.total} bytes")
    if total > max(limits.ratio_from, limits.ratio * compressed):
        raise RejectedInput(f"inflates to more than {limits.ratio} times its size")
    return without_top_folder(regular)


def _is_special(info: zipfile.ZipInfo) -> bool:
    """Returns whether a member is a link, device or folder by its Unix mode; zips made elsewhere have no mode."""
    mode = info.external_attr >> 16
    return stat.S_IFMT(mode) != 0 and not stat.S_ISREG(mode)


def _check_member(info: zipfile.ZipInfo, name: str, limits: Limits) -> None:
    if not name or "\0" in info.orig_filename:
        raise RejectedInput("a member's name is empty or contains a NUL")
    if len(name.encode()) > limits.name:
        raise RejectedInput(f"a name is longer than {limits.name} bytes: {quoted(name)}")
    if info.flag_bits & _ENCRYPTED:
        raise RejectedInput(f"{quoted(name)} is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # zipfile cannot stop inflating bzip2 and LZMA at a limit.
        raise RejectedInput(f"{quoted(name)} is compressed by method {info.compress_type}")
    if info.file_size > limits.member:
        raise RejectedInput(f"{quoted(name)} is too large: {info.file_size} bytes")


def _name_of(info: zipfile.ZipInfo) -> str:
    # A name without the flag for UTF-8 is in code page 437 by the standard, but macOS writes UTF-8 without the flag.
    if info.flag_bits & _UTF8_NAME:
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def _check_overlaps(infos: Sequence[zipfile.ZipInfo], directory: int) -> None:
    """Rejects members that share bytes with each other or with the directory.

    Thousands of members that use the same compressed bytes let a small file inflate to any size.
    """
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise RejectedInput("zip: members overlap")
        end = info.header_offset + _LOCAL_HEADER + len(info.orig_filename) + info.compress_size
    if end > directory:
        raise RejectedInput("zip: members overlap")


def _rejected(what: str, err: Exception) -> RejectedInput:
    # zipfile seeks to any offset in the directory, so EINVAL is an error in the data; other errors are the disk's.
    if isinstance(err, OSError) and err.errno not in (None, errno.EINVAL):
        raise err
    reason = excerpt(err) or type(err).__name__
    return RejectedInput(f"zip: {what}: {reason}")
