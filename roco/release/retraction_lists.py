"""Lists of retracted papers: exports of PubMed and Retraction Watch, or plain lists of ids."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from roco.base.errors import RecipeError
from roco.base.files import reason_of
from roco.base.ids import clean_doi, clean_pmcid, clean_pmid

_ID_COLUMNS = {
    "doi": "doi", "originalpaperdoi": "doi", "articledoi": "doi",
    "pmid": "pmid", "pubmedid": "pmid", "originalpaperpubmedid": "pmid", "uid": "pmid",
    "pmcid": "pmcid", "accessionid": "pmcid", "pmc": "pmcid",
}  # fmt: skip
"""Kind of id by the letters of a column's name, in lower case."""

_NATURE = "retractionnature"
"""Column of Retraction Watch's list: it contains corrections and expressions of concern as well as retractions."""


def read_list(path: Path) -> Iterator[str]:
    """Yields the ids of a list of retracted papers: `doi:…`, `pmid:…`, `pmcid:…`.

    The list is a CSV file with a column DOI, PMID or PMCID, or a text file with one id per line. Raises RecipeError
    if it contains no id or cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as fh:
            listed = list(_ids(csv.reader(_text_lines(fh))))
    except (OSError, ValueError, csv.Error) as err:
        hint = "give a CSV file with a column DOI, PMID or PMCID, or a text file with one id per line"
        reason = reason_of(err) if isinstance(err, OSError) else str(err)
        raise RecipeError(f"unreadable list of retracted papers: {path} ({reason})", hint) from err
    if not listed:
        hint = "it needs a column DOI, PMID or PMCID, or one id per line"
        raise RecipeError(f"no ids in the list of retracted papers: {path}", hint)
    yield from listed


def ids(row: Mapping[str, Any]) -> list[str]:
    """Returns the ids of an article as `read_list` yields them."""
    return [f"{kind}:{row[kind]}" for kind in ("pmcid", "doi", "pmid") if row[kind]]


def _text_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yields the lines of a text file; any other file, such as a spreadsheet, contains NUL and raises ValueError."""
    for line in lines:
        if "\0" in line:
            raise ValueError("no text file")
        yield line


def _ids(rows: Iterator[list[str]]) -> Iterator[str]:
    header = next(rows, [])
    kinds = [_kind_of_column(cell) for cell in header]
    if any(kinds):
        yield from _ids_of_columns(header, kinds, rows)
        return
    # Without a known column the file is a plain list, and its first line is an id too.
    for row in (header, *rows):
        id = _id(_kind_of_id(row[0]), row[0]) if row else None
        if id:
            yield id


def _ids_of_columns(header: list[str], kinds: list[str | None], rows: Iterable[list[str]]) -> Iterator[str]:
    names = [_letters(cell) for cell in header]
    nature = names.index(_NATURE) if _NATURE in names else None
    for row in rows:
        if nature is not None and len(row) > nature and row[nature].strip().lower() != "retraction":
            continue
        for kind, cell in zip(kinds, row, strict=False):
            id = _id(kind, cell) if kind else None
            if id:
                yield id


def _kind_of_column(cell: str) -> str | None:
    # `PMC123` is an id, although its letters are the name of a column.
    if any(character.isdigit() for character in cell):
        return None
    return _ID_COLUMNS.get(_letters(cell))


def _letters(cell: str) -> str:
    return "".join(character for character in cell.lower() if character.isalpha())


def _kind_of_id(cell: str) -> str:
    if clean_doi(cell):
        return "doi"
    return "pmcid" if cell.strip().upper().startswith("PMC") else "pmid"


def _id(kind: str, cell: str) -> str | None:
    if kind == "doi":
        value = clean_doi(cell)
    elif kind == "pmid":
        value = clean_pmid(cell)
    else:
        value = clean_pmcid(cell)[0]
    return f"{kind}:{value}" if value else None
