"""Renders one table as text, Markdown, LaTeX or CSV; cells from outside contain no markup or control characters."""

from __future__ import annotations

import csv as csv_module
import io
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from roco.base.terminal import printable

Cell = str | int | float | None
MAX_ROWS = 20  # of a table on a terminal
_SPACES = str.maketrans("\n\r\t", "   ")
_TEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_TEX |= {character: "\\" + character for character in "&%$#_{}"}
# The fonts of old encodings show other signs for the first three; the end of a row takes [ or * for its argument.
_TEX |= {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "[": "{[}", "*": "{*}"}


class ReportTable(NamedTuple):
    """A table with a title, column names, and rows of text, whole numbers, floats and empty cells."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]


def text(table: ReportTable, rest: str = "--out DIR writes all") -> str:
    """Returns a table as aligned text with at most MAX_ROWS rows; numbers are right-aligned.

    rest: how to get the other rows.
    """
    omitted = len(table.rows) - MAX_ROWS
    # A single omitted row would take as much space as the line about it.
    if omitted > 1:
        table = table._replace(rows=table.rows[:MAX_ROWS])
    lines = [list(table.columns), *_formatted(table)]
    places = range(len(table.columns))
    widths = [max(len(line[i]) for line in lines) for i in places]
    numeric = [all(isinstance(row[i], int | float | None) for row in table.rows) for i in places]
    rendered = [table.title]
    for line in lines:
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ]
        rendered.append("  " + "  ".join(cells).rstrip())
    if omitted > 1:
        rendered.append(f"  … {omitted:,} more rows ({rest})")
    return "\n".join(rendered)


def markdown(table: ReportTable) -> str:
    """Returns a table as Markdown under a heading."""

    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(map(markdown_text, cells)) + " |"

    header = [f"## {table.title}", "", line(table.columns), "|" + "---|" * len(table.columns)]
    return "\n".join([*header, *map(line, _formatted(table))])


def markdown_text(text: str) -> str:
    """Returns a text on one line without what Markdown or HTML would interpret as a cell or a tag."""
    line = printable(text.translate(_SPACES))
    line = line.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    # A link or an image: an interval such as [0.1, 0.2] is none.
    return line.replace("](", "]\\(").replace("![", "!\\[")


def latex(table: ReportTable) -> str:
    """Returns a table as a LaTeX tabular with the rules of booktabs."""

    def line(cells: Sequence[str]) -> str:
        return " & ".join("".join(_TEX.get(c, c) for c in cell) for cell in cells) + r" \\"

    header = [
        f"% {table.title}",
        r"\begin{tabular}{" + "l" * len(table.columns) + "}",
        r"\toprule",
        line(table.columns),
        r"\midrule",
    ]
    return "\n".join([*header, *map(line, _formatted(table)), r"\bottomrule", r"\end{tabular}"])


def csv(table: ReportTable) -> str:
    """Returns a table as CSV with unrounded numbers; undefined values are empty cells."""
    out = io.StringIO()
    writer = csv_module.writer(out, lineterminator="\n")
    writer.writerow(table.columns)
    for row in table.rows:
        writer.writerow(["" if _is_undefined(value) else _plain(value) for value in row])
    return out.getvalue()


def formatted(value: Cell) -> str:
    """Returns a cell as text: floats with four decimals, whole numbers with thousands separators."""
    if value is None:
        return ""
    if isinstance(value, float):
        if math.isnan(value):
            return "undefined"
        return f"{value:.4f}" if value < 1000 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _formatted(table: ReportTable) -> list[list[str]]:
    """Returns the cells as text on one line each, safe to print."""
    return [[printable(formatted(value).translate(_SPACES)) for value in row] for row in table.rows]


def _plain(value: Cell) -> Cell:
    return printable(value, keep="\n\t") if isinstance(value, str) else value


def _is_undefined(value: Cell) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
