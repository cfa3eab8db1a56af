"""How good a head is on images that its parts never saw: the numbers of its card, and their plot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.base.intervals import wilson
from roco.baselines.examples import Examples, Ints

ENOUGH = 100
"""Held-out images of a class, beside those of its largest source, without which the class counts as not measured."""

NOT_MEASURED = "not measured"
BINS = 10
RECALLS = (0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 1.0)


def measured(examples: Examples, probabilities: NDArray[np.float64], classes: Sequence[str]) -> dict[str, Any]:
    """Returns accuracy, precision and recall of each class and source, confusion matrix and reliability.

    probabilities: of each row by parts that did not see it; rows of NaN are not judged. Shares are [hits, of, low,
    high] with Wilson's interval of 95 %.
    """
    judged = np.flatnonzero(~np.isnan(probabilities[:, 0]))
    labels, values = examples.labels[judged], probabilities[judged]
    sources = [examples.sources[i] for i in judged]
    answers = values.argmax(1)
    numbers: dict[str, Any] = {
        "images": len(judged),
        "sources": len(set(sources)),
        "accuracy": _share(int((answers == labels).sum()), len(judged)),
        "classes": {label: _class(number, labels, answers, sources) for number, label in enumerate(classes)},
        "confusion": _confusion(labels, answers, len(classes)),
        "reliability": reliability(values, labels),
        "by_source": _by_source(labels, answers, sources, classes),
    }
    if len(classes) == 2:
        numbers["auroc"] = round(auroc(values[:, 1], labels == 1), 4)
    return numbers


def recall_curves(
    examples: Examples, probabilities: NDArray[np.float64], classes: Sequence[str]
) -> dict[str, list[tuple[float, float]]]:
    """Returns for each class pairs of recall and the probability from which this part of its images was found."""
    curves = {}
    for number, label in enumerate(classes):
        of_class = probabilities[examples.labels == number, number]
        of_class = np.sort(of_class[~np.isnan(of_class)])[::-1]
        if not len(of_class):
            continue
        needed = [min(len(of_class), int(np.ceil(recall * len(of_class)))) for recall in RECALLS]
        curves[label] = [
            (recall, float(np.floor(of_class[n - 1] * 1e4) / 1e4)) for recall, n in zip(RECALLS, needed, strict=True)
        ]
    return curves


def auroc(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Returns the probability that a positive scores higher than a negative (ties count half); NaN without either."""
    order = np.argsort(scores, kind="stable")
    values, inverse, counts = np.unique(scores[order], return_inverse=True, return_counts=True)
    del values
    ends = np.cumsum(counts)
    ranks = np.empty(len(scores))
    ranks[order] = (ends - (counts - 1) / 2)[inverse]
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return float("nan")
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def reliability(values: NDArray[np.float64], labels: Ints) -> list[dict[str, float]]:
    """Returns for each band of confidence how many answers it has, their mean probability, and how many are right."""
    confidence, right = values.max(1), values.argmax(1) == labels
    edges = np.linspace(1 / values.shape[1], 1, BINS + 1)
    band = np.clip(np.searchsorted(edges, confidence, side="right") - 1, 0, BINS - 1)
    rows = []
    for number in range(BINS):
        inside = band == number
        if inside.any():
            rows.append(
                {
                    "n": int(inside.sum()),
                    "probability": round(float(confidence[inside].mean()), 4),
                    "right": round(float(right[inside].mean()), 4),
                }
            )
    return rows


def plot(numbers: Mapping[str, Any], title: str, file: Path) -> None:
    """Draws the reliability of a head: the probability that it states against the share of right answers."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2, 4.2), layout="constrained")
    axes = figure.subplots()
    rows = numbers["reliability"]
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot([row["probability"] for row in rows], [row["right"] for row in rows], "o-", color="#1f5fa8")
    for row in rows:
        axes.annotate(f"{row['n']:,}", (row["probability"], row["right"]), (4, -10), textcoords="offset points", size=7)
    axes.set(xlabel="stated probability", ylabel="share of right answers", title=title, xlim=(0, 1.02), ylim=(0, 1.02))
    with rc_context({"svg.hashsalt": "roco"}):  # fixed ids: equal numbers give equal bytes
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)


def _share(hits: int, of: int) -> list[float]:
    low, high = wilson(hits, of)
    return [hits, of, round(low, 4), round(high, 4)]


def _class(number: int, labels: Ints, answers: Ints, sources: Sequence[str]) -> dict[str, Any]:
    of_class, called = labels == number, answers == number
    both = int((of_class & called).sum())
    counts = Counter(source for source, is_one in zip(sources, of_class, strict=True) if is_one)
    largest = max(counts.values(), default=0)
    row: dict[str, Any] = {
        "recall": _share(both, int(of_class.sum())),
        "precision": _share(both, int(called.sum())),
        "sources": len(counts),
    }
    beside = int(of_class.sum()) - largest
    if beside < ENOUGH:
        few = "no image is" if not beside else "only 1 image is" if beside == 1 else f"only {beside} images are"
        row["note"] = f"{NOT_MEASURED}: {few} from a second source ({ENOUGH} are needed)"
    return row


def _confusion(labels: Ints, answers: Ints, classes: int) -> list[list[int]]:
    table = np.zeros((classes, classes), int)
    np.add.at(table, (labels, answers), 1)
    return [[int(n) for n in row] for row in table]


def _by_source(
    labels: Ints, answers: Ints, sources: Sequence[str], classes: Sequence[str]
) -> dict[str, dict[str, list[float]]]:
    rows: dict[str, dict[str, list[float]]] = {}
    names = np.array(sources)
    for source in sorted(set(sources)):
        rows[source] = {}
        for number, label in enumerate(classes):
            inside = (names == source) & (labels == number)
            if inside.any():
                rows[source][label] = _share(int((answers[inside] == number).sum()), int(inside.sum()))
    return rows
