"""What the commands that review a run print: dropped and flagged figures, groups of duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from roco.base.terminal import printable
from roco.cli.output import count
from roco.cli.tables import clean, console, print_labelled, print_table, reasons, table
from roco.stages.screened import facts
from roco.stages.sheets import image_facts

if TYPE_CHECKING:
    import pyarrow as pa

    from roco.stages.dedup_groups import GroupImage


def print_dropped(rows: pa.Table, most: int) -> None:
    """Prints how many figures each stage dropped, and a line for each of the first `most` of them."""
    out = console()
    by_stage = Counter(rows["stage"].to_pylist())
    out.print(f"{count('figure', len(rows))} dropped" + (f": {clean(reasons(by_stage))}" if by_stage else ""))
    if not most or not len(rows):
        return
    headers = {"figure_id": "figure", "stage": "stage", "drop": "reason", "drop_detail": "detail"}
    out.print()
    print_table(out, table(rows.slice(0, most).select(list(headers)).to_pylist(), headers))
    if len(rows) > most:
        out.print(f"[dim]and {len(rows) - most:,} more: --most {len(rows)}, or --out FILE[/dim]")


def print_flagged(rows: pa.Table, check: str | None, most: int) -> None:
    """Prints how many figures each check flags, and a line for each of the first `most` of them."""
    out = console()
    figures = rows.to_pylist()
    by_check = Counter(flag for row in figures for flag in row["screening"])
    out.print(f"{count('image', len(rows))} flagged" + (f": {clean(reasons(by_check))}" if by_check else ""))
    if not most or not figures:
        return
    headers = {"figure_id": "figure", "checks": "checks", "facts": "why", "drop": "dropped"}
    lines = [
        {**row, "checks": ", ".join(row["screening"]), "facts": facts(row, check), "drop": row["drop"] or ""}
        for row in figures[:most]
    ]
    out.print()
    print_table(out, table(lines, headers))
    if len(figures) > most:
        out.print(f"[dim]and {len(figures) - most:,} more: --most {len(figures)}[/dim]")


def print_groups(groups: Sequence[Sequence[GroupImage]], most: int) -> None:
    """Prints groups of duplicates or near-duplicates, `most` of them at most."""
    out = console()
    images = sum(map(len, groups))
    kept = sum(image["kept"] for group in groups for image in group)
    out.print(f"{count('group', len(groups))} of {count('image', images)}, {kept:,} kept")
    for group in groups[:most]:
        out.print()
        for image in group:
            figure, *facts = image_facts(image)
            print_labelled(out, f"  {printable(figure)}  ", printable(", ".join(facts)), "bold")
    if len(groups) > most:
        out.print(f"\n[dim]and {len(groups) - most:,} more: --most {len(groups)}[/dim]")
