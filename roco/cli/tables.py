"""What commands print on a terminal: tables, lists and long texts, with text from outside made safe."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from roco.base.terminal import printable
from roco.cli.grid import Grid, wrap
from roco.cli.logs import is_quiet

WIDTH = 120
"""Width of the output, in characters, if it is not a terminal."""

LINES_PER_LIST = 20
"""Entries of a list that are printed; --json prints all."""

OUTDATED = " *"
"""What follows the name of a stage in the funnel if its results are missing or out of date."""


def console(stderr: bool = False) -> Console:
    """Returns a console on stdout, or on stderr for progress, which `--quiet` silences; without highlighting."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=False, quiet=stderr and is_quiet())


def clean(text: Any) -> str:
    """Returns text from outside without control characters, line breaks and markup."""
    return escape(printable(text))


# --- tables -----------------------------------------------------------------------------------------------------------


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> Grid:
    """Returns a table with one row per mapping; columns: the header of each key. Numbers are aligned to the right."""
    numbers = [column for column, key in enumerate(columns) if rows and isinstance(rows[0][key], int)]
    cells = [[_cell(row[key]) for key in columns] for row in rows]
    return Grid(list(columns.values()), cells, frozenset(numbers))


def funnel_table(stages: Iterable[Mapping[str, Any]]) -> Grid:
    """Returns the funnel as a table: figures in, kept, dropped and reasons at each stage; `*` marks stages to run."""
    rows = []
    for stage in stages:
        name = printable(stage["stage"]) + (OUTDATED if stage.get("why") else "")
        if "in" not in stage:
            rows.append([name, "", "", "", "not run"])
            continue
        dropped = sum(stage["dropped"].values())
        numbers = f"{stage['in']:,}", f"{stage['kept']:,}", f"{dropped:,}" if dropped else ""
        rows.append([name, *numbers, printable(reasons(stage["dropped"]))])
    return Grid(["stage", "in", "kept", "dropped", "reasons"], rows, frozenset({1, 2, 3}))


def reasons(dropped: Mapping[str, int]) -> str:
    """Returns counts by reason as text: `3 license, 1 retracted`."""
    return ", ".join(f"{n:,} {reason}" for reason, n in dropped.items())


def print_table(out: Console, grid: Grid) -> None:
    """Prints a table as wide as the console allows; words are never cut."""
    layout = grid.layout(out.width)
    if layout.header:
        print_line(out, f"[dim]{escape(layout.header)}[/dim]")
    for line in layout.lines:
        print_line(out, escape(line))


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else printable(value or "")


# --- texts ------------------------------------------------------------------------------------------------------------


def print_line(out: Console, markup: str) -> None:
    """Prints one line, also if it is longer than the console is wide."""
    out.print(markup, soft_wrap=True)


def print_labelled(out: Console, label: str, text: str, style: str = "dim") -> None:
    """Prints a label and a text, whose further lines are indented below the label."""
    lead = label[: len(label) - len(label.lstrip())]
    first, *more = wrap(f"{label.lstrip()}{text}", out.width, lead, f"{lead}  ")
    head, tail = first[: len(label)], first[len(label) :]
    print_line(out, f"[{style}]{escape(head)}[/{style}]{escape(tail)}" if style else escape(first))
    for line in more:
        print_line(out, escape(line))


def print_list(out: Console, title: str, lines: Sequence[str], most: int = LINES_PER_LIST) -> None:
    """Prints a title and at most `most` entries of a list; nothing if the list is empty."""
    if not lines:
        return
    out.print(f"\n[bold]{title}[/bold]")
    for line in lines[:most]:
        out.print(f"  {clean(line)}", soft_wrap=True)
    if len(lines) > most:
        out.print(f"  [dim]and {len(lines) - most:,} more: --json[/dim]")
