"""Any tree of article XML files with their images beside them, and of publishers' zip and tar.gz packages."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa

from roco.archive import STANDARD, Archive, is_xml, open_tar_gz, open_zip, shown
from roco.errors import DataError, Refused
from roco.files import digest
from roco.schema import LISTING

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
        for folder, files in _tree(self.path, root):
            beside: str | None = None
            for file in files:
                place = utf8(file.path.relative_to(self.path).as_posix())
                stamp = f"{file.size}:{file.time}"
                deciding: Callable[[Path], str] = _tail_digest
                if is_xml(file.name):
                    beside = beside or _beside(folder, root)
                    stamp = f"{stamp}:{beside[:16]}"
                    deciding = _content_digest
                elif not _is_archive(file.name):
                    continue
                last = before.get(place)
                if last is not None and (last.place, last.stamp) == (place, stamp):
                    yield last
                else:
                    yield Row(place, digest([deciding(file.path), file.size, beside]), place, stamp, "{}")

    def open(self, place: str) -> Archive | Loose:
        """The archive, or one XML with what lies beside it; raises Refused when it cannot be read."""
        demand_folder(self.path)
        path = self.path / inside(place)
        root = self.path.resolve()
        if not path.resolve().is_relative_to(root):
            raise Refused(f"{shown(place)} leads out of the source")
        if _is_archive(path.name):
            return open_zip(path) if path.name.lower().endswith(".zip") else open_tar_gz(path)
        if not path.is_file():
            raise Refused(f"{shown(place)} is gone, or its name is not in UTF-8")
        if path.stat().st_size > STANDARD.xml:
            raise Refused(f"XML {shown(path.name)} is too large: {path.stat().st_size} bytes")
        return Loose(gathered(path.parent, root), [path.name])


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
        """The bytes of one file; raises Refused where it is unknown, too large, or not what its MD5 promises."""
        file = self._files.get(name)
        if file is None:
            raise Refused(f"no {shown(name)} in the folder")
        if file.size > (STANDARD.xml if is_xml(name) else STANDARD.member):
            raise Refused(f"{shown(name)} is too large: {file.size} bytes")
        try:
            with file.path.open("rb") as fh:
                data = fh.read(file.size + 1)
        except FileNotFoundError as err:
            raise Refused(f"{shown(name)} is gone") from err
        if len(data) != file.size:
            raise Refused(f"{shown(name)} has changed since the package was opened")
        if (md5 := self._md5s.get(name)) and hashlib.md5(data, usedforsecurity=False).hexdigest() != md5:
            raise Refused(f"md5 does not match: {shown(name)}")
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


_OTHER_KIND = 'see that the disk is there, and that kind = "package", "cloud" or "folder" is the right one'


def demand_folder(path: Path) -> None:
    """Raises DataError where a source is not there, so that nobody takes its articles for withdrawn."""
    if not path.is_dir():
        said = "is no folder" if path.exists() else "is not there"
        raise DataError(f"the source {path} {said}", "set path in [source] to the folder that holds the articles")


@contextlib.contextmanager
def listed(path: Path) -> Iterator[None]:
    """Holds a listing: raises DataError where the source, or anything that must be read to list it, cannot be."""
    demand_folder(path)
    try:
        yield
    except OSError as err:
        said = f"the source {path} cannot be listed: {err.strerror}"
        raise DataError(said, f"see to {err.filename or 'the disk'} and give the same command again") from err


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
    """A place as a relative path; raises Refused where it leads upwards."""
    path = PurePosixPath(place)
    if path.is_absolute() or ".." in path.parts or "\0" in place:
        raise Refused(f"{shown(place)} leads out of the source")
    return path


def utf8(name: str) -> str:
    """A name of the file system as tables can hold it: bytes that are not UTF-8 are written out as `\\xff`."""
    return os.fsencode(name).decode(errors="backslashreplace")


def gathered(folder: Path, root: Path) -> list[File]:
    """The files of a folder and of its subfolders, but for subfolders that hold an XML: they are articles' own.

    root: the resolved root of the source; links that leave it are left out.
    """
    files, ahead = _scan(folder, root)
    while ahead:
        inner, below = _scan(ahead.pop(), root)
        if not any(is_xml(file.name) for file in inner):
            files += inner
            ahead += below
    return [f._replace(name=utf8(f.path.relative_to(folder).as_posix())) for f in files]


def _scan(folder: Path, root: Path) -> tuple[list[File], list[Path]]:
    """Files and subfolders of a folder; hidden ones and links to folders or out of the root are left out."""
    files, folders = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                continue
            path = folder / entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append(path)
            elif entry.is_file() and (not entry.is_symlink() or path.resolve().is_relative_to(root)):
                stat = entry.stat()
                files.append(File(entry.name, path, stat.st_size, stat.st_mtime_ns))
    return files, folders


def _tree(folder: Path, root: Path) -> Iterator[tuple[Path, list[File]]]:
    ahead = [folder]
    while ahead:
        here = ahead.pop()
        files, below = _scan(here, root)
        ahead += below
        yield here, files


def _is_archive(name: str) -> bool:
    return name.lower().endswith((".zip", ".tar.gz", ".tgz"))


def _beside(folder: Path, root: Path) -> str:
    """Digest of the names and sizes of what lies beside the XML files of a folder, told without opening any."""
    return digest(sorted((f.name, f.size) for f in gathered(folder, root) if not is_xml(f.name)))


def _content_digest(path: Path) -> str:
    """SHA-256 of an XML; one that is larger than any that is read counts by its beginning."""
    with path.open("rb") as fh:
        return hashlib.sha256(fh.read(STANDARD.xml)).hexdigest()


def _tail_digest(path: Path) -> str:
    with path.open("rb") as fh:
        fh.seek(max(0, fh.seek(0, os.SEEK_END) - TAIL))
        return hashlib.sha256(fh.read(TAIL)).hexdigest()
