"""Articles in folders of one's own: JATS files with images beside them, and publishers' archives."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from roco.archive import Archive, is_xml, open_tar_gz, open_zip, shown
from roco.core.source import Package
from roco.errors import DataError, Refused
from roco.files import digest
from roco.schema import LISTING

ARCHIVES = (".zip", ".tar.gz", ".tgz")
TAIL = 64 << 10
"""Bytes at the end of an archive that tell its content: the directory of a zip, the CRC of a gzip file."""

XML_LIMIT = 64 << 20
FILE_LIMIT = 200 << 20


@dataclass(frozen=True, kw_only=True)
class FolderSource:
    """Any tree of .xml, .nxml and .jats files with their images beside or below them, and of .zip and .tar.gz."""

    path: Path
    kind: ClassVar[str] = "folder"

    def listing(self, known: pa.Table | None) -> pa.Table:
        if not self.path.is_dir():
            raise DataError(f"there is no folder {self.path}", "see path in [source]; it is relative to the recipe")
        old = {} if known is None else {(r["place"], r["stamp"]): r["digest"] for r in known.to_pylist()}
        rows = []
        for file in sorted(_articles(self.path)):
            place = file.relative_to(self.path).as_posix()
            beside = [] if _is_archive(file) else _beside(file)
            stamp = digest([(name, p.stat().st_size, p.stat().st_mtime_ns) for name, p in [("", file), *beside]])[:16]
            fresh = old.get((place, stamp)) or _digest(file, beside)
            rows.append({"article": place, "place": place, "stamp": stamp, "facts": "{}", "digest": fresh})
        return pa.Table.from_pylist(sorted(rows, key=lambda r: r["article"]), schema=LISTING)

    def open(self, place: str) -> Package:
        file = self.path / place
        if not file.exists():
            raise FileNotFoundError(file)
        if _is_archive(file):
            return _all_xmls(open_zip(file) if file.suffix == ".zip" else open_tar_gz(file))
        return LooseArticle(file)


class LooseArticle:
    """One XML file and the files of its folder, and of folders below it that hold no XML of their own."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.paths = dict(_beside(file)) | {file.name: file}

    @property
    def xmls(self) -> Sequence[str]:
        return [self.file.name]

    @property
    def files(self) -> Sequence[tuple[str, int]]:
        return sorted((name, path.stat().st_size) for name, path in self.paths.items())

    def read(self, name: str) -> bytes:
        path = self.paths.get(name)
        if path is None:
            raise Refused(f"no {shown(name)} beside {self.file.name}")
        size = path.stat().st_size
        if size > (XML_LIMIT if is_xml(name) else FILE_LIMIT):
            raise Refused(f"{shown(name)} is too large: {size} bytes")
        return path.read_bytes()

    def close(self) -> None: ...


class _AllXmls:
    """A publisher's archive, where every XML is an article."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive

    @property
    def xmls(self) -> Sequence[str]:
        return [name for name, _ in self.archive.files if is_xml(name)]

    @property
    def files(self) -> Sequence[tuple[str, int]]:
        return self.archive.files

    def read(self, name: str) -> bytes:
        return self.archive.read(name)

    def close(self) -> None:
        self.archive.close()


def _all_xmls(archive: Archive) -> Package:
    return _AllXmls(archive)


def _articles(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            if (is_xml(name) or name.lower().endswith(ARCHIVES)) and path.is_file() and _is_inside(path, root):
                yield path


def _is_archive(path: Path) -> bool:
    return path.name.lower().endswith(ARCHIVES)


def _is_inside(path: Path, root: Path) -> bool:
    return not path.is_symlink() or path.resolve().is_relative_to(root.resolve())


def _beside(file: Path) -> list[tuple[str, Path]]:
    """Names relative to the XML's folder, and paths, of what lies beside and below it."""
    here = file.parent
    found = []
    for folder, folders, names in os.walk(here):
        if Path(folder) != here and any(is_xml(name) for name in names):
            folders.clear()
            continue
        paths = (Path(folder) / name for name in sorted(names))
        found += [(p.relative_to(here).as_posix(), p) for p in paths if p.is_file() and _is_inside(p, here)]
    return [(name, p) for name, p in found if p == file or not is_xml(name)]


def _digest(file: Path, beside: Sequence[tuple[str, Path]]) -> str:
    with file.open("rb") as fh:
        if _is_archive(file):
            size = file.stat().st_size
            fh.seek(max(0, size - TAIL))
            return digest([size, hashlib.sha256(fh.read()).hexdigest()])
        content = hashlib.file_digest(fh, "sha256").hexdigest()
    return digest([content, sorted((name, path.stat().st_size) for name, path in beside)])
