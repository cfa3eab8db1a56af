"""The source `package`: the layout of the paper, `PMCn.tar.gz` files in folders of any name, and a list of files."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa

from roco.base.errors import DataError, RejectedInput
from roco.base.files import digest
from roco.base.ids import PMCID
from roco.sources.archives.reader import Archive, is_archive, is_article, is_xml, open_tar_gz, unread_format
from roco.sources.listing import (
    NOT_UTF8,
    Row,
    as_listing,
    file_error,
    is_utf8,
    listing_errors,
    relative_path,
    require_folder,
    rows_by_article,
    unread_row,
    unreadable_folder,
    unreadable_row,
)
from roco.sources.loose import NOT_A_FILE
from roco.sources.oa_file_list import Facts, IndexRow, is_index, newest_facts, read_index, without_copies

INDEX = "oa_file_list.csv"
"""The usual name of the index."""
LEVELS_UP = 3
"""Folders above the source in which an index is looked for: the paper's layout has two levels below `oa_package`."""

_PACKAGE = re.compile(rf"({PMCID})\.tar\.gz")
_GZIP_HEADER, _GZIP_TRAILER = 10, 8  # bytes


@dataclasses.dataclass(frozen=True, kw_only=True)
class PackageSource:
    """Lists one package for each PMCID below a folder.

    index: its list of files. By default the lists at the root are read; without any, those below it; without any, those
    in the nearest folder above it, if a subfolder of a mirror is the source.
    """

    path: Path
    index: Path | None = None
    kind: ClassVar[str] = "package"

    @property
    def spec(self) -> Mapping[str, Any]:
        spec = {"kind": self.kind, "path": str(self.path.absolute())}
        if self.index is not None:
            spec["index"] = str(self.index.absolute())
        return spec

    def listing(self, known: pa.Table | None) -> pa.Table:
        """Returns one row per article; article is the PMCID.

        facts: from the index license, pmid, citation, updated, retracted; others: places of further packages of the
        article; or error.
        """
        with listing_errors(self.path):
            return self._listing(known)

    def _listing(self, known: pa.Table | None) -> pa.Table:
        previous = rows_by_article(known)
        contents = _contents_below(self.path)
        index, unused = self._index_of(contents.packages, contents.indexes)
        rows: dict[str, Row] = {}
        for pmcid, candidates in contents.packages.items():
            rows[pmcid] = _row(candidates, index.get(pmcid, []), previous)
        unread = [*contents.not_read]
        unread += [(os.path.relpath(path, self.path), "list of files without any of these articles") for path in unused]
        rows |= {row.article: row for row in (unread_row(name, reason) for name, reason in unread)}
        for path, reason in contents.unreadable:
            match = _PACKAGE.fullmatch(path.name)
            name = path.relative_to(self.path).as_posix()
            if match:
                row = unreadable_row(name, reason)
                # An article with another, readable package keeps its row; the unreadable one is listed by its place.
                article = row.place if match[1] in rows else match[1]
                rows[article] = row._replace(article=article)
            else:
                of_folder = unreadable_folder(self.path, path, reason, previous)
                rows = {row.article: row for row in of_folder} | rows
        if not contents.packages and not contents.unreadable:
            raise DataError(f"no PMCn.tar.gz in {self.path}", "check path and kind in [source]")
        return as_listing(rows.values())

    def open(self, place: str) -> Archive:
        """Inflates and checks a package; raises RejectedInput if it cannot be read."""
        require_folder(self.path)
        try:
            return open_tar_gz(self.path / relative_path(place))
        except OSError as err:
            raise RejectedInput(file_error(err)) from err

    def _index_of(self, wanted: Container[str], below: Sequence[Path]) -> tuple[dict[str, list[IndexRow]], list[Path]]:
        """Returns the rows of all lists of files for the wanted articles, and the lists that contain none of them.

        below: the lists in the source.
        """
        rows: dict[str, list[IndexRow]] = defaultdict(list)
        unused = []
        for index in self._indexes(below):
            n_before = sum(map(len, rows.values()))
            for row in read_index(index, wanted):
                rows[row.pmcid].append(row)
            if sum(map(len, rows.values())) == n_before:
                unused.append(index)
        return rows, unused

    def _indexes(self, below: Sequence[Path]) -> Sequence[Path]:
        if self.index is not None:
            return [self.index]
        at_root = [path for path in below if path.parent == self.path]
        if at_root or below:
            return without_copies(at_root or below)
        for folder in self.path.absolute().parents[:LEVELS_UP]:
            with contextlib.suppress(OSError):
                above = [path for path in folder.iterdir() if is_index(path.name) and path.is_file()]
                if above:
                    return without_copies(above)
        return []


class _PackageFile(NamedTuple):
    place: str
    pmcid: str
    path: Path
    size: int
    stamp: str


class _Contents(NamedTuple):
    """What is below a folder.

    packages: by PMCID; unreadable: packages and folders, with the reason; indexes: lists of files; not_read: names of
    other archives, with the reason.
    """

    packages: dict[str, list[_PackageFile]]
    unreadable: list[tuple[Path, str]]
    indexes: list[Path]
    not_read: list[tuple[str, str]]


def _contents_below(root: Path) -> _Contents:
    contents = _Contents(defaultdict(list), [], [], [])
    pending = [(str(root), "")]  # strings are faster than Path for millions of entries
    while pending:
        folder, prefix = pending.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append((entry.path, f"{prefix}{entry.name}/"))
                    elif match := _PACKAGE.fullmatch(entry.name):
                        package = _package_file(entry, prefix, match[1])
                        if isinstance(package, str):
                            contents.unreadable.append((Path(entry.path), package))
                        else:
                            contents.packages[match[1]].append(package)
                    elif is_index(entry.name) and entry.is_file():
                        contents.indexes.append(root / (prefix + entry.name))
                    elif reason := _not_read(entry.name):
                        contents.not_read.append((prefix + entry.name, reason))
        except OSError as err:
            contents.unreadable.append((Path(folder), file_error(err)))
    return contents


def _not_read(name: str) -> str | None:
    """Returns why a file is not read although it may contain articles; None for all other files."""
    if name.startswith("."):
        return None
    if is_archive(name) or (is_article(name) and not is_xml(name)):
        return 'not named PMCn.tar.gz; kind = "folder" reads it'
    return unread_format(name)


def _package_file(entry: os.DirEntry[str], prefix: str, pmcid: str) -> _PackageFile | str:
    """Returns a package, or the reason why it cannot be read."""
    try:
        if not entry.is_file():
            return NOT_A_FILE
        stat = entry.stat()
    except OSError as err:
        return file_error(err)
    if not is_utf8(prefix):
        return NOT_UTF8
    stamp = f"{stat.st_size}:{stat.st_mtime_ns}"
    return _PackageFile(prefix + entry.name, pmcid, Path(entry.path), stat.st_size, stamp)


def _row(packages: Sequence[_PackageFile], index: Sequence[IndexRow], previous: Mapping[str, Row]) -> Row:
    package, facts = _chosen(packages, index)
    facts_json = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    last = previous.get(package.pmcid)
    if last is not None and (last.place, last.stamp, last.facts) == (package.place, package.stamp, facts_json):
        return last
    try:
        content = digest([package.size, *_header_and_trailer(package.path), facts])
    except OSError as err:
        return unreadable_row(package.place, file_error(err))._replace(article=package.pmcid)
    return Row(package.pmcid, content, package.place, package.stamp, facts_json)


def _chosen(packages: Sequence[_PackageFile], index: Sequence[IndexRow]) -> tuple[_PackageFile, Facts]:
    """Returns the package of an article that the index names, else the last by path; and the facts about it.

    If no row names a package, the facts of all rows count: PMC moves packages when articles change, so a row with
    an old path is still about this article.
    """
    newest_first = sorted(packages, reverse=True)
    package, rows = newest_first[0], index
    for candidate in newest_first:
        rows_of_candidate = [row for row in index if _is_same_path(row.file, candidate.place)]
        if rows_of_candidate:
            package, rows = candidate, rows_of_candidate
            break
    facts = newest_facts(rows)
    # A retraction counts whichever row states it.
    if any(row.facts.get("retracted") for row in index):
        facts["retracted"] = True
    others = [other.place for other in newest_first if other is not package]
    if others:
        facts["others"] = others
    return package, facts


def _is_same_path(file: str, place: str) -> bool:
    """Returns whether a path of the index and a place are the same, although each may have folders the other lacks."""
    return f"/{file}".endswith(f"/{place}") or f"/{place}".endswith(f"/{file}")


def _header_and_trailer(path: Path) -> Iterable[str]:
    """Returns the first and last bytes of a gzip: its header, and its CRC and length, which identify the contents."""
    with path.open("rb", buffering=0) as fh:
        header = fh.read(_GZIP_HEADER)
        size = fh.seek(0, os.SEEK_END)
        fh.seek(max(0, size - _GZIP_TRAILER))
        return header.hex(), fh.read(_GZIP_TRAILER).hex()
