"""The layout of the paper: PMCn.tar.gz in folders that say nothing, and a list of files that says the licences."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import json
import os
import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, ClassVar, NamedTuple

import pyarrow as pa

from roco.archive import Archive, open_tar_gz
from roco.errors import DataError
from roco.files import digest
from roco.sources.folder import Row, as_listing, demand_folder, inside, listed, rows_by_article, utf8

INDEX = "oa_file_list.csv"

_PACKAGE = re.compile(r"(PMC[0-9]{1,15})\.tar\.gz")
_ACCESSION = re.compile(r"PMC[0-9]{1,15}")
_HEADERS = {"file": "file", "articlefile": "file", "key": "file", "articlecitation": "citation",
            "accessionid": "pmcid", "lastupdated": "updated", "pmid": "pmid", "license": "license",
            "retracted": "retracted"}  # fmt: skip
_CSV = ("file", "citation", "pmcid", "updated", "pmid", "license", "retracted")
_TXT = ("file", "citation", "pmcid", "pmid", "license", "retracted")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PackageSource:
    """Lists one package for each PMCID below a folder; index: its list of files, else the one at its root."""

    path: Path
    index: Path | None = None
    kind: ClassVar[str] = "package"

    @property
    def spec(self) -> Mapping[str, Any]:
        index = None if self.index is None else str(self.index.absolute())
        return {"kind": self.kind, "path": str(self.path.absolute())} | ({"index": index} if index else {})

    def listing(self, known: pa.Table | None) -> pa.Table:
        """Article is the PMCID, facts what the index says: license, pmid, citation, updated, retracted."""
        with listed(self.path):
            return self._listing(known)

    def _listing(self, known: pa.Table | None) -> pa.Table:
        found: dict[str, list[_Found]] = defaultdict(list)
        for package in _found(self.path):
            found[package.pmcid].append(package)
        if not found:
            raise DataError(f"there is no PMCn.tar.gz in {self.path}", "is it a source of another kind?")
        told = self._told(found)
        before = rows_by_article(known)
        return as_listing(self._row(packages, told.get(pmcid, {}), before) for pmcid, packages in found.items())

    def open(self, place: str) -> Archive:
        """Inflates and checks the whole package; raises Refused when it cannot be read."""
        demand_folder(self.path)
        return open_tar_gz(self.path / inside(place))

    def _told(self, wanted: Mapping[str, Any]) -> dict[str, dict[str, Facts]]:
        """What the index says of the wanted articles: facts by the file that it names."""
        index = self.index or self.path / INDEX
        if self.index is None and not index.is_file():
            return {}
        told: dict[str, dict[str, Facts]] = defaultdict(dict)
        for row in read_index(index, wanted):
            told[row.pmcid][row.file] = row.facts
        return told

    def _row(self, packages: Sequence[_Found], told: Mapping[str, Facts], before: Mapping[str, Row]) -> Row:
        package, facts = _chosen(packages, told)
        written = json.dumps(facts, sort_keys=True, ensure_ascii=False)
        last = before.get(package.pmcid)
        if last is not None and (last.place, last.stamp, last.facts) == (package.place, package.stamp, written):
            return last
        content = digest([package.size, *_ends(package.path), facts])
        return Row(package.pmcid, content, package.place, package.stamp, written)


Facts = dict[str, str | bool | None]


class IndexRow(NamedTuple):
    """What a list of files says of one package."""

    pmcid: str
    file: str
    facts: Facts


def read_index(path: Path, wanted: Container[str] | None = None) -> Iterator[IndexRow]:
    """Streams an oa_file_list, with commas or TABs, with or without header; raises DataError when it cannot.

    wanted: the PMCIDs to look for, all where it is None; a list has millions of rows, a folder may have few.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as fh:
            yield from _index_rows(fh, wanted)
    except FileNotFoundError as err:
        raise DataError(f"the index {path} is not there", "leave index out, or name the list of files") from err
    except csv.Error as err:
        raise DataError(f"the index {path} is no table of files: {err}", "fetch it again") from err


def _index_rows(fh: IO[str], wanted: Container[str] | None) -> Iterator[IndexRow]:
    first = next(fh, "")
    if "," not in first and "\t" not in first:  # the .txt begins with the time at which it was made
        first = next(fh, "")
    tabs = "\t" in first
    lines = itertools.chain([first], fh)
    cells = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if tabs else csv.reader(lines)
    head = next(cells, [])
    if any(_ACCESSION.fullmatch(cell.strip()) for cell in head):
        names: Sequence[str | None] = _TXT if tabs else _CSV
        cells = itertools.chain([head], cells)  # type: ignore[assignment]
    else:
        names = [_HEADERS.get(_letters(cell)) for cell in head]
        if "pmcid" not in names or "file" not in names:
            raise csv.Error("it has no columns File and Accession ID")
    at = names.index("pmcid")
    for row in cells:
        pmcid = row[at].strip() if len(row) > at else ""
        if _ACCESSION.fullmatch(pmcid) and (wanted is None or pmcid in wanted):
            told = {name: cell.strip() for name, cell in zip(names, row, strict=False) if name}
            yield IndexRow(pmcid, told.get("file", ""), _facts(told))


def _letters(cell: str) -> str:
    """`Last Updated UTC (YYYY-MM-DD HH:MM:SS)` as `lastupdated`."""
    return "".join(filter(str.isalpha, cell.partition("(")[0].lower().replace("utc", "")))


def _facts(told: Mapping[str, str]) -> Facts:
    facts: Facts = {name: told.get(name) or None for name in ("license", "pmid", "citation", "updated")}
    if pmid := told.get("pmid"):
        facts["pmid"] = pmid.removeprefix("PMID:").strip() or None
    if retracted := told.get("retracted", "").lower():
        facts["retracted"] = retracted in ("yes", "y", "true", "1", "retracted")
    return facts


class _Found(NamedTuple):
    place: str
    pmcid: str
    path: Path
    size: int
    stamp: str


def _found(root: Path) -> Iterator[_Found]:
    ahead = [(str(root), "")]
    while ahead:
        folder, prefix = ahead.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    ahead.append((entry.path, f"{prefix}{entry.name}/"))
                elif (match := _PACKAGE.fullmatch(entry.name)) and entry.is_file():
                    stat = entry.stat()
                    stamp = f"{stat.st_size}:{stat.st_mtime_ns}"
                    place = utf8(prefix + entry.name)
                    yield _Found(place, match[1], Path(entry.path), stat.st_size, stamp)


def _chosen(packages: Sequence[_Found], told: Mapping[str, Facts]) -> tuple[_Found, Facts]:
    """The one of an article's packages that the index names, else the last by path; and what is said of it."""
    for package in (ordered := sorted(packages, reverse=True)):
        for file, facts in told.items():
            if f"/{file}".endswith(f"/{package.place}") or f"/{package.place}".endswith(f"/{file}"):
                return package, facts
    return ordered[0], list(told.values())[-1] if told else {}


def _ends(path: Path) -> Iterable[str]:
    """The first 10 and the last 8 bytes: a gzip's header, its CRC and its length."""
    with path.open("rb", buffering=0) as fh:
        first = fh.read(10)
        fh.seek(max(0, fh.seek(0, os.SEEK_END) - 8))
        return first.hex(), fh.read(8).hex()
