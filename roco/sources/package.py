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

from roco.base.errors import DataError, RejectedInput
from roco.base.files import digest
from roco.base.ids import PMCID
from roco.sources.archives.reader import Archive, open_tar_gz
from roco.sources.folder import (
    Row,
    as_listing,
    broken,
    demand_folder,
    inside,
    listed,
    of_the_file,
    rows_by_article,
    shut,
    utf8,
)

INDEX = "oa_file_list.csv"
LINE = 1 << 16
"""Characters of a line of an index at most."""

_PACKAGE = re.compile(rf"({PMCID})\.tar\.gz")
_PMCID = re.compile(PMCID)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HEADERS = {"file": "file", "articlefile": "file", "key": "file", "articlecitation": "citation",
            "accessionid": "pmcid", "lastupdated": "updated", "pmid": "pmid", "license": "license",
            "retracted": "retracted"}  # fmt: skip


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
        """Article is the PMCID, facts what the index says: license, pmid, citation, updated, retracted; or error.

        others: places of more packages of the same article.
        """
        with listed(self.path):
            return self._listing(known)

    def _listing(self, known: pa.Table | None) -> pa.Table:
        before = rows_by_article(known)
        found, odd = _found(self.path)
        told = self._told(found)
        rows = {pmcid: self._row(ones, told.get(pmcid, []), before) for pmcid, ones in found.items()}
        for path, reason in odd:
            if match := _PACKAGE.fullmatch(path.name):
                place = utf8(path.relative_to(self.path).as_posix())
                article = place if match[1] in rows else match[1]
                rows[article] = broken(place, reason)._replace(article=article)
            else:
                rows = {row.article: row for row in shut(self.path, path, reason, before)} | rows
        if not rows:
            raise DataError(f"there is no PMCn.tar.gz in {self.path}", "is it a source of another kind?")
        return as_listing(rows.values())

    def open(self, place: str) -> Archive:
        """Inflates and checks the whole package; raises RejectedInput when it cannot be read."""
        demand_folder(self.path)
        try:
            return open_tar_gz(self.path / inside(place))
        except OSError as err:
            raise RejectedInput(of_the_file(err)) from err

    def _told(self, wanted: Mapping[str, Any]) -> dict[str, list[IndexRow]]:
        """What the index says of the wanted articles."""
        index = self.index or self.path / INDEX
        if self.index is None and not index.is_file():
            return {}
        told: dict[str, list[IndexRow]] = defaultdict(list)
        for row in read_index(index, wanted):
            told[row.pmcid].append(row)
        return told

    def _row(self, packages: Sequence[_Found], told: Sequence[IndexRow], before: Mapping[str, Row]) -> Row:
        package, facts = _chosen(packages, told)
        written = json.dumps(facts, sort_keys=True, ensure_ascii=False)
        last = before.get(package.pmcid)
        if last is not None and (last.place, last.stamp, last.facts) == (package.place, package.stamp, written):
            return last
        try:
            content = digest([package.size, *_ends(package.path), facts])
        except OSError as err:
            return broken(package.place, of_the_file(err))._replace(article=package.pmcid)
        return Row(package.pmcid, content, package.place, package.stamp, written)


Facts = dict[str, Any]


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
    lines = _lines(fh)
    first = next(lines, "")
    if "," not in first and "\t" not in first:  # the .txt begins with the time at which it was made
        first = next(lines, "")
    columns = _columns(first)
    for line in itertools.chain([first], lines):
        ids = _PMCID.findall(line)
        if ids and (wanted is None or any(pmcid in wanted for pmcid in ids)):
            cells = columns.cells(line)
            pmcid = cells["pmcid"] if cells else ids[-1]
            if wanted is None or pmcid in wanted:
                facts = _facts(cells) if cells else {"index": f"cannot be read: {line.strip()[:200]}"}
                yield IndexRow(pmcid, cells.get("file", ""), facts)


def _lines(fh: IO[str]) -> Iterator[str]:
    while line := fh.readline(LINE + 1):
        if len(line) > LINE:
            raise csv.Error(f"a line is longer than {LINE} characters")
        yield line


class _Columns(NamedTuple):
    """How the rows of one list are to be read: names of its columns, None for those of no use."""

    names: Sequence[str | None]
    at: int
    tabs: bool

    def cells(self, line: str) -> dict[str, str]:
        """The cells of a row by name, nothing where it is none; rows are read one by one.

        So a quotation mark that is never closed spoils no row but its own, and that one is read without it.
        """
        found = line.split("\t") if self.tabs else next(csv.reader([line]))
        for cells in (found, line.replace('"', "").split(",")):
            more = len(cells) - len(self.names)
            if more > 0 and "citation" in self.names[: self.at]:  # commas in a citation that is not quoted
                k = self.names.index("citation")
                cells = [*cells[:k], ",".join(cells[k : k + more + 1]), *cells[k + more + 1 :]]
            if len(cells) > self.at and _PMCID.fullmatch(cells[self.at].strip()):
                return {name: cell.strip() for name, cell in zip(self.names, cells, strict=False) if name}
        return {}


def _columns(first: str) -> _Columns:
    """The columns by their header, or by what stands in the first row where there is none."""
    tabs = "\t" in first
    head = [cell.strip() for cell in (first.split("\t") if tabs else next(csv.reader([first]), []))]
    at = next((i for i, cell in enumerate(head) if _PMCID.fullmatch(cell)), None)
    if at is None:
        names = [_HEADERS.get(_letters(cell)) for cell in head]
        if "pmcid" not in names or "file" not in names:
            raise csv.Error("it has no columns File and Accession ID")
        return _Columns(names, names.index("pmcid"), tabs)
    dated = len(head) > at + 1 and _DATE.match(head[at + 1])
    before = {2: ("file", "citation"), 3: ("file", None, "citation")}.get(at)  # between them the ETag of the bucket
    if before is None:
        raise csv.Error("it has no header, and its columns are not known")
    after = ("pmcid", *(("updated",) if dated else ()), "pmid", "license", "retracted")
    return _Columns([*before, *after][: max(len(head), at + 1)], at, tabs)


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


def _told_last(rows: Sequence[IndexRow]) -> Facts:
    """Of several rows what the newest says; of two that are as new, both licences.

    Where dates cannot be compared, the later row is the newer one.
    """
    if not rows or not all(_DATE.match(row.facts.get("updated") or "") for row in rows):
        return dict(rows[-1].facts) if rows else {}
    newest = max(row.facts["updated"] for row in rows)
    latest = [row.facts for row in rows if row.facts["updated"] == newest]
    licenses = sorted({facts["license"] for facts in latest if facts["license"]})
    return latest[-1] | {"license": " / ".join(licenses) or None}


class _Found(NamedTuple):
    place: str
    pmcid: str
    path: Path
    size: int
    stamp: str


def _found(root: Path) -> tuple[dict[str, list[_Found]], list[tuple[Path, str]]]:
    """The packages below a folder by PMCID; and packages and folders that cannot be read, with the reason."""
    found: dict[str, list[_Found]] = defaultdict(list)
    odd = []
    ahead = [(str(root), "")]
    while ahead:
        folder, prefix = ahead.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        ahead.append((entry.path, f"{prefix}{entry.name}/"))
                    elif match := _PACKAGE.fullmatch(entry.name):
                        package = _package(entry, prefix, match[1])
                        if isinstance(package, str):
                            odd.append((Path(entry.path), package))
                        else:
                            found[match[1]].append(package)
        except OSError as err:
            odd.append((Path(folder), of_the_file(err)))
    return found, odd


def _package(entry: os.DirEntry[str], prefix: str, pmcid: str) -> _Found | str:
    """A package, or why it is none."""
    try:
        if not entry.is_file():
            return "it is no file, or a link to nowhere"
        stat = entry.stat()
    except OSError as err:
        return of_the_file(err)
    stamp = f"{stat.st_size}:{stat.st_mtime_ns}"
    return _Found(utf8(prefix + entry.name), pmcid, Path(entry.path), stat.st_size, stamp)


def _chosen(packages: Sequence[_Found], told: Sequence[IndexRow]) -> tuple[_Found, Facts]:
    """The one of an article's packages that the index names, else the last by path; and what is said of it.

    Paths change when articles do, so one that fits no package says nothing against its row.
    """
    ordered = sorted(packages, reverse=True)
    package, rows = ordered[0], told
    for one in ordered:
        if same := [
            row for row in told if f"/{row.file}".endswith(f"/{one.place}") or f"/{one.place}".endswith(f"/{row.file}")
        ]:
            package, rows = one, same
            break
    facts = _told_last(rows)
    if any(row.facts.get("retracted") for row in told):
        facts["retracted"] = True
    if others := [one.place for one in ordered if one is not package]:
        facts["others"] = others
    return package, facts


def _ends(path: Path) -> Iterable[str]:
    """The first 10 and the last 8 bytes: a gzip's header, its CRC and its length."""
    with path.open("rb", buffering=0) as fh:
        first = fh.read(10)
        fh.seek(max(0, fh.seek(0, os.SEEK_END) - 8))
        return first.hex(), fh.read(8).hex()
