"""Uncertainty of scores: bootstrap intervals over articles, and comparisons of two systems."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 1000
PERMUTATIONS = 10_000
SEED = 0
_CHUNK = 4_000_000  # numbers in one block of resamples, which bounds the memory


class Interval(NamedTuple):
    """The middle 95% of a score over resamples."""

    low: float
    high: float

    def scaled(self, value: float, mean: float) -> Interval:
        """Returns the interval of a score that is not the mean over the images but proportional to it."""
        ratio = value / mean if mean else 1.0
        return Interval(self.low * ratio, self.high * ratio)


class Comparison(NamedTuple):
    """The difference of two systems (first minus second), its 95% interval, and the p-value of a permutation test."""

    difference: float
    low: float
    high: float
    p: float


def groups_of(keys: Sequence[Hashable]) -> NDArray[np.int64]:
    """Returns the number of each key's group, numbered in the order of first appearance."""
    numbers: dict[Hashable, int] = {}
    return np.fromiter((numbers.setdefault(key, len(numbers)) for key in keys), np.int64, len(keys))


def weights(groups: int, resamples: int = RESAMPLES, seed: int = SEED) -> NDArray[np.int32]:
    """Returns how often each group is drawn in each resample, with replacement. Shape (resamples, groups)."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, groups, (resamples, groups), dtype=np.int32)
    drawn += (np.arange(resamples, dtype=np.int32) * groups)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * groups).reshape(resamples, groups).astype(np.int32)


def resampled_sums(values: Floats, group: NDArray[np.int64], resamples: int = RESAMPLES, seed: int = SEED) -> Floats:
    """Draws whole groups again and again, and returns the sum of each column for each resample.

    values: (images, columns). Shape of the result: (resamples, columns).
    """
    count = int(group.max()) + 1
    sums = np.stack([np.bincount(group, column, count) for column in values.T], axis=1)
    out = np.empty((resamples, values.shape[1]))
    step = max(1, _CHUNK // count)
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        # Each block has its own seed, so that blocks do not depend on each other.
        out[start : start + size] = weights(count, size, seed + start) @ sums
    return out


def of_means(
    values: Floats, group: NDArray[np.int64], resamples: int = RESAMPLES, seed: int = SEED
) -> list[Interval | None]:
    """Returns the interval of the mean of each column of values (images, columns); NaN excludes an image.

    Whole groups (articles) are resampled, because images of one article resemble each other. None if there are fewer
    than two groups.
    """
    if len(values) == 0 or int(group.max()) < 1:
        return [None] * values.shape[1]
    counted = ~np.isnan(values)
    values_and_counts = np.concatenate([np.where(counted, values, 0.0), counted.astype(float)], axis=1)
    sums = resampled_sums(values_and_counts, group, resamples, seed)
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
    """Returns the interval of a score that is computed from sums over images, such as corpus BLEU or kappa.

    score: computes one number per resample from sums of shape (resamples, columns).
    """
    if len(values) == 0 or int(group.max()) < 1:
        return None
    return interval(score(resampled_sums(values, group, resamples, seed)))


def containing(bound: Interval | None, value: float) -> Interval | None:
    """Returns the interval, widened if only rounding excludes the value: sums of equal numbers differ by rounding."""
    if bound is None or not np.isclose(value, np.clip(value, bound.low, bound.high), rtol=1e-9, atol=1e-12):
        return bound
    return Interval(min(bound.low, value), max(bound.high, value))


def interval(scores: Floats) -> Interval | None:
    """Returns the middle 95% of the scores that are defined; None if none is."""
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
    """Compares two systems image by image: paired, two-sided permutation test and bootstrap interval.

    A permutation swaps the results of the two systems for all images of a group at once. Images that either system
    does not count (NaN) are excluded. None if fewer than two groups remain.
    """
    counted = ~(np.isnan(first) | np.isnan(second))
    differences, group = (first - second)[counted], group[counted]
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
    for start in range(0, permutations, step):
        signs = rng.integers(0, 2, (min(step, permutations - start), len(sums)), dtype=np.int8) * 2 - 1
        extreme += int((np.abs(signs @ sums) >= observed - 1e-12).sum())
    difference = float(differences.mean())
    bounds = containing(of_means(differences[:, None], group, resamples, seed)[0], difference)
    assert bounds is not None
    # The observed assignment counts as one of the permutations (Phipson and Smyth 2010).
    p = (extreme + 1) / (permutations + 1)
    return Comparison(difference, bounds.low, bounds.high, p)
