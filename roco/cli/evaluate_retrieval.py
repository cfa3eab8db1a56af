"""The command `roco evaluate retrieval`: rankings of a file, or those of an index."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roco.base.errors import DataError, UsageError
from roco.cli.evaluate_options import Articles, Json, Out, ProfileOpt, Split, create_folder, nothing_computed, show
from roco.cli.output import print_json, print_next
from roco.cli.search_options import EncoderOpt, TextEncoderOpt
from roco.evaluate.profiles import DEFAULT

if TYPE_CHECKING:
    from roco.baselines.retrieve.evaluation.rankers import IndexRanker
    from roco.baselines.retrieve.index import Index
    from roco.evaluate.rankings import Predictions
    from roco.evaluate.report.scores import Report

DEFAULT_TASK = "image-to-text"  # of a file


@dataclass(frozen=True, kw_only=True)
class _Rules:
    """What all rankings of a command are scored by."""

    truth: Path
    profile: str
    split: str
    articles: Path | None
    pool: int | None

    def report(self, predictions: Predictions, task: str, against: Predictions | None) -> Report:
        from roco.evaluate.retrieval import evaluate_retrieval

        return evaluate_retrieval(
            predictions, self.truth, task=task, profile_name=self.profile, split=self.split, articles=self.articles,
            pool=self.pool, against=against,
        )  # fmt: skip


def retrieval(
    predictions: Annotated[
        Path | None,
        typer.Argument(
            metavar="PRED",
            help="Vectors (npz: ids, images, texts), or scores (CSV: Query,Candidate,Score).",
            show_default=False,
        ),
    ] = None,
    index: Annotated[
        Path | None, typer.Option(metavar="INDEX", help="Instead of PRED: the rankings of an index of `roco index`.")
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="RELEASE|CSV",
            help="Ground truth: a release, the published ROCOv2, or a CSV file. By default the release of the index.",
            show_default=False,
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            metavar="TASK",
            help="image-to-text (default of PRED), text-to-image, image-to-image, text-to-text or concepts-to-image; "
            "by default all of an index.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="METHOD", help="With --index: words, dense or hybrid; by default all.")
    ] = None,
    encoder: EncoderOpt = None,
    text_encoder: TextEncoderOpt = None,
    profile: ProfileOpt = DEFAULT,
    split: Split = "test",
    articles: Articles = None,
    pool: Annotated[int | None, typer.Option(metavar="N", help="Rank only N images; all by default.")] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="PRED|INDEX", help="Another system to compare with, by the same task.")
    ] = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Scores rankings: recall at k, MRR, median rank, nDCG; by shared concepts also MAP, precision and Jaccard at k.

    Example: roco evaluate retrieval --index demo/index --split all

    Every image of the split is a query, and all others are its candidates, except those of its own article.
    """
    if (predictions is None) == (index is None):
        raise UsageError("rankings are needed once", "give PRED, a file of vectors or scores, or --index INDEX")
    if index is not None:
        from roco.baselines.retrieve.evaluation.rankers import Moved, rankers
        from roco.baselines.retrieve.index import Index

        opened = Index.open(index)
        chosen = rankers(opened, task, by, Moved(encoder, text_encoder))
        if against is not None and len(chosen) > 1:
            raise UsageError(f"--against with {len(chosen)} rankings", "choose one: --task TASK --by METHOD")
        rules = _Rules(
            truth=_truth(opened, truth), profile=profile, split=split, articles=articles, pool=pool
        )  # fmt: skip
        _of_index(chosen, rules, against, out, as_json)
        return
    assert predictions is not None
    if truth is None:
        raise UsageError("no ground truth", "give it: --truth RELEASE or CSV")
    if by is not None or encoder is not None or text_encoder is not None:
        raise UsageError("--by, --encoder and --text-encoder without --index", "leave them out: a file has one ranking")
    create_folder(out)
    task = task or DEFAULT_TASK
    rules = _Rules(truth=truth, profile=profile, split=split, articles=articles, pool=pool)
    show(rules.report(predictions, task, against), out, as_json)


def _of_index(
    chosen: Sequence[IndexRanker], rules: _Rules, against: Path | None, out: Path | None, as_json: bool
) -> None:
    """Scores rankings of an index; several are printed side by side."""
    create_folder(out)
    reports = {}
    for ranker in chosen:
        reports[ranker.title] = rules.report(ranker, ranker.task, _other(against, ranker.task, ranker.method))
    if len(reports) == 1:
        show(next(iter(reports.values())), out, as_json)
    else:
        _show_all(reports, chosen, out, as_json)


def _truth(index: Index, given: Path | None) -> Path:
    """Returns the ground truth: the release of the index, which is checked, or a file of labels.

    Another release is refused: its ids may be the same, and its images others.
    """
    if given is not None and not given.is_dir():
        return given
    try:
        release = index.dataset(given).figures.path
    except DataError as err:
        hint = "give the release that the index was made of, or a CSV file with your own labels: --truth RELEASE|CSV"
        raise DataError(err.message, hint) from err
    return Path(os.path.relpath(release.resolve())) if given is None else given


def _other(path: Path | None, task: str, method: str) -> Predictions | None:
    """Returns the rankings to compare with: those of a folder are of an index."""
    if path is None or not path.is_dir():
        return path
    from roco.baselines.retrieve.evaluation.rankers import rankers
    from roco.baselines.retrieve.index import Index

    found = {ranker.method: ranker for ranker in rankers(Index.open(path), task)}
    if method not in found:
        raise UsageError(f"{path} has no ranking for {task} by {method} (--against)", f"choose: {', '.join(found)}")
    return found[method]


def _show_all(reports: Mapping[str, Report], chosen: Sequence[IndexRanker], out: Path | None, as_json: bool) -> None:
    """Prints reports side by side, and writes each into its own folder."""
    from roco.evaluate.report import side_by_side

    folders = [ranker.folder for ranker in chosen]
    if out:
        for folder, report in zip(folders, reports.values(), strict=True):
            create_folder(out / folder)
            report.write(out / folder)
    if as_json:
        print_json(side_by_side.as_mapping(reports))
    else:
        print(side_by_side.text(reports), end="")
    if all(report.is_empty for report in reports.values()):
        raise nothing_computed(next(iter(reports.values())))
    if out:
        print_next(f"open {out / folders[0] / 'report.md'}")
    else:
        print_next("add --out DIR for Markdown, LaTeX, CSV, JSON and a row per image, or --task for one report")
