"""Drops figures of papers that another article of the run, or a list, says to be retracted."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.core.stage import Decision, drop, those_who_left
from roco.errors import RecipeError
from roco.sources.jats_meta import clean_doi, clean_pmcid, clean_pmid

_HEADERS = {
    "doi": "doi", "originalpaperdoi": "doi", "articledoi": "doi",
    "pmid": "pmid", "pubmedid": "pmid", "originalpaperpubmedid": "pmid", "uid": "pmid",
    "pmcid": "pmcid", "accessionid": "pmcid", "pmc": "pmcid",
}  # fmt: skip
_NATURE = "retractionnature"
"""A column of Retraction Watch's list, which holds corrections and expressions of concern too."""


@dataclass(frozen=True, kw_only=True)
class Retraction(Decision):
    """Drops figures of articles that a notice of retraction names, or a list of retracted papers.

    What index, metadata and the paper itself say is in `retracted`, on which `license` decides. This stage adds the
    notices among the articles of the run, and lists: CSV or one id a line, as PubMed's search for
    `retracted publication[pt]` and Retraction Watch give them. A notice is never taken for the paper it retracts.
    """

    needs = ("extract",)
    reads = ("pmcid", "pmid", "doi", "retracts")
    left = ("retracts", "pmcid", "pmid", "doi")
    reasons = ("retracted",)
    scope = "table"

    lists: tuple[Path, ...] = ()

    @cached_property
    def _listed(self) -> dict[str, str]:
        """Name of the list by the id of each paper that it holds."""
        return {id: f"listed in {path.name}" for path in reversed(self.lists) for id in read_list(path)}

    def __call__(self, batch: pa.Table) -> pa.Table:
        found = dict(self._listed)
        for row in (*_notices(those_who_left(batch)), *_notices(batch)):
            for id in row["retracts"]:
                found[id] = f"retracted by {' '.join(_ids(row)) or row['figure_id']}"
        rows = batch.to_pylist()
        said = [None if row["retracts"] else next((found[i] for i in _ids(row) if i in found), None) for row in rows]
        details = pa.array(said, pa.string())
        return drop(batch, details.is_valid(), "retracted", details)


def _notices(rows: pa.Table) -> list[dict[str, Any]]:
    """The few rows that retract something, out of millions."""
    if "retracts" not in rows.column_names:
        return []
    return list(rows.filter(pc.greater(pc.list_value_length(rows["retracts"]), 0)).to_pylist())


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
    kinds = [_HEADERS.get(name) for name in names]
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


def _ids(row: Mapping[str, Any]) -> list[str]:
    return [f"{kind}:{row[kind]}" for kind in ("pmcid", "doi", "pmid") if row[kind]]
