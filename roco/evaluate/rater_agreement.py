"""Table 7 of the paper for any tasks: kappa with its standard error and interval, agreements, and those by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.files import write_json, write_text
from roco.evaluate.agreement import evaluate_agreement
from roco.evaluate.metrics import agreement
from roco.evaluate.metrics.weighted_agreement import WeightedKappa, weighted_kappa
from roco.evaluate.report import confusion, render
from roco.evaluate.report.render import Cell, ReportTable
from roco.evaluate.report.scores import Report

PICTURES = ((None, "absolute"), ("true", "normalised"))


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The labels of two raters in one task, by image.

    order: the labels of the task, in the order of its matrix; further ones that a rater used follow. raters: the labels
    of all raters, for Krippendorff's alpha; by default of the two. weights, strata: of a stratified sample, by image.
    """

    task: str
    first: Mapping[str, str]
    second: Mapping[str, str]
    names: tuple[str, str] = ("first", "second")
    order: tuple[str, ...] = ()
    raters: Sequence[Mapping[str, str]] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    strata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TaskAgreement:
    """The agreement in one task: Cohen's kappa, Krippendorff's alpha of all raters, AC1, the confusion matrix."""

    pair: Pair
    labels: tuple[str, ...]
    matrix: NDArray[np.int64]
    kappa: agreement.Kappa
    alpha: float
    ac1: float
    weighted: WeightedKappa | None
    resamples: int

    @cached_property
    def report(self) -> Report:
        """Returns the report of `roco evaluate agreement`; its bootstrap interval takes a while."""
        first, second = self.pair.first, self.pair.second
        articles = {image: image.rpartition("-")[0] or image for image in first}
        return evaluate_agreement(first, second, articles=articles, resamples=self.resamples)

    def as_mapping(self) -> dict[str, Any]:
        """Returns the numbers for JSON; what is undefined is null."""
        facts = {
            "task": self.pair.task,
            "raters": list(self.pair.names),
            **self.kappa._asdict(),
            "words": self.kappa.words,
            "alpha": self.alpha,
            "ac1": self.ac1,
            "weighted": self.weighted._asdict() if self.weighted else None,
            "labels": list(self.labels),
            "matrix": self.matrix.tolist(),
            "normalised": agreement.normalised(self.matrix, "true").tolist(),
        }
        by_label = agreement.kappa_by_class(self.matrix, self.labels)
        facts["by_label"] = {label: {**one._asdict(), "words": one.words} for label, one in by_label.items()}
        cleaned: dict[str, Any] = _without_nan(facts)
        return cleaned


def rater_agreement(pair: Pair, *, resamples: int = 1000) -> TaskAgreement:
    """Compares two raters; images that only one of them labelled are excluded. Raises DataError if none is left.

    The weighted kappa is that of the images with a weight: others were not drawn, and represent only themselves.
    """
    images = [image for image in pair.first if image in pair.second]
    if not images:
        raise DataError("the two raters have no image in common", "compare raters who labelled the same images")
    a, b = [pair.first[image] for image in images], [pair.second[image] for image in images]
    used = agreement.labels_of(a, b)
    labels = [label for label in pair.order if label in used] + [label for label in used if label not in pair.order]
    matrix = agreement.confusion(a, b, labels)
    raters = pair.raters or (pair.first, pair.second)
    all_images = dict.fromkeys(image for rater in raters for image in rater)
    weighted = None
    drawn = [image for image in images if image in pair.weights]
    if drawn:
        weights, strata = [pair.weights[image] for image in drawn], [pair.strata.get(image, "") for image in drawn]
        first, second = [pair.first[image] for image in drawn], [pair.second[image] for image in drawn]
        weighted = weighted_kappa(first, second, weights, strata)
    return TaskAgreement(
        pair=pair,
        labels=tuple(labels),
        matrix=matrix,
        kappa=agreement.kappa(matrix),
        alpha=agreement.krippendorff_alpha([[rater.get(image) for rater in raters] for image in all_images]),
        ac1=agreement.gwet_ac1(matrix),
        weighted=weighted,
        resamples=resamples,
    )


def table_7(tasks: Sequence[TaskAgreement]) -> ReportTable:
    """Returns the table of the paper: one row per task, with the words of Landis and Koch, alpha and AC1."""
    rows: list[tuple[Cell, ...]] = []
    for one in tasks:
        is_defined = one.kappa.value == one.kappa.value
        more = (_number(one.alpha), _number(one.ac1)) if is_defined else ("", "")
        rows.append((one.pair.task, one.kappa.n, *_cells(one.kappa), *more))
    return ReportTable("Agreement", ("task", "n", *_COLUMNS, "alpha", "AC1"), rows)


_COLUMNS = ("kappa (sd)", "95% CI", "agreements", "expected by chance", "")


def _cells(k: agreement.Kappa) -> tuple[str, str, str, str, str]:
    """Returns the cells of the columns; those of an undefined kappa are empty, with the reason in the last one."""
    if k.value != k.value:
        return "", "", f"{k.agree}", "", k.words
    chance = f"{k.chance:.1f} ({100 * k.chance / k.n:.2f}%)"
    return f"{k.value:z.3f} ({k.se:.3f})", f"[{k.low:z.3f}, {k.high:z.3f}]", _share(k.agree, k.n), chance, k.words


def tables(tasks: Sequence[TaskAgreement]) -> list[ReportTable]:
    """Returns all tables: that of the paper, the weighted one if there is one, and two for each task."""
    weighted = weighted_table(tasks)
    found = [table_7(tasks), *([weighted] if weighted else [])]
    for one in tasks:
        found += [label_table(one), matrix_table(one)]
    return found


def weighted_table(tasks: Sequence[TaskAgreement]) -> ReportTable | None:
    """Returns kappa weighted to the images from which samples were drawn; None if no task has a sample."""
    rows: list[tuple[Cell, ...]] = []
    for one in tasks:
        w = one.weighted
        if w is not None:
            interval = f"[{_number(w.low)}, {_number(w.high)}]"
            kappa = f"{_number(w.value)} ({_number(w.se)})"
            rows.append((one.pair.task, w.n, kappa, interval, f"{100 * w.agreement:.2f}%", f"{100 * w.chance:.2f}%"))
    columns = ("task", "n", "kappa (sd)", "95% CI", "agreements", "expected by chance")
    return ReportTable("Weighted to all images", columns, rows) if rows else None


def label_table(one: TaskAgreement) -> ReportTable:
    """Returns the kappa of each label against all others, in the columns of the table of the paper."""
    rows: list[tuple[Cell, ...]] = []
    for number, (label, k) in enumerate(agreement.kappa_by_class(one.matrix, one.labels).items()):
        first, second = int(one.matrix[number].sum()), int(one.matrix[:, number].sum())
        both = int(one.matrix[number, number])
        rows.append((label, first, second, both, *_cells(k)))
    return ReportTable(f"{one.pair.task}, each label", ("label", *one.pair.names, "both", *_COLUMNS), rows)


def matrix_table(one: TaskAgreement, over: str | None = None) -> ReportTable:
    """Returns the confusion matrix in counts, or normalised: each row ("true") or each column ("pred") sums to 1."""
    rows: list[tuple[Cell, ...]] = []
    for label, values in zip(one.labels, agreement.normalised(one.matrix, over).tolist(), strict=True):
        rows.append((label, *(values if over else map(int, values))))
    first, second = one.pair.names
    return ReportTable(f"{one.pair.task} (rows: {first}, columns: {second})", ("", *one.labels), rows)


def write(tasks: Sequence[TaskAgreement], folder: Path) -> list[Path]:
    """Writes the tables as Markdown, LaTeX and CSV, all numbers as JSON, and the matrices as PNG and SVG.

    For each task, a folder has the report of `roco evaluate agreement`. Returns the pictures.
    """
    all_tables = tables(tasks)
    write_text(folder / "agreement.md", "\n\n".join(map(render.markdown, all_tables)) + "\n")
    write_text(folder / "agreement.tex", "\n\n".join(map(render.latex, all_tables)) + "\n")
    write_text(folder / "agreement.csv", render.csv(table_7(tasks)))
    write_json(folder / "agreement.json", [one.as_mapping() for one in tasks])
    pictures = []
    for one in tasks:
        one.report.write(folder / one.pair.task)
        for over, name in PICTURES:
            for suffix in (".png", ".svg"):
                path = folder / f"{one.pair.task}_{name}{suffix}"
                first, second = one.pair.names
                title = f"{one.pair.task}, n = {one.kappa.n} ({name})"
                confusion.draw(one.matrix, one.labels, path, first=first, second=second, over=over, title=title)
                pictures.append(path)
    return pictures


def _share(part: int, whole: int) -> str:
    return f"{part} ({100 * part / whole:.2f}%)"


def _number(value: float) -> str:
    return "" if value != value else f"{value:z.3f}"


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and value != value else value
