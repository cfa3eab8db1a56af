"""What `roco select` prints: numbers of images before and after, and the selected images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roco.base.terminal import printable
from roco.cli.grid import Grid
from roco.cli.output import count
from roco.cli.tables import console, print_table
from roco.release.select.selection import Selection

MOST_SHOWN = 20
"""Images that --show prints; --json prints all."""

LONGEST_CAPTION = 40
MOST_CONCEPTS = 3
SHOWN = ("id", "modality", "license", "year", "concepts", "caption")

Counts = Mapping[str, Mapping[str, int]]


def print_counts(before: Counts, after: Counts) -> None:
    """Prints the numbers of images by split, modality and licence, in the release and in the selection."""
    rows = [["all", *_numbers(sum(before["split"].values()), sum(after["split"].values()))]]
    for column, values in before.items():
        for value, number in values.items():
            rows.append([f"{column} {value}", *_numbers(number, after[column].get(value, 0))])
    print_table(console(), Grid(["images", "release", "selected"], rows, frozenset({1, 2})))


def _numbers(*numbers: int) -> list[str]:
    return [f"{number:,}" for number in numbers]


def shown_rows(selection: Selection) -> list[dict[str, Any]]:
    """Returns the selected images with the columns that are shown, as far as the release has them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = [name for name in SHOWN if name in selection.release.columns]
    table = selection.release.table(columns=columns)
    rows: list[dict[str, Any]] = table.filter(
        pc.is_in(table["id"], value_set=pa.array(selection.ids, pa.string()))
    ).to_pylist()
    return rows


def print_images(selection: Selection) -> None:
    """Prints the first selected images, one line each."""
    rows = shown_rows(selection)
    out = console()
    names = [name for name in SHOWN if name in selection.release.columns]
    cells = [[_cell(row[name]) for name in names] for row in rows[:MOST_SHOWN]]
    print_table(out, Grid(names, cells, frozenset()))
    more = f", {MOST_SHOWN} of them shown: --json prints all" if len(rows) > MOST_SHOWN else ""
    out.print(f"{count('image', len(rows))}{more}")


def _cell(value: Any) -> str:
    if isinstance(value, list):
        more = " …" if len(value) > MOST_CONCEPTS else ""
        return printable(" ".join(map(str, value[:MOST_CONCEPTS])) + more)
    text = "" if value is None else str(value)
    return printable(text if len(text) <= LONGEST_CAPTION else f"{text[: LONGEST_CAPTION - 1]}…")
