"""How sure a score is: bootstrap intervals over articles, and whether one system is better than another."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 1000
PERMUTATIONS = 10_000
SEED = 0
_CHUNK = 4_000_000  # numbers of one block of resamples


class Interval(NamedTuple):
    """The middle 95 % of a score over resamples."""

    low: float
    high: float


class Comparison(NamedTuple):
    """How much better the first of two systems is; p: how often chance alone would differ as much or more."""

    difference: float
    low: float
    high: float
    p: float


def groups_of(keys: Sequence[Hashable]) -> NDArray[np.int64]:
    """The number of each key's group, in the order of first appearance."""
    known: dict[Hashable, int] = {}
    return np.fromiter((known.setdefault(key, len(known)) for key in keys), np.int64, len(keys))


def weights(groups: int, resamples: int = RESAMPLES, seed: int = SEED) -> NDArray[np.int32]:
    """How often each group is drawn in each resample (with replacement). Shape (resamples, groups)."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, groups, (resamples, groups), dtype=np.int32)
    drawn += (np.arange(resamples, dtype=np.int32) * groups)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * groups).reshape(resamples, groups).astype(np.int32)


def resampled_sums(values: Floats, group: NDArray[np.int64], resamples: int = RESAMPLES, seed: int = SEED) -> Floats:
    """Sums of each column over resamples of whole groups. values: (images, columns). Shape (resamples, columns)."""
    count = int(group.max()) + 1
    sums = np.stack([np.bincount(group, column, count) for column in values.T], axis=1)
    out = np.empty((resamples, values.shape[1]))
    step = max(1, _CHUNK // count)
    for at in range(0, resamples, step):
        size = min(step, resamples - at)
        # Each block has a seed of its own, so that memory is bounded and nothing is carried from one to the next.
        out[at : at + size] = weights(count, size, seed + at) @ sums
    return out


def of_means(
    values: Floats, group: NDArray[np.int64], resamples: int = RESAMPLES, seed: int = SEED
) -> list[Interval | None]:
    """Intervals of the means of columns over images; NaN is an image that a column does not count. (images, columns)

    Whole groups (articles) are drawn, for images of one article are alike. None where there are fewer than two groups.
    """
    if len(values) == 0 or int(group.max()) < 1:
        return [None] * values.shape[1]
    there = ~np.isnan(values)
    both = np.concatenate([np.where(there, values, 0.0), there.astype(float)], axis=1)
    sums = resampled_sums(both, group, resamples, seed)
    k = values.shape[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums[:, :k] / sums[:, k:]
    return [interval(column) for column in means.T]


def of_sums(
    values: Floats,
    group: NDArray[np.int64],
    score: Callable[[Floats], Floats],
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval | None:
    """The interval of a score that is computed from sums over images, such as corpus BLEU or a kappa.

    score: takes sums of the shape (resamples, columns) and gives one number each.
    """
    if len(values) == 0 or int(group.max()) < 1:
        return None
    return interval(score(resampled_sums(values, group, resamples, seed)))


def interval(scores: Floats) -> Interval | None:
    """The middle 95 % of scores, those that are not defined left out; None where none is."""
    defined = scores[~np.isnan(scores)]
    if len(defined) == 0:
        return None
    low, high = np.percentile(defined, [2.5, 97.5])
    return Interval(float(low), float(high))


def compare(
    first: Floats,
    second: Floats,
    group: NDArray[np.int64],
    permutations: int = PERMUTATIONS,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Comparison | None:
    """Compares two systems image by image: paired permutation test and bootstrap interval, both over whole groups.

    Two-sided: which system gave which result is swapped for all images of a group at once. Images that either does not
    count (NaN) are left out. None where fewer than two groups are left.
    """
    there = ~(np.isnan(first) | np.isnan(second))
    differences, group = (first - second)[there], group[there]
    if len(group) == 0:
        return None
    _, group = np.unique(group, return_inverse=True)
    if int(group.max()) < 1:
        return None
    sums = np.bincount(group, differences)
    observed = abs(float(sums.sum()))
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // len(sums))
    extreme = 0
    for at in range(0, permutations, step):
        signs = rng.integers(0, 2, (min(step, permutations - at), len(sums)), dtype=np.int8) * 2 - 1
        extreme += int((np.abs(signs @ sums) >= observed - 1e-12).sum())
    bounds = of_means(differences[:, None], group, resamples, seed)[0]
    assert bounds is not None
    p = (extreme + 1) / (permutations + 1)  # the observed one counts as well (Phipson and Smyth 2010)
    return Comparison(float(differences.mean()), bounds.low, bounds.high, p)
