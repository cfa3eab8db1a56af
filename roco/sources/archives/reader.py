"""Reads archives from outside; nothing is extracted to a path, and a broken rule is refused with the reason."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TypeVar

from roco.base.errors import RejectedInput
from roco.base.files import full_disk
from roco.base.formats import IMAGE_EXTENSIONS, extension_of
from roco.base.terminal import quoted
from roco.sources.archives.tar import Inflated, Limits, members

__all__ = ["Archive", "Limits", "article_xmls", "is_xml", "open_tar_gz", "open_zip"]

SPOOL = 8 << 20
"""Bytes of one archive that are kept in memory; beyond that they go to a temporary file."""

STANDARD = Limits()

_T = TypeVar("_T")

_ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, struct.error,
    OSError, EOFError, ValueError, RuntimeError, ArithmeticError, LookupError,
)  # fmt: skip


class Archive(contextlib.AbstractContextManager["Archive"]):
    """An opened archive whose members are read by name; it serves as a package of a source."""

    def __init__(self, sizes: Mapping[str, int], limits: Limits) -> None:
        self._sizes = dict(sorted(sizes.items()))
        self._limits = limits

    @property
    def files(self) -> list[tuple[str, int]]:
        """Name and size of every regular member, sorted by name; a top folder that all share is left out."""
        return list(self._sizes.items())

    @property
    def xmls(self) -> list[str]:
        """The article XML files: what ends in .nxml, where there is none what ends in .xml or .jats."""
        return article_xmls(self._sizes)

    def read(self, name: str) -> bytes:
        """Returns the bytes of an article XML or an image; raises RejectedInput for other files and checksum errors."""
        size = self._sizes.get(name)
        if size is None:
            raise RejectedInput(f"no {quoted(name)} in the archive")
        if not _is_read(name):
            raise RejectedInput(f"{quoted(name)} is neither an article nor an image")
        if is_xml(name) and size > self._limits.xml:
            raise RejectedInput(f"XML {quoted(name)} is too large: {size} bytes")
        return self._bytes(name, size)

    def _bytes(self, name: str, size: int) -> bytes:
        raise NotImplementedError

    def close(self) -> None:
        """Gives back memory, temporary files and the file itself."""

    def __exit__(self, *_: object) -> None:
        self.close()


def is_xml(name: str) -> bool:
    """Whether a file is an article XML by its name."""
    return name.lower().endswith((".nxml", ".xml", ".jats"))


def _is_read(name: str) -> bool:
    return is_xml(name) or extension_of(name) in IMAGE_EXTENSIONS


def article_xmls(names: Iterable[str]) -> list[str]:
    """The article XML files among the names, sorted: .nxml where there is one, else .xml and .jats."""
    found = sorted(name for name in names if is_xml(name))
    return [name for name in found if name.lower().endswith(".nxml")] or found


# --- tar.gz


def open_tar_gz(path: Path, limits: Limits = STANDARD) -> Archive:
    """Inflates a tar.gz once and checks all of it: gzip CRC and length, every header, the end, the limits.

    Raises RejectedInput at the first rule that is broken; then nothing of the archive has been handed out. OSError is
    left to those who know whether the disk comes back.
    """
    with _opened(path, limits) as fh:
        spool = tempfile.SpooledTemporaryFile(max_size=SPOOL)  # noqa: SIM115 - the archive closes it
        try:
            return _TarGz(_spooled(fh, spool, limits), spool, limits)
        except BaseException:
            spool.close()
            raise


class _TarGz(Archive):
    def __init__(self, places: Mapping[str, tuple[int, int]], spool: IO[bytes], limits: Limits) -> None:
        super().__init__({name: size for name, (_, size) in places.items()}, limits)
        self._places = places
        self._spool = spool

    def _bytes(self, name: str, size: int) -> bytes:
        self._spool.seek(self._places[name][0])
        return self._spool.read(size)

    def close(self) -> None:
        self._spool.close()


def _spooled(fh: io.FileIO, spool: IO[bytes], limits: Limits) -> dict[str, tuple[int, int]]:
    """Offset in the spool and size of each member, by the name it is offered under."""
    stream = Inflated(fh, limits)
    places: dict[str, tuple[int, int]] = {}
    at = 0
    for told, size in members(stream, limits):
        name = _plain(told)
        if _is_side_file(name):
            stream.skip(size)
            continue
        if name in places:
            raise RejectedInput(f"two members are named {quoted(name)}")
        places[name] = (at, size)
        if not _is_read(name):
            stream.skip(size)
            continue
        try:
            stream.pour(size, spool)
        except OSError as err:
            raise full_disk(err, Path(tempfile.gettempdir(), "an inflated archive")) from err
        at += size
    return _offered(places)


# --- zip


def open_zip(path: Path, limits: Limits = STANDARD) -> Archive:
    """Reads the directory of a zip and holds it against the limits; a member is checked when it is read.

    Raises RejectedInput at the first rule that is broken.
    """
    with contextlib.ExitStack() as opened:
        fh = opened.enter_context(_opened(path, limits))
        fh.at_most = limits.directory
        try:
            zip_ = opened.enter_context(zipfile.ZipFile(fh))
        except _ZIP_ERRORS as err:
            raise _zip_refused("its directory cannot be read", err) from err
        fh.at_most = limits.compressed
        return _Zip(zip_, _admitted(zip_, fh.size, limits), limits, opened.pop_all())


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
                # Without a size zipfile inflates all there is, however little the directory promises.
                data = fh.read(size)
        except _ZIP_ERRORS as err:
            raise _zip_refused(f"{quoted(name)} cannot be read", err) from err
        if len(data) != size or (not size and info.CRC):
            raise RejectedInput(f"zip: {quoted(name)} is shorter than the directory says")
        return data

    def close(self) -> None:
        self._opened.close()


def _admitted(zip_: zipfile.ZipFile, compressed: int, limits: Limits) -> dict[str, zipfile.ZipInfo]:
    """The regular members of a zip by the name they are offered under."""
    entries = zip_.infolist()
    if len(entries) > limits.members:
        raise RejectedInput(f"more than {limits.members} members")
    _demand_apart(entries, zip_.start_dir)
    total = 0
    found: dict[str, zipfile.ZipInfo] = {}
    for info in entries:
        name = _plain(_zip_name(info))
        mode = info.external_attr >> 16
        if name.endswith("/") or _is_side_file(name) or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)):
            continue
        _check_entry(info, name, limits)
        if name in found:
            raise RejectedInput(f"two members are named {quoted(name)}")
        total += info.file_size
        found[name] = info
    if total > limits.total:
        raise RejectedInput(f"inflates to more than {limits.total} bytes")
    if total > max(limits.ratio_from, limits.ratio * compressed):
        raise RejectedInput(f"inflates to more than {limits.ratio} times its size")
    return _offered(found)


def _check_entry(info: zipfile.ZipInfo, name: str, limits: Limits) -> None:
    if not name or "\0" in info.orig_filename:
        raise RejectedInput("a member's name is empty or holds a NUL")
    if len(name.encode()) > limits.name:
        raise RejectedInput(f"a name is longer than {limits.name} bytes: {quoted(name)}")
    if info.flag_bits & 0x2041:  # bits 0, 6 and 13: encrypted, strongly, with a masked directory
        raise RejectedInput(f"{quoted(name)} is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # bzip2 and LZMA cannot be inflated up to a limit only.
        raise RejectedInput(f"{quoted(name)} is compressed by method {info.compress_type}")
    if info.file_size > limits.member:
        raise RejectedInput(f"{quoted(name)} is too large: {info.file_size} bytes")


def _zip_name(info: zipfile.ZipInfo) -> str:
    # Without the flag for UTF-8 a name is in code page 437, but macOS writes UTF-8 and leaves the flag out.
    try:
        return info.filename if info.flag_bits & 0x800 else info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def _demand_apart(entries: list[zipfile.ZipInfo], directory: int) -> None:
    """Refuses members that share bytes with others or with the directory: so a small zip would inflate to any size."""
    end = 0
    for info in sorted(entries, key=lambda entry: entry.header_offset):
        if info.header_offset < end:
            raise RejectedInput("zip: members overlap")
        end = info.header_offset + 30 + len(info.orig_filename) + info.compress_size
    if end > directory:
        raise RejectedInput("zip: members overlap")


def _zip_refused(what: str, err: Exception) -> RejectedInput:
    # zipfile goes to whatever place a directory names, so "invalid argument" is said of the data, not of the disk.
    if isinstance(err, OSError) and err.errno not in (None, errno.EINVAL):
        raise err
    return RejectedInput(f"zip: {what}: {ascii(str(err))[1:-1][:200] or type(err).__name__}")


# --- both


class _File(io.FileIO):
    """A file that hands out at most `at_most` bytes at a time: zipfile asks for a directory in one piece."""

    at_most = 0

    @property
    def size(self) -> int:
        return os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = self.size - self.tell() if size is None or size < 0 else size
        if self.at_most and wanted > self.at_most:
            raise RejectedInput("zip: the directory is too large")
        return super().read(wanted) or b""


@contextlib.contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[_File]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise RejectedInput("the file is no regular file")
        fh = _File(path)
    except FileNotFoundError as err:
        raise RejectedInput("the file is gone") from err
    with fh:
        if fh.size > limits.compressed:
            raise RejectedInput(f"the file is larger than {limits.compressed} bytes")
        yield fh


def _plain(name: str) -> str:
    """A name without the `./` that `tar c .` puts before each."""
    while name.startswith("./"):
        name = name[2:]
    return name


def _is_side_file(name: str) -> bool:
    """Whether macOS put it there: resource forks, named like the files that they belong to."""
    parts = name.split("/")
    return "__MACOSX" in parts[:-1] or parts[-1].startswith("._")


def _offered(found: Mapping[str, _T]) -> dict[str, _T]:
    """The members without the top folder, where all of them lie in the same one."""
    tops = {name.partition("/")[0] if "/" in name else "" for name in found}
    if len(tops) != 1 or tops <= {"", ".."}:
        return dict(found)
    return {name.partition("/")[2]: value for name, value in found.items()}
