"""Lays out tables for any width: no word is cut; where the columns do not fit, each row is printed as a block."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len

GAP = "  "
"""What separates two columns."""

LEAST = 12
"""Characters to which a column of text is narrowed at most, if its words are not longer."""


class Layout(NamedTuple):
    """The lines of a table; the header is empty if each row is printed as a block, with the headers in it."""

    header: str
    lines: list[str]


@dataclass(frozen=True)
class Grid:
    """Rows of cells below headers; numbers: the positions of the columns that are aligned to the right."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int] = frozenset()

    def layout(self, width: int) -> Layout:
        """Returns the lines of the table, each of at most `width` characters, as far as no word is longer."""
        widths = self._widths(width)
        if widths is None:
            return Layout("", [line for row in self.rows for line in self._block(row, width)])
        lines = []
        for row in self.rows:
            wrapped = [wrap(cell, widths[column]) for column, cell in enumerate(row)]
            for number in range(max(1, *map(len, wrapped))):
                cells = [cell[number] if number < len(cell) else "" for cell in wrapped]
                lines.append(self._line(cells, widths))
        return Layout(self._line(self.headers, widths), lines)

    def _widths(self, width: int) -> list[int] | None:
        """Returns the width of each column, the widest narrowed as far as needed; None if the columns do not fit."""
        table = [self.headers, *self.rows]
        columns = range(len(self.headers))
        widths = [max(cell_len(row[column]) for row in table) for column in columns]
        least = []
        for column in columns:
            words = [cell_len(word) for row in table for word in row[column].split()]
            least.append(min(widths[column], max([LEAST, *words])))
        excess = sum(widths) + len(GAP) * (len(widths) - 1) - width
        while excess > 0:
            column = max(columns, key=lambda column: widths[column] - least[column])
            spare = widths[column] - least[column]
            if not spare:
                return None
            taken = min(excess, spare)
            widths[column] -= taken
            excess -= taken
        return widths

    def _line(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        padded = []
        for column, cell in enumerate(cells):
            blank = " " * max(0, widths[column] - cell_len(cell))
            padded.append(blank + cell if column in self.numbers else cell + blank)
        return GAP.join(padded).rstrip()

    def _block(self, row: Sequence[str], width: int) -> list[str]:
        """Returns the first cell of a row and, indented below it, the others that are not empty, with their headers."""
        facts = []
        for header, cell in zip(self.headers[1:], row[1:], strict=True):
            if cell:
                facts.append(f"{header} {cell}".strip())
        first = f"{row[0]} {self.headers[0]}" if 0 in self.numbers else row[0]
        return [first, *wrap(" · ".join(facts), width, "  ", "    ")]


def wrap(text: str, width: int, first: str = "", indent: str = "") -> list[str]:
    """Returns the lines of a text; words that are longer than a line are not divided, so that they can be copied."""
    return textwrap.wrap(
        text,
        max(width, 8),
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
