"""The commands that show what a run did to its figures: dropped, duplicates, flagged."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roco.cli.complete import complete_reason, complete_stage
from roco.cli.output import print_json, print_next, safe
from roco.cli.run import Json, RecipeArg

if TYPE_CHECKING:
    from roco.core.run import Run

Sheet = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Draw the images in a grid to this file: .png, .jpg, .webp, .tif or .pdf."),
]


def dropped(
    recipe: RecipeArg,
    stage: Annotated[
        str | None,
        typer.Option(metavar="STAGE", help="Only figures that this stage dropped.", autocompletion=complete_stage),
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(
            metavar="REASON",
            help="Only figures that were dropped for this reason.",
            autocompletion=complete_reason,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all of them to this file: .csv, .json, .jsonl or .parquet."),
    ] = None,
    sheet: Sheet = None,
    most: Annotated[int, typer.Option(metavar="N", min=1, help="Print and draw at most this many figures.")] = 100,
    as_json: Json = False,
) -> None:
    """Lists the figures that were dropped, with stage, reason and detail. Exports them, or draws them for review.

    Example: roco dropped demo/demo.toml --stage language --sheet dropped.png
    """
    from roco.base.export import write_rows, writer_of
    from roco.cli.review_tables import print_dropped
    from roco.models.images.contact_sheet import sheet_format
    from roco.recipes.load import load_recipe
    from roco.stages.sheets import dropped_sheet

    if out is not None:
        writer_of(out)  # an unknown format is an error before anything is read
    if sheet is not None:
        sheet_format(sheet)
    with closing(load_recipe(recipe).open()) as opened:
        rows = opened.dropped(stage, reason)
        if as_json:
            print_json(rows.to_pylist())
        else:
            print_dropped(rows, most if out is None and sheet is None else 0)
        _warn_of_missing_stages(opened)
        if out is not None:
            write_rows(out, rows)
            print(safe(f"wrote {out}"), file=sys.stderr)
        if sheet is not None:
            dropped_sheet(opened, rows.slice(0, most), sheet)
            print(safe(f"wrote {sheet}") + _rest(len(rows), most), file=sys.stderr)
    if len(rows):
        print_next("roco show", recipe, rows["figure_id"][0].as_py())


def duplicates(
    recipe: RecipeArg,
    similar: Annotated[
        bool, typer.Option("--similar", help="Show near-duplicates instead, all of which are kept.")
    ] = False,
    sheet: Sheet = None,
    most: Annotated[int, typer.Option(metavar="N", min=1, help="Print and draw at most this many groups.")] = 40,
    as_json: Json = False,
) -> None:
    """Shows the groups of duplicates, or of near-duplicates. Prints in how many bits their hashes differ.

    Example: roco duplicates demo/demo.toml --sheet duplicates.png
    """
    from roco.cli.review_tables import print_groups
    from roco.models.images.contact_sheet import sheet_format
    from roco.recipes.load import load_recipe
    from roco.stages.dedup_groups import duplicates
    from roco.stages.sheets import duplicates_sheet

    if sheet is not None:
        sheet_format(sheet)
    with closing(load_recipe(recipe).open()) as opened:
        groups = duplicates(opened, "similar" if similar else "duplicate")
        print_json(groups) if as_json else print_groups(groups, most)
        if sheet is not None:
            duplicates_sheet(opened, groups[:most], sheet)
            print(safe(f"wrote {sheet}") + _rest(len(groups), most), file=sys.stderr)


def flagged(
    recipe: RecipeArg,
    check: Annotated[
        str | None,
        typer.Option(
            metavar="CHECK", help="Only figures that this check flags: text, caption, panels, identity, unread."
        ),
    ] = None,
    sheet: Sheet = None,
    most: Annotated[int, typer.Option(metavar="N", min=1, help="Print and draw at most this many figures.")] = 100,
    as_json: Json = False,
) -> None:
    """Lists the images that the stage screen flags for the text in them, with numbers and kinds but never the text.

    Example: roco flagged demo/demo.toml --check identity --sheet flagged.png
    """
    from roco.cli.review_tables import print_flagged
    from roco.models.images.contact_sheet import sheet_format
    from roco.recipes.load import load_recipe
    from roco.stages.screened import flagged
    from roco.stages.sheets import flagged_sheet

    if sheet is not None:
        sheet_format(sheet)
    with closing(load_recipe(recipe).open()) as opened:
        rows = flagged(opened, check)
        print_json(rows.to_pylist()) if as_json else print_flagged(rows, check, most if sheet is None else 0)
        if sheet is not None and len(rows):
            flagged_sheet(opened, rows.slice(0, most), sheet)
            print(safe(f"wrote {sheet}") + _rest(len(rows), most), file=sys.stderr)


def _rest(n: int, most: int) -> str:
    """Returns how many entries a contact sheet leaves out, and how to draw them too."""
    return f" ({most:,} of {n:,}; --most {n} draws all)" if n > most else ""


def _warn_of_missing_stages(run: Run) -> None:
    """Prints the first stage whose results are missing or out of date: what it and later stages drop is not known."""
    outdated = [stage["stage"] for stage in run.status()["stages"] if stage["state"] != "done"]
    if outdated:
        print(
            safe(f"warning: '{outdated[0]}' and the stages after it have not been run with this recipe"),
            file=sys.stderr,
        )
