"""The commands on a recipe and its run: init, run, status, show, stages, articles."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from roco.base.errors import UsageError
from roco.base.guarantees import not_filtered
from roco.cli.complete import complete_executor, complete_reason, complete_stage
from roco.cli.output import print_json, print_next, shown_path

RecipeArg = Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe: a TOML file.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that is empty or does not exist yet.", show_default=False)
    ],
) -> None:
    """Writes a small corpus and a recipe for it; works offline.

    Example: roco init demo
    """
    from roco.cli.progress import ProgressBar, shown
    from roco.recipes.demo import write
    from roco.recipes.load import shipped

    progress = ProgressBar()
    with shown(progress):
        summary = write(folder, shipped()["demo"].read_text(encoding="utf-8"), progress=progress)
    figures = f"{summary.figures} figures ({summary.real} of them real images)"
    print(f"{summary.articles} articles with {figures} in {folder / 'corpus'}")
    if summary.hint:
        print(summary.hint, file=sys.stderr)
    print_next("roco run", folder / "demo.toml")


def run(
    recipe: RecipeArg,
    until: Annotated[
        str | None, typer.Option(metavar="STAGE", help="Stop after this stage.", autocompletion=complete_stage)
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, help="Worker processes; by default one per core, or as many as Ray has room for."
        ),
    ] = None,
    executor: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Where workers run: local, or ray for the cluster of RAY_ADDRESS.",
            autocompletion=complete_executor,
        ),
    ] = "local",
    parts: Annotated[
        str | None, typer.Option(metavar="I/N", help="Process only every N-th part, starting with the I-th.")
    ] = None,
    retry: Annotated[
        str | None,
        typer.Option(
            metavar="REASON",
            help="Measure again the rows that were dropped for this reason.",
            autocompletion=complete_reason,
        ),
    ] = None,
    new_ids: Annotated[
        bool,
        typer.Option(
            "--new-ids", help="Assign all ids and splits anew; by default, those of the release in the folder are kept."
        ),
    ] = False,
    dry: Annotated[bool, typer.Option("--dry", help="Report what would be done without changing anything.")] = False,
    as_json: Json = False,
) -> None:
    """Runs whatever is missing or out of date. An interrupted run resumes; exits with 1 if nothing is released.

    Example: roco run demo/demo.toml
    """
    from roco.cli.losses import check_amount
    from roco.cli.progress import RunProgress, resumable
    from roco.cli.run_tables import print_outcome, print_plan
    from roco.recipes.load import load_recipe

    loaded = load_recipe(recipe)
    opened = loaded.open(until)
    if dry:
        planned = opened.preview()
        print_json(planned) if as_json else print_plan(planned, recipe)
        return
    progress, started = RunProgress(), time.monotonic()
    with resumable(progress):
        outcome = opened.do(
            workers=workers, executor=executor, only=_slice(parts), retry=retry, new_ids=new_ids, progress=progress
        )
    if as_json:
        facts = {"measured": outcome.measured, "complete": outcome.complete, "release": outcome.release}
        changes = outcome.changes._asdict() if outcome.changes else None
        facts |= {"changes": changes, "only_new": list(outcome.only_new), "carried": dict(outcome.carried)}
        print_json({**outcome.funnel, **facts, "not_filtered": not_filtered(opened.pipeline.ensures)})
    else:
        print_outcome(outcome, time.monotonic() - started, opened.pipeline.ensures, recipe)
    if outcome.complete and opened.pipeline.publication:
        check_amount(outcome, f"roco status {recipe}")
    if outcome.release:
        print_next("roco verify", shown_path(outcome.release))
    else:
        print_next("roco status", recipe)


def _slice(text: str | None) -> tuple[int, int] | None:
    """Parses the option --parts I/N; None means all parts."""
    if text is None:
        return None
    i, _, n = text.partition("/")
    if not all(number.isascii() and number.isdigit() for number in (i, n)):
        raise UsageError(f"invalid slice '{text}' (--parts)", "write I/N, for example --parts 1/4")
    return int(i), int(n)


def status(recipe: RecipeArg, as_json: Json = False) -> None:
    """Shows the funnel, the progress and out-of-date stages.

    Example: roco status demo/demo.toml
    """
    from roco.cli.run_tables import print_status
    from roco.recipes.load import load_recipe

    current = load_recipe(recipe).open().status()
    print_json(current) if as_json else print_status(current, str(recipe))
    complete = current["state"] == "complete"
    if complete:
        print_next("roco show", recipe, "FIGURE")
    else:
        print_next("roco run", recipe)


def show(
    recipe: RecipeArg,
    figure: Annotated[
        str,
        typer.Argument(
            metavar="FIGURE",
            help="A figure_id, an id or file of the release, a file of an article, a PMCID or a DOI.",
            show_default=False,
        ),
    ],
    as_json: Json = False,
) -> None:
    """Traces a figure, kept or dropped, through every stage. Prints values, decisions and the reason of a drop.

    Example: roco show demo/demo.toml PMC99000001
    """
    from roco.cli.run_tables import print_trace
    from roco.recipes.load import load_recipe

    traces = load_recipe(recipe).open().show(figure)
    if as_json:
        print_json(traces)
    else:
        for trace in traces:
            print_trace(trace)
    if any(trace["stale"] for trace in traces):
        print_next("roco run", recipe)


def stages(as_json: Json = False) -> None:
    """Lists all stages with their columns, options and reasons.

    Example: roco stages
    """
    from roco.recipes.catalogue import describe, text

    if as_json:
        print_json(describe())
    else:
        print(text())


def articles(
    recipe: RecipeArg,
    each: Annotated[bool, typer.Option("--each", help="Print one line per article instead of totals.")] = False,
    as_json: Json = False,
) -> None:
    """Summarizes what extraction read in the articles. Counts figures, captions, citations, licences, languages.

    Example: roco articles demo/demo.toml
    """
    from roco.cli.progress import ProgressBar, shown
    from roco.cli.run_tables import print_articles
    from roco.models.text.language import identify
    from roco.recipes.load import load_recipe
    from roco.stages.extract_summary import articles as summarize

    progress = ProgressBar(at_once=False)
    with shown(progress):
        summary = summarize(load_recipe(recipe).open(), lambda caption: identify(caption)[0], progress)
    print_json(summary) if as_json else print_articles(summary, each)
