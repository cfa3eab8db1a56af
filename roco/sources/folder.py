"""Any tree of article XML files with their images beside them, and of publishers' zip and tar.gz packages."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa

from roco.base.errors import DataError, RejectedInput
from roco.base.files import digest
from roco.base.schema import LISTING
from roco.base.terminal import quoted
from roco.sources.archives.reader import STANDARD, Archive, is_xml, open_tar_gz, open_zip

TAIL = 64 << 10
"""Bytes at the end of an archive that stand for all of it: a zip's directory, a gzip's CRC and length."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FolderSource:
    """Lists one package for each article XML and for each archive below a folder; both go by their path."""

    path: Path
    kind: ClassVar[str] = "folder"

    @property
    def spec(self) -> Mapping[str, Any]:
        return {"kind": self.kind, "path": str(self.path.absolute())}

    def listing(self, known: pa.Table | None) -> pa.Table:
        """One row an article: article and place are its path; no file of an unchanged one is opened."""
        with listed(self.path):
            rows = list(self._rows(rows_by_article(known)))
        if not rows:
            raise DataError(f"there is no .xml, .nxml, .jats, .zip or .tar.gz in {self.path}", _OTHER_KIND)
        return as_listing(rows)

    def _rows(self, before: Mapping[str, Row]) -> Iterator[Row]:
        root = self.path.resolve()
        ahead = [self.path]
        while ahead:
            here = ahead.pop()
            found = _scan(here, root)
            ahead += found.folders
            beside: str | None = None
            for name, reason in found.odd:
                if _is_archive(name) or is_xml(name):
                    yield broken(utf8((here / name).relative_to(self.path).as_posix()), reason)
            if found.shut:
                yield from shut(self.path, here, found.shut, before)
            for file in found.files:
                if is_xml(file.name):
                    beside = beside or _beside(here, root)
                    yield self._row(file, beside, before)
                elif _is_archive(file.name):
                    yield self._row(file, None, before)

    def _row(self, file: File, beside: str | None, before: Mapping[str, Row]) -> Row:
        place = utf8(file.path.relative_to(self.path).as_posix())
        stamp = f"{file.size}:{file.time}" + (f":{beside[:16]}" if beside else "")
        last = before.get(place)
        if last is not None and (last.place, last.stamp) == (place, stamp):
            return last
        try:
            return Row(place, digest([_content_digest(file.path), file.size, beside]), place, stamp, "{}")
        except OSError as err:
            return broken(place, of_the_file(err))

    def open(self, place: str) -> Archive | Loose:
        """The archive, or one XML with what lies beside it; raises RejectedInput when it cannot be read."""
        demand_folder(self.path)
        path = self.path / inside(place)
        root = self.path.resolve()
        if not stays(path, root):
            raise RejectedInput(f"{quoted(place)} leads out of the source")
        try:
            if _is_archive(path.name):
                return open_zip(path) if path.name.lower().endswith(".zip") else open_tar_gz(path)
            if path.is_dir():
                raise RejectedInput(_scan(path, root).shut or f"{quoted(place)} is a folder")
            if not path.is_file():
                raise RejectedInput(f"{quoted(place)} is gone, or its name is not in UTF-8")
            if path.stat().st_size > STANDARD.xml:
                raise RejectedInput(f"XML {quoted(path.name)} is too large: {path.stat().st_size} bytes")
            return Loose(gathered(path.parent, root), [path.name])
        except OSError as err:
            raise RejectedInput(of_the_file(err)) from err


class Loose:
    """A package of files that lie openly in a folder, its subfolders among the names: `figures/f1.jpg`."""

    def __init__(self, files: Iterable[File], xmls: Sequence[str], md5s: Mapping[str, str] | None = None) -> None:
        self._files = {file.name: file for file in sorted(files)}
        self._md5s = md5s or {}
        self.xmls = [name for name in sorted(xmls) if name in self._files]

    @property
    def files(self) -> list[tuple[str, int]]:
        return [(name, file.size) for name, file in self._files.items()]

    def read(self, name: str) -> bytes:
        """The bytes of one file; raises RejectedInput where it is unknown, too large, or not what its MD5 promises."""
        file = self._files.get(name)
        if file is None:
            raise RejectedInput(f"no {quoted(name)} in the folder")
        if file.size > (STANDARD.xml if is_xml(name) else STANDARD.member):
            raise RejectedInput(f"{quoted(name)} is too large: {file.size} bytes")
        try:
            with file.path.open("rb") as fh:
                data = fh.read(file.size + 1)
        except FileNotFoundError as err:
            raise RejectedInput(f"{quoted(name)} is gone") from err
        except OSError as err:
            raise RejectedInput(f"{quoted(name)} {of_the_file(err)}") from err
        if len(data) != file.size:
            raise RejectedInput(f"{quoted(name)} has changed since the package was opened")
        if (md5 := self._md5s.get(name)) and hashlib.md5(data, usedforsecurity=False).hexdigest() != md5:
            raise RejectedInput(f"md5 does not match: {quoted(name)}")
        return data

    def close(self) -> None: ...


class File(NamedTuple):
    """A file as it was found; time: last change in nanoseconds."""

    name: str
    path: Path
    size: int
    time: int


class Row(NamedTuple):
    """A row of `schema.LISTING`."""

    article: str
    digest: str
    place: str
    stamp: str
    facts: str


_OF_THE_FILE = frozenset({errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENOTDIR, errno.ENAMETOOLONG})
_OTHER_KIND = 'see that the disk is there, and that kind = "package", "cloud" or "folder" is the right one'


def demand_folder(path: Path) -> None:
    """Raises DataError where a source is not there, so that nobody takes its articles for withdrawn."""
    if not path.is_dir():
        said = "is no folder" if path.exists() else "is not there"
        raise DataError(f"the source {path} {said}", "set path in [source] to the folder that holds the articles")


@contextlib.contextmanager
def listed(path: Path) -> Iterator[None]:
    """Holds a listing: raises DataError where the source, or the disk that it lies on, cannot be read."""
    demand_folder(path)
    try:
        yield
    except OSError as err:
        said = f"the source {path} cannot be listed: {err.strerror}"
        raise DataError(said, f"see to {err.filename or 'the disk'} and give the same command again") from err


def of_the_file(err: OSError) -> str:
    """Why one file or folder cannot be read; raises the error again where it may be the disk's.

    Articles on a disk that fails are not withdrawn, so that stops a listing; what one file has does not.
    """
    if err.errno not in _OF_THE_FILE:
        raise err
    return f"cannot be read: {err.strerror}"


def broken(place: str, reason: str) -> Row:
    """The row of what may be an article but cannot be read; without a stamp, so it is looked at every time."""
    return Row(place, digest([place, reason]), place, "", json.dumps({"error": reason}))


def shut(root: Path, folder: Path, reason: str, before: Mapping[str, Row]) -> Iterator[Row]:
    """The rows of a folder that cannot be read: its own, and those known earlier, whose articles are not withdrawn."""
    if folder == root:
        raise DataError(f"the source {root} {reason}", "allow reading it and give the same command again")
    place = utf8(folder.relative_to(root).as_posix())
    yield broken(place, reason)
    yield from (row for row in before.values() if row.place.startswith(f"{place}/"))


def rows_by_article(known: pa.Table | None) -> dict[str, Row]:
    """The rows of an earlier listing by article."""
    if known is None:
        return {}
    columns = (known[name].to_pylist() for name in LISTING.names)
    return {row[0]: Row(*row) for row in zip(*columns, strict=True)}


def as_listing(rows: Iterable[Row]) -> pa.Table:
    """Rows as a table of `schema.LISTING`, sorted by article."""
    columns = zip(*sorted(rows), strict=True)
    return pa.table([pa.array(c, pa.string()) for c in columns], schema=LISTING)


def inside(place: str) -> PurePosixPath:
    """A place as a relative path; raises RejectedInput where it leads upwards."""
    path = PurePosixPath(place)
    if path.is_absolute() or ".." in path.parts or "\0" in place:
        raise RejectedInput(f"{quoted(place)} leads out of the source")
    return path


def utf8(name: str) -> str:
    """A name of the file system as tables can hold it: bytes that are not UTF-8 are written out as `\\xff`."""
    return os.fsencode(name).decode(errors="backslashreplace")


def gathered(folder: Path, root: Path) -> list[File]:
    """The files of a folder and of its subfolders, but for subfolders that hold an XML: they are articles' own.

    root: the resolved root of the source; links that leave it are left out, as is what cannot be read below.
    Raises RejectedInput where the folder itself cannot be.
    """
    start = len(str(folder / "_")) - 1
    found = _scan(folder, root)
    if found.shut:
        raise RejectedInput(found.shut)
    files, ahead = found.files, found.folders
    while ahead:
        inner = _scan(ahead.pop(), root)
        if not any(is_xml(file.name) for file in inner.files):
            files += inner.files
            ahead += inner.folders
    return [f._replace(name=utf8(str(f.path)[start:])) for f in files]


class _Folder(NamedTuple):
    """What lies in a folder; odd: names of what is no file to be read, and why; shut: why the folder is none."""

    files: list[File]
    folders: list[Path]
    odd: list[tuple[str, str]]
    shut: str | None = None


def _scan(folder: Path, root: Path) -> _Folder:
    """Files and subfolders of a folder but for hidden ones; links to folders or out of the root are not followed."""
    found = _Folder([], [], [])
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith(".") and entry.name != "__MACOSX":
                    _sort_in(entry, folder / entry.name, root, found)
    except OSError as err:
        return _Folder([], [], [], of_the_file(err))
    return found


def _sort_in(entry: os.DirEntry[str], path: Path, root: Path, found: _Folder) -> None:
    try:
        if entry.is_dir(follow_symlinks=False):
            found.folders.append(path)
        elif not entry.is_file():
            found.odd.append((entry.name, "it is no file, or a link to nowhere"))
        elif entry.is_symlink() and not stays(path, root):
            found.odd.append((entry.name, "the link leads out of the source"))
        else:
            stat = entry.stat()
            found.files.append(File(entry.name, path, stat.st_size, stat.st_mtime_ns))
    except OSError as err:
        found.odd.append((entry.name, of_the_file(err)))


def stays(path: Path, root: Path) -> bool:
    # Path.resolve raises where a link leads to itself.
    return Path(os.path.realpath(path)).is_relative_to(root)


def _is_archive(name: str) -> bool:
    return name.lower().endswith((".zip", ".tar.gz", ".tgz"))


def _beside(folder: Path, root: Path) -> str:
    """Digest of the names and sizes of what lies beside the XML files of a folder, told without opening any."""
    return digest(sorted((f.name, f.size) for f in gathered(folder, root) if not is_xml(f.name)))


def _content_digest(path: Path) -> str:
    """SHA-256 of an XML, by its beginning where it is larger than any that is read; of an archive's end."""
    with path.open("rb") as fh:
        if is_xml(path.name):
            return hashlib.sha256(fh.read(STANDARD.xml)).hexdigest()
        fh.seek(max(0, fh.seek(0, os.SEEK_END) - TAIL))
        return hashlib.sha256(fh.read(TAIL)).hexdigest()
