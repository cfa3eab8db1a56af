"""Compares the tables of most frequent concepts with those that the paper prints for ROCOv2."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from roco.evaluate.report.concept_tables import ConceptTable, Frequent
from roco.evaluate.report.render import ReportTable

EXPECTED = Path(__file__).with_name("paper_concepts.csv")

NOTES = {
    "5": "the paper calls C0444611 Fluid here and Fluid Behavior in Tables S8 and S9",
    "6": "the paper's types come from UMLS 2022AB; a concept whose type is unknown here is not counted",
    "S12": "concepts of regions and sagittal exceed Tables S3 and S4, because captions name them as well",
}
"""Table -> a known peculiarity of the paper, which explains differences."""


class Difference(NamedTuple):
    """A row in which a release differs from the paper; paper is None if the paper's table lacks the row."""

    table: str
    id: str
    name: str
    paper: int | None
    release: int


def expected() -> dict[str, tuple[Frequent, ...]]:
    """Returns the rows of Tables 5, 6, and S6 to S12 as the paper prints them, by number of the table."""
    rows: dict[str, list[Frequent]] = {}
    with EXPECTED.open(encoding="utf-8", newline="") as fh:
        for row in csv.DictReader(fh):
            rows.setdefault(row["table"], []).append(Frequent(row["id"], row["name"], int(row["count"])))
    return {table: tuple(of_table) for table, of_table in rows.items()}


def differences(tables: Sequence[ConceptTable]) -> list[Difference]:
    """Returns the rows in which tables of a release differ from the paper; none for the published ROCOv2.

    Names and the order of equal counts are not compared. A row that only the release has is a difference if its count
    is larger than the last of the paper's table.
    """
    paper = expected()
    found = []
    for table in tables:
        known = {row.id: row for row in paper[table.number]}
        least = min(row.n for row in known.values())
        for row in known.values():
            count = table.counts.get(row.id, 0)
            if count != row.n:
                found.append(Difference(table.number, row.id, row.name, row.n, count))
        for row in table.rows:
            if row.id not in known and row.n > least:
                found.append(Difference(table.number, row.id, row.name, None, row.n))
    return found


def as_report(found: Sequence[Difference]) -> ReportTable:
    """Returns differences as the reports render them."""
    return ReportTable("Differences from the paper", ("table", "id", "name", "paper", "release"), [*map(tuple, found)])
