"""`roco curate` and `roco view`: people look at figures in the browser, and label them."""

from __future__ import annotations

import getpass
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from roco.base.errors import UsageError
from roco.cli import sample as samples
from roco.cli.agree import for_page
from roco.cli.output import count, safe, shown_path
from roco.cli.page_server import HOST, PORT, Host, Port, Quiet, Token, checked_token, serve_page

Target = Annotated[
    Path, typer.Argument(metavar="RECIPE|RELEASE", help="A recipe that has been run, or a release.", show_default=False)
]


def curate(
    target: Target,
    task: Annotated[
        list[str] | None,
        typer.Option(
            "--task", metavar="TASK", help="A task, or the file of one; repeat it. By default modality to direction."
        ),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="FILE", help="The label log; by default that of the recipe, else labels.db."),
    ] = None,
    round: Annotated[
        str | None,
        typer.Option(
            "--round", metavar="NAME", help="The round, opened if new; by default curated, with --sample sample."
        ),
    ] = None,
    blind: Annotated[bool, typer.Option("--blind", help="Show no guesses, scores or labels of others.")] = False,
    annotator: Annotated[
        str, typer.Option("--annotator", metavar="NAME", help="Your name in the log; by default your user name.")
    ] = "",
    double: Annotated[
        float, typer.Option("--double", metavar="SHARE", min=0, max=1, help="Share that two annotators label.")
    ] = 0.1,
    sample: samples.SampleSize = None,
    stratify: samples.Strata = "",
    seed: samples.Seed = None,
    draw_only: samples.DrawOnly = False,
    port: Port = PORT,
    host: Host = HOST,
    token: Token = "",
    no_browser: Quiet = False,
) -> None:
    """Opens figures in the browser for labelling, and stores the labels in a log; runs until Ctrl-C.

    Example: roco curate demo/demo.toml --annotator a1

    A sample for a radiologist: roco curate RECIPE --sample 400 --stratify modality --round radiologist --blind
    """
    from roco.curate.events import rater_name
    from roco.curate.log import Log
    from roco.curate.task_files import load_all
    from roco.curate.task_sets import check_together

    samples.check_options(sample, stratify, seed, draw_only)
    tasks = load_all(task or ([samples.task_of(stratify)] if sample else ["modality", "region", "direction"]))
    others = check_together(tasks)
    read = [*tasks.values(), *others.values()]
    name = rater_name(annotator or _user(), "annotator")
    round = round or (samples.ROUND_OF_SAMPLE if sample else samples.ROUND)
    with ExitStack() as stack:
        corpus, file = _opened(target, [*read, *samples.strata_tasks(stratify)], stack)
        _warn_of_columns(tasks, corpus)
        if not (log or file).exists():
            rater_name(round, "round")
        opened = stack.enter_context(Log.open(log or file, tasks))
        if sample:
            samples.warn_of_release(target, tasks)
            whose = {"round": round, "annotator": name, "blind": blind}
            samples.draw(opened, corpus, tasks, sample, stratify, seed, whose)
        if draw_only:
            return
        opened.open_round(round, annotator=name, blind=blind)
        print(safe(f"labels: {shown_path(opened.path)}, round '{round}'"), file=sys.stderr)
        page = "/one" if blind else "/"
        settings = {"log": opened, "round": round, "blind": blind, "annotator": name, "double": double}
        settings["others"] = others
        _serve(corpus, tasks, page, host, port, token, not no_browser, {**settings, "agreement": for_page})


def view(target: Target, port: Port = PORT, host: Host = HOST, token: Token = "", no_browser: Quiet = False) -> None:
    """Opens the figures of a run or release in the browser, kept and dropped, read only; runs until Ctrl-C.

    Example: roco view demo/run/release
    """
    with ExitStack() as stack:
        corpus, _ = _opened(target, [], stack)
        _serve(corpus, {}, "/", host, port, token, not no_browser, {})


def _opened(target: Path, tasks: list[Any], stack: ExitStack) -> tuple[Any, Path]:
    """Returns the figures, and the label log that belongs to them."""
    from contextlib import closing

    from roco.curate import corpus
    from roco.curate.board import guess_columns

    columns = guess_columns(tasks)
    if target.suffix == ".toml":
        from roco.recipes.load import load_recipe

        recipe = load_recipe(target)
        run = stack.enter_context(closing(recipe.open()))
        file = Path(recipe.labels.log) if recipe.labels else target.parent / "labels.db"
        return corpus.of_run(run, columns), file
    from roco.release.read import Release

    release = stack.enter_context(Release.open(target))
    return corpus.of_release(release, f"the release {target}", columns), target.parent / "labels.db"


def _warn_of_columns(tasks: dict[str, Any], corpus: Any) -> None:
    from roco.curate.task_sets import unknown_columns

    for what, hint in unknown_columns(tasks.values(), corpus.table.column_names):
        print(safe(f"warning: {what}\n  {hint}"), file=sys.stderr)


def _serve(
    corpus: Any, tasks: Any, page: str, host: str, port: int, token: str, browse: bool, settings: dict[str, Any]
) -> None:
    from roco.curate.app_state import Server

    if not len(corpus):
        raise UsageError("there are no figures to show", "run the recipe first: roco run RECIPE")
    server = Server(corpus=corpus, tasks=tasks, token=checked_token(token), **settings)
    serve_page(server, count("figure", len(corpus)), page, host, port, browse)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "annotator"
