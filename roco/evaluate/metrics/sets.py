"""Scores of sets of concepts, image by image: F1, precision, recall, and counts of each concept."""

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
    """Sizes for each image: concepts that are in both sets, in the truth, and predicted."""

    both: NDArray[np.int64]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]


class Counts(NamedTuple):
    """How often one concept was right, wrongly given, and missed."""

    hits: int
    false: int
    missed: int


def overlap(truth: Sets, predicted: Sets) -> Overlap:
    """Counts, for pairs of sets in the same order, what both hold and what each holds."""
    if len(truth) != len(predicted):
        raise ValueError(f"{len(truth)} sets of the truth, {len(predicted)} predicted")
    n = len(truth)
    return Overlap(
        np.fromiter((len(g & p) for g, p in zip(truth, predicted, strict=True)), np.int64, n),
        np.fromiter(map(len, truth), np.int64, n),
        np.fromiter(map(len, predicted), np.int64, n),
    )


def f1(sizes: Overlap) -> Floats:
    """F1 of each image: 2|G∩P| / (|G|+|P|), and 0 where both are empty, as scikit-learn has it."""
    return _ratio(2.0 * sizes.both, sizes.truth + sizes.predicted)


def precision(sizes: Overlap) -> Floats:
    """Precision of each image, and 0 where nothing was predicted."""
    return _ratio(sizes.both, sizes.predicted)


def recall(sizes: Overlap) -> Floats:
    """Recall of each image, and 0 where the truth is empty."""
    return _ratio(sizes.both, sizes.truth)


def mean(values: Floats, count: int | None = None) -> float:
    """The mean, added up from the first to the last as the scripts of ImageCLEF do it; NaN of nothing.

    numpy's own sum adds in pairs, which differs in the last digit. count: what to divide by, if not how many there are.
    """
    count = len(values) if count is None else count
    return float(np.add.accumulate(values)[-1]) / count if len(values) and count else float("nan")


def micro_f1(sizes: Overlap) -> float:
    """F1 of all pairs of image and concept together; NaN where there are none."""
    of = int(sizes.truth.sum() + sizes.predicted.sum())
    return 2.0 * int(sizes.both.sum()) / of if of else float("nan")


def by_concept(truth: Sets, predicted: Sets) -> dict[str, Counts]:
    """Hits, false ones and misses of each concept that is in the truth or predicted, by its CUI."""
    hits, given, wanted = Counter[str](), Counter[str](), Counter[str]()
    for g, p in zip(truth, predicted, strict=True):
        hits.update(g & p)
        given.update(p)
        wanted.update(g)
    every = sorted(given.keys() | wanted.keys())
    return {cui: Counts(hits[cui], given[cui] - hits[cui], wanted[cui] - hits[cui]) for cui in every}


def concept_f1(counts: Counts) -> float:
    """F1 of one concept over all images; NaN where it is nowhere."""
    of = 2 * counts.hits + counts.false + counts.missed
    return 2.0 * counts.hits / of if of else float("nan")


def macro_f1(counts: Iterable[Counts]) -> float:
    """Mean of the F1 of each concept; NaN of none."""
    values = [concept_f1(one) for one in counts]
    return sum(values) / len(values) if values else float("nan")


def jaccard(a: AbstractSet[str], b: AbstractSet[str]) -> float:
    """|A∩B| / |A∪B|, and 0 of two empty sets."""
    either = len(a | b)
    return len(a & b) / either if either else 0.0


def _ratio(over: NDArray[Any], under: NDArray[np.int64]) -> Floats:
    whole: Floats = np.divide(over, under, out=np.zeros(len(under)), where=under > 0)
    return whole
