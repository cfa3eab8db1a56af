"""Lists of retracted papers, as PubMed's search and Retraction Watch give them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from roco.base.errors import RecipeError
from roco.base.ids import clean_doi, clean_pmcid, clean_pmid

_HEADERS = {
    "doi": "doi", "originalpaperdoi": "doi", "articledoi": "doi",
    "pmid": "pmid", "pubmedid": "pmid", "originalpaperpubmedid": "pmid", "uid": "pmid",
    "pmcid": "pmcid", "accessionid": "pmcid", "pmc": "pmcid",
}  # fmt: skip
_NATURE = "retractionnature"
"""A column of Retraction Watch's list, which holds corrections and expressions of concern too."""


def read_list(path: Path) -> Iterator[str]:
    """Ids `doi:…`, `pmid:…`, `pmcid:…` of a list of retracted papers; raises RecipeError when it holds none."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as fh:
            found = list(_read(fh))
    except (OSError, csv.Error) as err:
        raise RecipeError(f"the list {path} cannot be read: {err}", "name a CSV, or a text of one id a line") from err
    if not found:
        raise RecipeError(f"the list {path} names no paper", "a column DOI, PMID or PMCID, or one id a line")
    yield from found


def _read(lines: Any) -> Iterator[str]:
    rows = csv.reader(lines)
    head = next(rows, [])
    names = ["".join(c for c in cell.lower() if c.isalpha()) for cell in head]
    # `PMC123` is an id, though its letters spell a column's name.
    kinds = [None if any(map(str.isdigit, c)) else _HEADERS.get(name) for c, name in zip(head, names, strict=True)]
    if not any(kinds):
        yield from (id for row in (head, *rows) for cell in row[:1] for id in _bare(cell))
        return
    nature = names.index(_NATURE) if _NATURE in names else None
    for row in rows:
        if nature is not None and len(row) > nature and row[nature].strip().lower() != "retraction":
            continue
        for kind, cell in zip(kinds, row, strict=False):
            if kind and (id := _id(kind, cell)):
                yield id


def _bare(cell: str) -> Iterator[str]:
    kind = "doi" if clean_doi(cell) else "pmcid" if cell.strip().upper().startswith("PMC") else "pmid"
    if id := _id(kind, cell):
        yield id


def _id(kind: str, cell: str) -> str | None:
    value = clean_doi(cell) if kind == "doi" else clean_pmid(cell) if kind == "pmid" else clean_pmcid(cell)[0]
    return f"{kind}:{value}" if value else None


def ids(row: Mapping[str, Any]) -> list[str]:
    """The ids of an article as lists have them: `pmcid:…`, `doi:…`, `pmid:…`."""
    return [f"{kind}:{row[kind]}" for kind in ("pmcid", "doi", "pmid") if row[kind]]
