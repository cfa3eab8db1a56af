"""The numbers that the paper prints, as data: paper.csv has number of the table, row, value as printed, and a note."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

from roco.evaluate.report.content import Compared
from roco.evaluate.report.render import Cell

VALUES = Path(__file__).with_name("paper.csv")
SOURCES = Path(__file__).with_name("paper_sources.csv")


class PaperValue(NamedTuple):
    """A number as the paper prints it, and what is known about it: inconsistencies, assumptions."""

    value: str
    note: str


class Source(NamedTuple):
    """The section of the paper that describes a table or figure, and what it states, in our words."""

    section: str
    text: str


@cache
def sources() -> dict[str, Source]:
    """Returns the source of every table and figure of the paper with numbers, in its order, by number."""
    with SOURCES.open(encoding="utf-8", newline="") as fh:
        return {row["number"]: Source(row["section"], row["source"]) for row in csv.DictReader(fh)}


@cache
def values(number: str) -> dict[str, PaperValue]:
    """Returns the numbers of a table or figure of the paper, by row; number: such as `Table 4`."""
    with VALUES.open(encoding="utf-8", newline="") as fh:
        return {
            row["row"]: PaperValue(row["value"], row["note"]) for row in csv.DictReader(fh) if row["number"] == number
        }


def compared(number: str, ours: dict[str, Cell]) -> tuple[Compared, ...]:
    """Returns our numbers beside the paper's in its order, then those that only we have.

    Rows of the paper that we lack have no number of ours.
    """
    paper = values(number)
    rows = [Compared(row, ours.get(row), value, note) for row, (value, note) in paper.items()]
    rows += [Compared(row, value, "") for row, value in ours.items() if row not in paper]
    return tuple(rows)
