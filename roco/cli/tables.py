"""Tables on a terminal: the console, columns with headers, and text from outside made safe."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from roco.base.terminal import printable
from roco.cli.logs import is_quiet

WIDTH = 120
"""Width of the output, in characters, if it is not a terminal."""

LINES_PER_LIST = 20
"""Entries of a list that are printed; --json prints all."""


def console(stderr: bool = False) -> Console:
    """Returns a console on stdout, or on stderr for progress, which `--quiet` silences; without highlighting."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=False, quiet=stderr and is_quiet())


def clean(text: Any) -> str:
    """Returns text from outside without control characters, line breaks and markup."""
    return escape(printable(text))


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> Table:
    """Returns a table with one row per mapping; columns: the header of each key. Numbers are aligned to the right."""
    grid = empty_table()
    for key, header in columns.items():
        is_number = bool(rows) and isinstance(rows[0][key], int)
        grid.add_column(header, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        values = (row[key] for key in columns)
        grid.add_row(*(f"{value:,}" if isinstance(value, int) else clean(value or "") for value in values))
    return grid


def funnel_table(stages: Iterable[Mapping[str, Any]]) -> Table:
    """Returns the funnel as a table: figures in, kept, dropped and reasons at each stage; `*` marks stages to run."""
    grid = empty_table()
    grid.add_column("stage")
    for header in ("in", "kept", "dropped"):
        grid.add_column(header, justify="right")
    grid.add_column("reasons", style="dim", overflow="fold")
    for stage in stages:
        name = stage["stage"] + (" *" if stage.get("why") else "")
        if "in" not in stage:
            grid.add_row(name, "", "", "", "not run")
            continue
        dropped = sum(stage["dropped"].values())
        cells = f"{stage['in']:,}", f"{stage['kept']:,}", f"{dropped:,}" if dropped else ""
        grid.add_row(name, *cells, reasons(stage["dropped"]))
    return grid


def reasons(dropped: Mapping[str, int]) -> str:
    """Returns counts by reason as text: `3 license, 1 retracted`."""
    return ", ".join(f"{n:,} {reason}" for reason, n in dropped.items())


def empty_table() -> Table:
    return Table(box=None, pad_edge=False, header_style="dim")


def print_list(out: Console, title: str, lines: Sequence[str], most: int = LINES_PER_LIST) -> None:
    """Prints a title and at most `most` entries of a list; nothing if the list is empty."""
    if not lines:
        return
    out.print(f"\n[bold]{title}[/bold]")
    for line in lines[:most]:
        out.print(f"  {clean(line)}", soft_wrap=True)
    if len(lines) > most:
        out.print(f"  [dim]and {len(lines) - most:,} more: --json[/dim]")
