"""`roco concepts diff`: what other rules for concepts would change in a release."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roco.cli.output import count, print_json, refuse_existing

if TYPE_CHECKING:
    from roco.release.concept_changes import ConceptChanges

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

MOST_ROWS = 30
"""Concepts that are printed; --json prints all."""

SHIPPED = "shipped"


def diff(
    before: Annotated[
        str, typer.Argument(metavar="RULES_A", help="A file of rules, or 'shipped'.", show_default=False)
    ],
    after: Annotated[
        str, typer.Argument(metavar="RULES_B", help="Another file of rules, or 'shipped'.", show_default=False)
    ],
    release: Annotated[Path, typer.Argument(metavar="RELEASE", help="The folder of a release.", show_default=False)],
    more_than: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Images that a concept needs more of; by default as in the rules."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the touched images to a CSV file: ID, gained, lost.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compares two sets of rules for concepts on a release. Prints concepts gained and lost, and images touched.

    Example: roco concepts diff shipped rules.toml demo/run/release

    The mentions of the release are judged again; modality, region and direction stay as they are. Run the recipe with
    rules = "rules.toml" in the stages merge and cutoff to get a release by the new rules.
    """
    from roco.base.files import whole
    from roco.models.text.concepts.checked import load_checked
    from roco.release.concept_changes import compare

    if images is not None:
        refuse_existing(images, "--images")
    rules = [load_checked(None if name == SHIPPED else Path(name)) for name in (before, after)]
    changes = compare(release, rules[0], rules[1], more_than)
    if images is not None:
        with whole(images) as part, part.open("w", encoding="utf-8", newline="") as fh:
            writer = csv.writer(fh, lineterminator="\n")
            writer.writerow(["ID", "gained", "lost"])
            writer.writerows([one.id, ";".join(one.gained), ";".join(one.lost)] for one in changes.touched)
    if as_json:
        print_json({**changes._asdict(), "touched": [one._asdict() for one in changes.touched],
                    "changes": [one._asdict() for one in changes.changes]})  # fmt: skip
        return
    _print(changes)


def _print(changes: ConceptChanges) -> None:
    from roco.cli.tables import console, print_table, table

    out = console()
    of_all = f"{len(changes.touched):,} of {count('image', changes.images)} change"
    out.print(f"{of_all}; {changes.concepts_before:,} concepts become {changes.concepts_after:,}")
    if changes.emptied:
        out.print(f"{count('image', changes.emptied)} would have no concept left")
    if not changes.from_mentions:
        out.print(
            "the dataset has no mentions: only rules about CUIs were compared, not about words, negation or types"
        )
    rows = [
        {
            "cui": one.cui,
            "name": one.name,
            "gained": one.gained,
            "lost": one.lost,
            "before": one.images_before,
            "after": one.images_after,
            "rule": one.rule,
            "examples": ", ".join(one.examples),
        }
        for one in changes.changes[:MOST_ROWS]
    ]
    headers = ("CUI", "name", "gained", "lost", "before", "after", "dropped by", "images")
    if rows:
        print_table(out, table(rows, dict(zip(rows[0], headers, strict=True))))
    if len(changes.changes) > MOST_ROWS:
        out.print(f"and {len(changes.changes) - MOST_ROWS:,} more concepts (--json prints all)")
