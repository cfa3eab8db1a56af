"""The command `roco report`: every table and figure of the paper for a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roco.base.errors import UsageError
from roco.cli.output import print_json, print_next, safe, shown_path
from roco.cli.release import Json
from roco.evaluate.report.cost import GRAMS, WATTS

if TYPE_CHECKING:
    from roco.evaluate.report.content import Example
    from roco.evaluate.report.write import Written


def report(
    dataset: Annotated[
        Path,
        typer.Argument(
            metavar="RELEASE|RECIPE",
            help="A release, the published ROCOv2, a run folder, or a recipe, whose run also shows dropped figures.",
            show_default=False,
        ),
    ],
    compare: Annotated[Path | None, typer.Option(metavar="OTHER", help="An earlier release to compare with.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder to write; by default beside the dataset: NAME-report."),
    ] = None,
    vocabulary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Vocabulary with semantic types; the shipped one by default.")
    ] = None,
    scores: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR", help="A folder of scores (`roco evaluate` with `--out`), for Tables 1 to 3; repeat it."
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="LOG", help="A label log, for agreement (Table 7) and the precision of automatic concepts."
        ),
    ] = None,
    first: Annotated[
        str | None, typer.Option("--first", metavar="RATER", help="A rater of the log, as in `roco agree`.")
    ] = None,
    second: Annotated[str | None, typer.Option("--second", metavar="RATER", help="The other rater.")] = None,
    watts: Annotated[float, typer.Option(min=0, help="Watts of a busy core, for the cost of a run.")] = WATTS,
    co2: Annotated[float, typer.Option(min=0, help="Grams of CO2 for a kWh, for the cost of a run.")] = GRAMS,
    as_json: Json = False,
) -> None:
    """Writes every table and figure of the paper for a dataset, as one HTML page, Markdown, CSV and LaTeX.

    Example: roco report demo/run/release --out demo/report
    """
    from roco.cli.agree import agreement_in
    from roco.cli.progress import ProgressBar, shown
    from roco.cli.report_run import read_articles, read_precision
    from roco.evaluate.report.cost import read_cost
    from roco.evaluate.report.inputs import Inputs
    from roco.evaluate.report.score_files import read_scores
    from roco.evaluate.report.write import write_report
    from roco.models.text.vocabulary.table import load
    from roco.release.pubmed import read_pubmed
    from roco.release.read import Release

    if (first or second) and not labels:
        raise UsageError("--first and --second without --labels", "give the label log: --labels LOG")
    read = [read_scores(path) for path in scores or ()]
    agreement = agreement_in(labels, first, second, required=bool(first)) if labels else ()
    examples: list[Example] = []
    folder = dataset.absolute()
    if dataset.suffix == ".toml":
        folder, examples = _run(dataset)
    is_run = (folder / "parts.parquet").is_file()
    release = folder / "release" if is_run else folder
    types = {concept.cui: concept.tuis for concept in load(vocabulary).concepts}
    progress = ProgressBar(at_once=False)
    with Release.open(release) as opened, shown(progress):
        inputs = Inputs(
            release=opened,
            other=Release.open(compare) if compare else None,
            scores=read,
            agreement=agreement,
            pubmed=read_pubmed(release),
            types=types,
            articles=read_articles(folder) if is_run else None,
            cost=read_cost(folder, watts, co2) if is_run else None,
            precision=read_precision(labels) if labels else (),
            dropped_examples=examples,
        )
        written = write_report(inputs, out or folder.with_name(f"{folder.name}-report"), progress)
    if as_json:
        print_json(
            {
                "folder": str(written.folder),
                "sections": [section.part.name for section in written.sections if not section.missing],
                "missing": {section.part.name: section.missing for section in written.missing},
            }
        )
    else:
        _print(written)
    print_next("open", written.folder / "report.html")


def _run(recipe: Path) -> tuple[Path, list[Example]]:
    """Returns the folder of a recipe's run, and dropped figures to look at."""
    from contextlib import closing

    from roco.recipes.load import load_recipe
    from roco.stages.dropped_examples import dropped_examples

    with closing(load_recipe(recipe).open()) as run:
        return run.files.root, dropped_examples(run)


def _print(written: Written) -> None:
    made = len(written.sections) - len(written.missing)
    print(safe(f"{shown_path(written.folder)}: {made} sections"))
    for section in written.missing:
        print(safe(f"  not available: {section.part.heading}: {section.missing}"))
