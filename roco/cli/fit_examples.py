"""Joins labels with measured images for `roco fit`: of a run, a folder, a release or a label log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from roco.base.errors import DataError, UsageError
from roco.cli.output import shown_path

if TYPE_CHECKING:
    from roco.baselines.labelled import Joined, Label
    from roco.models.heads.head import Head
    from roco.models.images.backbone import Backbone

BLOCKS = ("embedding", "layout")
UNKNOWN = "UNKNOWN"
"""The answer of an annotator who cannot tell; no class of a head."""


class Wanted(NamedTuple):
    """What the options of `roco fit` name.

    network: measures images. known: classes that labels may have, all if empty. base: the head that the new one starts
    from, whose classes come first; None without one. log, rounds: by default those of the recipe.
    """

    task: str
    labels: Path | None
    run: Path | None
    images: Path | None
    release: Path | None
    network: Backbone
    known: tuple[str, ...] = ()
    base: Head | None = None
    log: Path | None = None
    rounds: tuple[str, ...] = ()


def examples_of(wanted: Wanted) -> Joined:
    """Returns the labelled examples; raises UsageError if the options do not say where the labels are."""
    if wanted.release is not None:
        if wanted.labels is not None:
            raise UsageError("--labels with --release", "omit --labels: the labels are the column TASK of the release")
        return _of_release(wanted, wanted.release)
    if wanted.run is not None:
        return _of_log(wanted, wanted.run) if wanted.labels is None else _of_run(wanted, wanted.labels, wanted.run)
    if wanted.labels is None:
        raise UsageError(
            "missing option --labels", "write --labels FILE.csv, with the columns label and figure_id or path"
        )
    assert wanted.images is not None
    return _of_folder(wanted, wanted.labels, wanted.images)


def _of_folder(wanted: Wanted, labels: Path, folder: Path) -> Joined:
    """Measures the images of a folder that a CSV file names by their paths."""
    from roco.baselines.labelled import read_image, read_labels

    if not folder.is_dir():
        raise UsageError(f"no such folder: {shown_path(folder)}", "check the path of --images")
    given, classes, rare = _chosen(read_labels(labels, "path", wanted.known), wanted.base)
    reads = [partial(read_image, folder / label.key) for label in given]
    return _with_left_out(_measured(given, reads, wanted.network, classes), rare)


def _of_release(wanted: Wanted, folder: Path) -> Joined:
    """Measures the images of a release; their labels are its column of the name of the task."""
    from roco.baselines.fit import LEAST
    from roco.baselines.labelled import Label, check_classes
    from roco.release.read import Release

    task, release = wanted.task, Release.open(folder)
    if task not in release.columns:
        raise DataError(f"the release has no column '{task}'", "name the column that has the labels, such as modality")
    group = "article_key" if "article_key" in release.columns else "id"
    rows = release.table(columns=list(dict.fromkeys(["id", task, group]))).to_pylist()
    given = [Label(0, row["id"], str(row[task]), row[group] or row["id"], "") for row in rows if row[task]]
    given, classes, rare = _chosen(given, wanted.base, LEAST)
    if len(_names(given)) < 2:
        raise DataError(
            f"the column '{task}' of the release has fewer than two labels of {LEAST} images",
            "a head needs two classes",
        )
    check_classes(_names(given), f"(column '{task}' of the release)", wanted.known)
    reads = [lambda id=label.key: release.image(id) for label in given]
    return _with_left_out(_measured(given, reads, wanted.network, classes), rare)


def _of_run(wanted: Wanted, labels: Path, recipe: Path) -> Joined:
    """Joins a CSV file of labels by figure_id with the stored measurements of a run."""
    from roco.baselines.labelled import from_table, read_labels

    given, classes, rare = _chosen(read_labels(labels, "figure_id", wanted.known), wanted.base)
    return _with_left_out(from_table(given, _stored(recipe), BLOCKS, classes), rare)


def _of_log(wanted: Wanted, recipe: Path) -> Joined:
    """Joins the resolved labels of a log with the stored measurements of a run.

    Images on which annotators disagree have no label, and UNKNOWN is no class.
    """
    from roco.baselines.fit import LEAST
    from roco.baselines.labelled import from_table
    from roco.recipes.load import load_recipe

    section = load_recipe(recipe).labels
    file = wanted.log or (Path(section.log) if section else recipe.parent / "labels.db")
    if not file.is_file():
        raise UsageError(
            f"no label log: {shown_path(file)}", "label images with `roco curate`, or name labels: --labels FILE.csv"
        )
    table = _stored(recipe)
    rounds = wanted.rounds or (section.rounds if section and not wanted.log else ())
    labels, left_out = _answers(wanted.task, file, rounds, table)
    labels, classes, rare = _chosen(labels, wanted.base, LEAST)
    if len(_names(labels)) < 2:
        counts = ", ".join(f"{n:,} {reason}" for reason, n in {**left_out, **rare}.items())
        message = f"fewer than two classes are labelled in the task '{wanted.task}' ({shown_path(file)})"
        raise DataError(message, f"label more images{f'; left out: {counts}' if counts else ''}")
    return _with_left_out(from_table(labels, table, BLOCKS, classes), {**left_out, **rare})


def _chosen(labels: Any, base: Head | None, least: int = 1) -> tuple[list[Label], tuple[str, ...], dict[str, int]]:
    """Returns the labels of classes that can be learned, these classes, and how many labels are left out, by reason.

    least: images without which a class is left out; a class of the base needs none.
    """
    from roco.baselines import adapt
    from roco.baselines.labelled import common

    if base is None:
        labels, rare = common(labels, least)
        return labels, _names(labels), rare
    classes, rare = adapt.classes_of(base, [label.label for label in labels])
    return [label for label in labels if label.label in classes], classes, rare


def _answers(task: str, file: Path, rounds: Sequence[str], table: pa.Table) -> tuple[list[Label], Mapping[str, int]]:
    """Returns one label for each measured image of the run that has one answer, and how many have none, by reason."""
    from roco.baselines.labelled import Label
    from roco.curate.log import Log
    from roco.curate.resolve import resolve
    from roco.curate.tasks import JOINT

    with Log.open(file, write=False) as log:
        resolution = resolve(log, task, rounds)
    place = dict(_places(table))
    found, left_out = [], Counter({"disagreement of annotators": len(resolution.disputes)})
    for number, one in enumerate(resolution.resolved, start=1):
        if one.label == UNKNOWN:
            left_out[UNKNOWN] += 1
        elif JOINT in one.label:
            left_out["several labels"] += 1
        elif one.image_key not in place:
            left_out["not in the run, or not measured"] += 1
        else:
            found.append(Label(number, place[one.image_key], one.label, "", ""))
    return found, {reason: n for reason, n in left_out.items() if n}


def _places(table: pa.Table) -> Iterator[tuple[str, str]]:
    """Yields image_key and figure_id of the measured figures; of several with the same image, the first comes last."""
    measured = table.filter(table["embedding"].is_valid())
    yield from zip(measured["image_key"].to_pylist()[::-1], measured["figure_id"].to_pylist()[::-1], strict=True)


def _stored(recipe: Path) -> pa.Table:
    from roco.recipes.load import load_recipe

    with closing(load_recipe(recipe).open()) as opened:
        missing = [name for name in BLOCKS if name not in opened.written()]
        if missing:
            raise UsageError(f"the run has no column '{missing[0]}'", "add a stage `guess` or `embed`, and run it")
        return opened.figures(("figure_id", "image_key", "article_key", "origin", *BLOCKS))


def _measured(labels: Any, reads: Any, network: Backbone, classes: Sequence[str]) -> Joined:
    """Measures labelled images, and shows how far it is."""
    from roco.baselines.labelled import from_images
    from roco.cli.progress import ProgressBar, shown

    bar = ProgressBar(at_once=False)
    with shown(bar):
        bar.start("images measured", len(labels))
        return from_images(labels, reads, classes, network, bar.advance)


def _with_left_out(joined: Joined, more: Mapping[str, int]) -> Joined:
    return joined._replace(left_out={**joined.left_out, **more})


def _names(labels: Any) -> tuple[str, ...]:
    return tuple(sorted({label.label for label in labels}))
