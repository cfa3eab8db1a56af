"""Precision, recall and F1 of sets of concepts or mentions, over all captions or as their mean, with intervals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base import bootstrap
from roco.base.bootstrap import Interval
from roco.evaluate.metrics import sets

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Estimate(NamedTuple):
    """A score and its 95 % interval; None if there are fewer than two articles, NaN if nothing was to be scored."""

    value: float
    interval: Interval | None


class Rates(NamedTuple):
    """Precision, recall and F1, with the numbers of labelled and of linked concepts or mentions that count."""

    precision: Estimate
    recall: Estimate
    f1: Estimate
    gold: int
    found: int


def micro(sizes: sets.Overlap, group: Ints, resamples: int = bootstrap.RESAMPLES) -> Rates:
    """Returns the rates over all captions together; group: the number of the article of each caption."""
    columns = np.stack(sizes, axis=1)[:, None, :].astype(float)
    return micro_by_column(columns, group, resamples)[0]


def micro_by_column(counts: Floats, group: Ints, resamples: int = bootstrap.RESAMPLES) -> list[Rates]:
    """Returns the rates of several columns, each over all rows.

    counts: shape (rows, columns, 3), the numbers in both sets, in the gold and predicted. group: the article of each
    row.
    """
    rows, columns, _ = counts.shape
    total = counts.sum(axis=0)
    values = np.stack(_rates(total), axis=1)
    bounds: list[list[Interval | None]] = [[None] * 3 for _ in range(columns)]
    if rows and int(group.max()) >= 1:
        sums = bootstrap.resampled_sums(counts.reshape(rows, columns * 3), group, resamples)
        resampled = np.stack(_rates(sums.reshape(-1, columns, 3)), axis=2)
        bounds = [[bootstrap.interval(resampled[:, at, kind]) for kind in range(3)] for at in range(columns)]
    rates = []
    for at in range(columns):
        precision, recall, f1 = map(_estimate, values[at], bounds[at])
        rates.append(Rates(precision, recall, f1, int(total[at, 1]), int(total[at, 2])))
    return rates


def mean(
    sizes: sets.Overlap, group: Ints, resamples: int = bootstrap.RESAMPLES, both_empty: float = float("nan")
) -> Rates:
    """Returns the means over captions of the rates of each.

    both_empty: the value of captions with neither labelled nor predicted concepts; NaN leaves them out.
    """
    values = np.stack([sets.precision(sizes), sets.recall(sizes), sets.f1(sizes)], axis=1)
    values[sizes.truth + sizes.predicted == 0] = both_empty
    bounds = bootstrap.of_means(values, group, resamples)
    means = [sets.mean(column[~np.isnan(column)]) for column in values.T]
    precision, recall, f1 = map(_estimate, means, bounds)
    return Rates(precision, recall, f1, int(sizes.truth.sum()), int(sizes.predicted.sum()))


def _estimate(value: float, bound: Interval | None) -> Estimate:
    return Estimate(float(value), bootstrap.containing(bound, float(value)))


def _rates(counts: Floats) -> tuple[Floats, Floats, Floats]:
    """Returns precision, recall and F1 of (both, gold, predicted); NaN where there is nothing to divide by."""
    both, gold, found = np.moveaxis(counts, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return both / found, both / gold, 2 * both / (gold + found)
