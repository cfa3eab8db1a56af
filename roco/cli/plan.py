"""The command `roco plan`: estimates core-hours, disk, memory, time and price of a run before it starts."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from roco.cli.output import print_json, print_next
from roco.cli.run import Json, RecipeArg

if TYPE_CHECKING:
    from roco.base.progress import Progress
    from roco.core.cost import Calibration, Corpus
    from roco.core.run import Run

IMAGES_PER_ARTICLE = 16_324_613 / 4_798_923
"""In the open-access subset of PMC: 3.40 (paper, Dataset Creation)."""

PRICE = 0.045
"""Dollars for a core (vCPU) and an hour; docs/scale.md has a table of prices."""

NETWORK, REQUESTS = 10.0, 2000.0
"""Gbit and requests that a source delivers in a second, to all machines together."""

MOST_ARTICLES, MOST_IMAGES, MOST_MACHINES, MOST_CORES = 10**9, 10**12, 10**6, 10**4
MOST_DOLLARS, MOST_BITS, MOST_REQUESTS, MOST_SECONDS = 10**6, 10**9, 10**9, 86_400
"""Larger numbers are mistakes: parts are counted one by one, and JSON has no infinite numbers."""

FEWEST_ARTICLES = 30
"""With fewer articles, the costs of single stages cannot be measured: the demo corpus is used instead."""

SMALL = 200
"""Articles below which a sample is called small."""


def plan(
    recipe: RecipeArg,
    articles: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, max=MOST_ARTICLES, help="Plan for N articles as in PMC, instead of those of the source."
        ),
    ] = None,
    images: Annotated[
        int | None,
        typer.Option(
            metavar="M",
            min=1,
            max=MOST_IMAGES,
            help="Plan for M images: without --articles, in one article for each 3.40 of them, as in PMC.",
        ),
    ] = None,
    machines: Annotated[int, typer.Option(metavar="K", min=1, max=MOST_MACHINES, help="Number of machines.")] = 1,
    cores: Annotated[
        int | None,
        typer.Option(metavar="C", min=1, max=MOST_CORES, help="Cores of each machine; by default those of this one."),
    ] = None,
    price: Annotated[
        float, typer.Option(metavar="P", min=0, max=MOST_DOLLARS, help="Dollars for a core and an hour.")
    ] = PRICE,
    network: Annotated[
        float,
        typer.Option(
            metavar="GBIT",
            min=0.001,
            max=MOST_BITS,
            help="Gbit/s that the source delivers, to all machines together.",
        ),
    ] = NETWORK,
    requests: Annotated[
        float, typer.Option(metavar="N", min=0.1, max=MOST_REQUESTS, help="Requests per second that a bucket answers.")
    ] = REQUESTS,
    seconds: Annotated[
        float,
        typer.Option(metavar="S", min=0.1, max=MOST_SECONDS, help="How long to measure on a sample of the articles."),
    ] = 60.0,
    as_json: Json = False,
) -> None:
    """Estimates core-hours, disk, memory, time and price of a run. Measures a sample; changes nothing.

    Example: roco plan demo/demo.toml --articles 4798923 --machines 2 --cores 32

    `roco run --dry` counts what a run has to do, `roco fetch plan` what a download has to fetch.
    """
    from roco.cli.plan_tables import facts, print_plan
    from roco.cli.progress import ProgressBar, shown
    from roco.core.cost import Machines, estimate
    from roco.recipes.load import load_recipe

    opened = load_recipe(recipe).open()
    progress = ProgressBar()
    with shown(progress):
        listed = len(opened.articles(progress))
        is_demo = listed < FEWEST_ARTICLES
        calibration = _on_demo(opened, seconds, progress) if is_demo else opened.calibrate(seconds, progress)
    corpus = _made_up(articles, images) or _own(opened, listed, calibration)
    of_run = _rows_of_run(opened, calibration)
    if of_run:
        corpus = dataclasses.replace(corpus, rows=of_run[0], rows_of=of_run[1])
    cores = cores or len(os.sched_getaffinity(0))
    bought = Machines(
        machines=machines, cores=cores, price=price, bits_per_second=network * 1e9, requests_per_second=requests
    )
    estimated = estimate(calibration, corpus, bought)
    notes = _notes(calibration, listed, is_demo, has_run=bool(of_run))
    if as_json:
        print_json(facts(estimated, calibration, corpus, bought, notes))
    else:
        print_plan(estimated, calibration, corpus, bought, notes)
    print_next("roco run", recipe)


def _on_demo(opened: Run, seconds: float, progress: Progress) -> Calibration:
    """Measures the stages of a recipe on the articles of the demo corpus."""
    from roco.core.run import Run
    from roco.recipes.demo import write
    from roco.recipes.load import Pipeline, load_recipe, shipped

    with TemporaryDirectory(prefix="roco-plan-") as name:
        write(Path(name), shipped()["demo"].read_text(encoding="utf-8"), progress=progress)
        source = load_recipe(Path(name) / "demo.toml").pipeline.source
        on_demo = Run(Pipeline(source, opened.pipeline.stages), Path(name) / "run")
        return on_demo.calibrate(seconds, progress)


def _made_up(articles: int | None, images: int | None) -> Corpus | None:
    """Returns the corpus of the options --articles and --images; None without them."""
    from roco.core.cost import Corpus

    if articles is None and images is None:
        return None
    if articles is None:
        articles = max(1, round((images or 0) / IMAGES_PER_ARTICLE))
    return Corpus(articles=articles, figures=images if images is not None else articles * IMAGES_PER_ARTICLE)


def _own(opened: Run, listed: int, calibration: Calibration) -> Corpus:
    """Returns the corpus of the recipe, with as many figures per article as in the run, or else in the sample."""
    from roco.core.cost import Corpus

    status = opened.status()
    done = status["articles_done"]
    figures = next((stage.get("kept") for stage in status["stages"]), None)
    if done and figures is not None and done >= calibration.articles:
        return Corpus(articles=listed, figures=figures / done * listed)
    return Corpus(articles=listed, figures=calibration.figures / calibration.articles * listed)


def _rows_of_run(opened: Run, calibration: Calibration) -> tuple[dict[str, int], int] | None:
    """Returns how many figures reached each stage in the run, and how many extraction kept.

    None if a stage is out of date or incomplete, or if the run has fewer articles than the sample.
    """
    status = opened.status()
    first, *others = status["stages"]
    if "kept" not in first or not first["kept"] or status["articles_done"] < calibration.articles:
        return None
    if any(stage["why"] or "in" not in stage for stage in status["stages"]):
        return None
    rows = {stage["stage"]: stage["in"] for stage in others if stage["stage"] in calibration.stages}
    last = opened.pipeline.row_steps[-1].name
    rows["pack"] = next(stage["kept"] for stage in status["stages"] if stage["stage"] == last)
    return rows, first["kept"]


def _notes(calibration: Calibration, listed: int, is_demo: bool, *, has_run: bool) -> list[str]:
    """Returns what limits the estimate, in one line each."""
    notes = []
    if is_demo:
        notes.append(
            f"measured on the demo corpus, because the source has only {listed:,} articles: it is not "
            "representative, most of its figures are kept"
        )
    elif calibration.articles < SMALL:
        notes.append(f"{calibration.articles:,} articles are a small sample: the estimate may be far from the truth")
    if has_run:
        notes.append("the share of figures that reaches each stage is that of the run in the folder of the recipe")
    return notes


__all__ = ["IMAGES_PER_ARTICLE", "PRICE", "plan"]
