"""Reads PMC's lists of files: `oa_file_list.csv` and `.txt`, with or without header, and the lists of the cloud bucket.

`package.py` reads licence, PMID, citation, date and retraction of each article from it; they become the `facts` of the
listing. Lists have millions of rows, so they are streamed, and only rows with a wanted PMCID are parsed.
"""

from __future__ import annotations

import csv
import gzip
import itertools
import re
import zlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from roco.base.errors import DataError
from roco.base.ids import PMCID

LINE = 1 << 16
"""Limit for the characters of a line."""

# The names of PMC's lists: of all packages, of those for commercial use, of bulk packages, of manuscripts.
_NAME = re.compile(
    r"(?:oa_[\w.-]*file_?list|oa_\w+_pdf|(?:author_manuscript|phe_timebound)[\w.-]*filelist)\.(csv|txt|tsv)(\.gz)?",
    re.IGNORECASE,
)

_EXTENSION = re.compile(r"\.(?:csv|txt|tsv)(?:\.gz)?$", re.IGNORECASE)
_PMCID = re.compile(PMCID)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Letters of the column names in a header -> names used here.
_HEADERS = {"file": "file", "articlefile": "file", "key": "file", "articlecitation": "citation",
            "accessionid": "pmcid", "lastupdated": "updated", "pmid": "pmid", "license": "license",
            "retracted": "retracted"}  # fmt: skip
# Columns before the PMCID in lists without header, by their number; with three, the second is the ETag of the bucket.
_COLUMNS_BEFORE_PMCID = {2: ("file", "citation"), 3: ("file", None, "citation")}

Facts = dict[str, Any]


class IndexRow(NamedTuple):
    """What a list of files contains about one package; file: its path, as the list writes it."""

    pmcid: str
    file: str
    facts: Facts


def is_index(name: str) -> bool:
    """Returns whether a file is a list of files of PMC, by its name."""
    return _NAME.fullmatch(name) is not None


def without_copies(paths: Iterable[Path]) -> list[Path]:
    """Returns lists of files without the `.txt` beside a `.csv` of the same name, which contains the same."""
    by_stem: dict[tuple[Path, str], Path] = {}
    for path in sorted(paths):  # .csv before .txt
        extension = _EXTENSION.search(path.name)
        stem = path.name[: extension.start()] if extension else path.name
        by_stem.setdefault((path.parent, stem.lower()), path)
    return list(by_stem.values())


def read_index(path: Path, wanted: Container[str] | None = None) -> Iterator[IndexRow]:
    """Yields the rows of a list of files, separated by commas or tabs; raises DataError if it cannot be read.

    wanted: the PMCIDs to look for; None for all.
    """
    try:
        with _opened(path) as fh:
            yield from _rows(fh, wanted)
    except FileNotFoundError as err:
        raise DataError(
            f"the index {path} does not exist", "remove `index` from [source], or set it to the list of files"
        ) from err
    except csv.Error as err:
        raise DataError(f"the index {path} is not a list of files: {err}", "download it again") from err
    except (gzip.BadGzipFile, EOFError, zlib.error) as err:
        raise DataError(f"the index {path} is truncated or corrupt: {err}", "download it again") from err


def _opened(path: Path) -> IO[str]:
    open_text = gzip.open if path.suffix.lower() == ".gz" else open
    return cast(IO[str], open_text(path, "rt", encoding="utf-8-sig", errors="replace", newline=""))


def newest_facts(rows: Sequence[IndexRow]) -> Facts:
    """Returns the facts of the newest of several rows about one package; of equally new ones with both licences.

    If a row has no date, the last row of the list counts as the newest.
    """
    if not rows:
        return {}
    if not all(_DATE.match(row.facts.get("updated") or "") for row in rows):
        return dict(rows[-1].facts)
    newest = max(row.facts["updated"] for row in rows)
    latest = [row.facts for row in rows if row.facts["updated"] == newest]
    # Two joined licences are a code that cannot be parsed, so `licenses.normalise` does not accept them.
    licenses = sorted({facts["license"] for facts in latest if facts["license"]})
    return latest[-1] | {"license": " / ".join(licenses) or None}


def _rows(fh: IO[str], wanted: Container[str] | None) -> Iterator[IndexRow]:
    lines = _lines(fh)
    first = next(lines, "")
    if "," not in first and "\t" not in first:  # the .txt begins with the time at which it was written
        first = next(lines, "")
    columns = _columns(first)
    for line in itertools.chain([first], lines):
        # A search for PMCIDs is much faster than parsing the row.
        pmcids = _PMCID.findall(line)
        if not pmcids:
            continue
        if wanted is not None and not any(pmcid in wanted for pmcid in pmcids):
            continue
        cells = columns.cells(line)
        if cells:
            pmcid, file, facts = cells["pmcid"], cells.get("file", ""), _facts(cells)
        else:
            # The unreadable row is kept as evidence: the licence of its article is unknown.
            pmcid, file, facts = pmcids[-1], "", {"index": f"cannot be read: {line.strip()[:200]}"}
        if wanted is None or pmcid in wanted:
            yield IndexRow(pmcid, file, facts)


def _lines(fh: IO[str]) -> Iterator[str]:
    while line := fh.readline(LINE + 1):
        if len(line) > LINE:
            raise csv.Error(f"a line is longer than {LINE} characters")
        yield line


class _Columns(NamedTuple):
    """The columns of one list: their names, None for unused ones; pmcid: position of the PMCID; tabs: the separator."""

    names: Sequence[str | None]
    pmcid: int
    tabs: bool

    def cells(self, line: str) -> dict[str, str]:
        """Returns the cells of a row by name; empty if it is not a row of this list.

        Rows are parsed one by one, so a quotation mark that is never closed affects only its own row, which is then
        parsed without quotation marks.
        """
        parsed = line.split("\t") if self.tabs else next(csv.reader([line]))
        without_quotes = line.replace('"', "").split(",")
        for cells in (parsed, without_quotes):
            cells = self._with_whole_citation(cells)
            if len(cells) > self.pmcid and _PMCID.fullmatch(cells[self.pmcid].strip()):
                return {name: cell.strip() for name, cell in zip(self.names, cells, strict=False) if name}
        return {}

    def _with_whole_citation(self, cells: list[str]) -> list[str]:
        """Joins the cells of a citation that contains commas and is not quoted."""
        surplus = len(cells) - len(self.names)
        if surplus <= 0 or "citation" not in self.names[: self.pmcid]:
            return cells
        start = self.names.index("citation")
        end = start + surplus + 1
        return [*cells[:start], ",".join(cells[start:end]), *cells[end:]]


def _columns(first: str) -> _Columns:
    """Returns the columns of a list from its header, or without a header from its first row."""
    tabs = "\t" in first
    cells = [cell.strip() for cell in (first.split("\t") if tabs else next(csv.reader([first]), []))]
    position = next((i for i, cell in enumerate(cells) if _PMCID.fullmatch(cell)), None)
    if position is None:
        found = [_HEADERS.get(_letters(cell)) for cell in cells]
        # Of two columns of one name, the first counts.
        names = [None if name in found[:i] else name for i, name in enumerate(found)]
        if "pmcid" not in names or "file" not in names:
            raise csv.Error("no columns File and Accession ID")
        return _Columns(names, names.index("pmcid"), tabs)

    before = _COLUMNS_BEFORE_PMCID.get(position)
    if before is None:
        raise csv.Error("no header, and unknown columns")
    has_date = len(cells) > position + 1 and _DATE.match(cells[position + 1])
    after = ("pmcid", *(("updated",) if has_date else ()), "pmid", "license", "retracted")
    n_columns = max(len(cells), position + 1)
    return _Columns([*before, *after][:n_columns], position, tabs)


def _letters(cell: str) -> str:
    """Returns the letters of a column name: `lastupdated` for `Last Updated UTC (YYYY-MM-DD HH:MM:SS)`."""
    name = cell.partition("(")[0].lower().replace("utc", "")
    return "".join(filter(str.isalpha, name))


def _facts(cells: Mapping[str, str]) -> Facts:
    facts: Facts = {name: cells.get(name) or None for name in ("license", "pmid", "citation", "updated")}
    pmid = cells.get("pmid")
    if pmid:
        facts["pmid"] = pmid.removeprefix("PMID:").strip() or None
    retracted = cells.get("retracted", "").lower()
    if retracted:
        facts["retracted"] = retracted in ("yes", "y", "true", "1", "retracted")
    return facts
