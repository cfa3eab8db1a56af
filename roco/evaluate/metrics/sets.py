"""Scores of sets of concepts per image (F1, precision, recall), and counts per concept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Sets = Sequence[AbstractSet[str]]


class Overlap(NamedTuple):
    """The number of concepts of each image that are in both sets, in the truth, and predicted."""

    both: NDArray[np.int64]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]


class Counts(NamedTuple):
    """The number of images for which a concept was correctly predicted, falsely predicted, and missed."""

    hits: int
    false: int
    missed: int


def overlap(truth: Sets, predicted: Sets) -> Overlap:
    """Returns the sizes of pairs of sets, and of their intersections; both sequences have the same order."""
    if len(truth) != len(predicted):
        raise ValueError(f"{len(truth)} true sets, but {len(predicted)} predicted ones")
    n = len(truth)
    shared = (len(true & guess) for true, guess in zip(truth, predicted, strict=True))
    return Overlap(
        np.fromiter(shared, np.int64, n),
        np.fromiter(map(len, truth), np.int64, n),
        np.fromiter(map(len, predicted), np.int64, n),
    )


def f1(sizes: Overlap) -> Floats:
    """Returns the F1 of each image, 2|G∩P| / (|G|+|P|); 0 if both sets are empty, as in scikit-learn."""
    return _ratio(2.0 * sizes.both, sizes.truth + sizes.predicted)


def precision(sizes: Overlap) -> Floats:
    """Returns the precision of each image; 0 if nothing was predicted."""
    return _ratio(sizes.both, sizes.predicted)


def recall(sizes: Overlap) -> Floats:
    """Returns the recall of each image; 0 if the truth is empty."""
    return _ratio(sizes.both, sizes.truth)


def mean(values: Floats, count: int | None = None) -> float:
    """Returns the mean of values that are added in their order, as in the scripts of ImageCLEF; NaN of no values.

    numpy.sum adds pairwise, which differs in the last digit. count: the divisor, if not the number of values.
    """
    count = len(values) if count is None else count
    if not len(values) or not count:
        return float("nan")
    return float(np.add.accumulate(values)[-1]) / count


def micro_f1(sizes: Overlap) -> float:
    """Returns the F1 over all pairs of image and concept; NaN if there are none."""
    total = int(sizes.truth.sum() + sizes.predicted.sum())
    return 2.0 * int(sizes.both.sum()) / total if total else float("nan")


def by_concept(truth: Sets, predicted: Sets) -> dict[str, Counts]:
    """Returns the counts of each concept that is true or predicted for any image, sorted by CUI."""
    hits, n_predicted, n_true = Counter[str](), Counter[str](), Counter[str]()
    for true, guess in zip(truth, predicted, strict=True):
        hits.update(true & guess)
        n_predicted.update(guess)
        n_true.update(true)
    counts = {}
    for cui in sorted(n_predicted.keys() | n_true.keys()):
        counts[cui] = Counts(hits[cui], n_predicted[cui] - hits[cui], n_true[cui] - hits[cui])
    return counts


def concept_f1(counts: Counts) -> float:
    """Returns the F1 of one concept over all images; NaN if it is neither true nor predicted."""
    total = 2 * counts.hits + counts.false + counts.missed
    return 2.0 * counts.hits / total if total else float("nan")


def macro_f1(counts: Iterable[Counts]) -> float:
    """Returns the mean of the F1 of each concept; NaN of no concepts."""
    values = [concept_f1(one) for one in counts]
    return sum(values) / len(values) if values else float("nan")


def _ratio(numerator: NDArray[Any], denominator: NDArray[np.int64]) -> Floats:
    """Returns the quotients; 0 where the denominator is 0."""
    ratio: Floats = np.divide(numerator, denominator, out=np.zeros(len(denominator)), where=denominator > 0)
    return ratio
