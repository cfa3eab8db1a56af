"""The options that the commands under `roco evaluate` share, and how they print and write a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roco.base.errors import DataError, UsageError
from roco.cli.output import print_json, print_next
from roco.evaluate.profiles import DEFAULT, PROFILES

if TYPE_CHECKING:
    from roco.evaluate.report.scores import Report

Pred = Annotated[
    Path,
    typer.Argument(metavar="PRED", help="Predictions: CSV, or a zip that contains submission.csv.", show_default=False),
]
TruthOpt = Annotated[
    Path,
    typer.Option(
        "--truth", metavar="RELEASE|CSV", help="Ground truth: a release, the published ROCOv2, or a CSV file."
    ),
]
ProfileOpt = Annotated[
    str,
    typer.Option("--profile", metavar="NAME", help=f"Rules of a year: {', '.join(PROFILES)} ({DEFAULT}: the paper)."),
]
Split = Annotated[str, typer.Option(metavar="NAME", help="Split of the release: train, valid, test or all.")]
Compat = Annotated[
    bool, typer.Option("--compat", help="Read and score files as the official scripts do, including their quirks.")
]
Articles = Annotated[
    Path | None,
    typer.Option(metavar="CSV", help="Articles of the images: ID and PMCID, as in license_information.csv."),
]
Train = Annotated[Path | None, typer.Option(metavar="RELEASE|CSV", help="Training set, for frequencies and baselines.")]
Against = Annotated[Path | None, typer.Option(metavar="PRED", help="Predictions of another system to compare with.")]
Out = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Write the report as Markdown, LaTeX, CSV and JSON, and per image.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def create_folder(out: Path | None) -> None:
    """Creates the folder of the report before scoring, which may take long, so that a wrong path fails at once."""
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        from roco.base.files import reason_of

        message = f"{reason_of(err)}: cannot create {out}"
        raise UsageError(message, "set --out to a new or existing folder") from err


def show(report: Report, out: Path | None, as_json: bool) -> None:
    """Prints and writes a report; raises DataError with the reasons if it contains no score."""
    if out:
        report.write(out)
    if as_json:
        print_json(report.as_mapping())
    else:
        print(report.text(), end="")
    if report.is_empty:
        raise nothing_computed(report)
    if out:
        print_next(f"open {out / 'report.md'}; {out / 'per_image.csv'} lists the lowest scores first")
    else:
        print_next("add --out DIR for Markdown, LaTeX, CSV, JSON and a row per image")


def nothing_computed(report: Report) -> DataError:
    """Returns an error with each reason once, and the first score that it concerns."""
    first_of_reason: dict[str, str] = {}
    for name, reason in report.not_computed:
        first_of_reason.setdefault(reason, name)
    reasons = [f"{name}: {reason}" for reason, name in first_of_reason.items()]
    return DataError("no score could be computed", "\n".join(reasons) or "the ground truth has nothing to score")
