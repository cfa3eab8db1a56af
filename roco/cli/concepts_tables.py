"""What the commands under `roco concepts` print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from roco.cli.output import count, safe
from roco.evaluate.linkers.misses import MISSED, Miss
from roco.evaluate.linkers.report import LinkerReport
from roco.evaluate.report import paper_concepts, render
from roco.evaluate.report.concept_tables import ConceptTable
from roco.evaluate.report.paper_concepts import NOTES, Difference

REST = "--json prints all"


def print_report(report: LinkerReport) -> None:
    """Prints the scores of a linker, the breakdowns, and the worst misses with their captions."""
    captions = f"{count('caption', report.captions)} of {count('article', report.articles)}"
    print(safe(f"{report.linker}: {captions}, rules: {report.rules}\n"))
    for table in report.tables():
        print(render.text(table, REST) + "\n")
    for title, misses in (
        ("Missed most often", [miss for miss in report.misses if miss.kind == MISSED]),
        ("Wrongly predicted most often", [miss for miss in report.misses if miss.kind != MISSED]),
    ):
        if misses:
            print(title)
            for miss in misses:
                print_miss(miss)
            print()


def print_miss(miss: Miss) -> None:
    """Prints a concept with its counts, the words that were linked, and captions."""
    what = "missed in" if miss.kind == MISSED else "wrong in"
    words = f": {', '.join(repr(word) for word in miss.words)}" if miss.words else ""
    name = f" {miss.name}" if miss.name else ""
    print(safe(f"  {miss.cui}{name}, {what} {miss.n:,} of {miss.of:,}{words}".replace("\n", " ")))
    for example in miss.examples:
        print(safe(f"      {example.id}: {example.text}".replace("\n", " ")))


def print_concept_tables(tables: Sequence[ConceptTable], differences: Sequence[Difference] | None) -> None:
    """Prints tables of concepts; differences: from the paper, None if they were not asked for."""
    for table in tables:
        print(render.text(table.as_report(), REST))
        note = f"{count('image', table.images)}"
        if table.unknown:
            note += f"; {count('occurrence', table.unknown)} of concepts whose type is unknown"
        print(f"  ({note})\n")
    if differences is None:
        return
    if not differences:
        print("no differences from the paper")
        return
    print(render.text(paper_concepts.as_report(differences), REST))
    for number in dict.fromkeys(difference.table for difference in differences):
        if number in NOTES:
            print(f"  Table {number}: {NOTES[number]}")


def tables_mapping(tables: Sequence[ConceptTable], differences: Sequence[Difference] | None) -> dict[str, Any]:
    """Returns tables of concepts, and differences from the paper, as JSON values."""
    made = [
        {
            "table": table.number,
            "title": table.title,
            "images": table.images,
            "rows": [row._asdict() for row in table.rows],
            "unknown": table.unknown,
        }
        for table in tables
    ]
    found = None if differences is None else [difference._asdict() for difference in differences]
    return {"tables": made, "differences": found}
