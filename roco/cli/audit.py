"""`roco audit`: a sample of what a filter dropped and kept, and what people say about it."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from roco.base.errors import UsageError
from roco.cli.complete import complete_stage
from roco.cli.output import print_json, print_next, safe, shown_path
from roco.cli.run import Json, RecipeArg


def audit(
    recipe: RecipeArg,
    stage: Annotated[
        str,
        typer.Argument(
            metavar="STAGE", help="A stage that drops figures.", show_default=False, autocompletion=complete_stage
        ),
    ],
    n: Annotated[
        int | None,
        typer.Option(
            "--n", metavar="N", min=1, help="Draw this many kept and as many dropped figures; by default 100."
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Draw another sample; by default 1.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write the contact sheet and the CSV file to this folder; by default audit-STAGE beside the recipe.",
        ),
    ] = None,
    labels: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Estimate precision and recall from this CSV file, which was filled in; repeat it for several files.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Draws a sample of what a stage dropped and kept, for review. Estimates precision and recall from the labels.

    Example: roco audit demo/demo.toml language --n 20
    """
    from roco.cli.audit_tables import audit_facts, print_audit, print_sample, sample_facts
    from roco.cli.progress import ProgressBar, shown
    from roco.curate.audit import N, draw_audit, read_audit
    from roco.recipes.load import load_recipe

    if labels:
        for option, value in (("--n", n), ("--seed", seed), ("--out", out)):
            if value is not None:
                hint = "give --labels alone; the sample is that of the file"
                raise UsageError(f"option {option} draws a sample, --labels reads one", hint)
    with closing(load_recipe(recipe).open()) as opened:
        if labels:
            result = read_audit(opened, stage, *labels)
            print_json(audit_facts(result)) if as_json else print_audit(result)
            return
        progress = ProgressBar(at_once=False)
        with shown(progress):
            folder = out if out is not None else recipe.parent / f"audit-{stage}"
            sample = draw_audit(opened, stage, folder, n=n or N, seed=1 if seed is None else seed, progress=progress)
    print_json(sample_facts(sample)) if as_json else print_sample(sample)
    print(safe(f"wrote {shown_path(sample.sheet)} and {shown_path(sample.labels)}"), file=sys.stderr)
    print_next("roco audit", recipe, stage, "--labels", shown_path(sample.labels))
