"""Scores of rankings: rank of the first right answer, recall and precision at k, MRR, average precision, nDCG.

Most functions take one query's candidates in the order of the ranking: `right` says which of them are right answers,
`gains` how relevant each of them is, from 0. `ranked` puts the gains in that order.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def ranked(scores: Floats, gains: Floats, excluded: Bools) -> Floats:
    """Returns the gains of one query's candidates by descending score; of candidates that tie, the lowest gain first.

    Equal scores for all candidates therefore put the right answers last, not first. scores: of each candidate, higher
    is better; NaN ranks last. excluded: which candidates are not in the pool of this query.
    """
    values = np.where(np.isnan(scores), -np.inf, scores)
    inside = np.flatnonzero(~excluded)
    order: NDArray[np.int64] = inside[np.lexsort((gains[inside], -values[inside]))]
    return gains[order]


def first_rank(right: Bools) -> float:
    """Returns the rank, from 1, of the first right answer; NaN if there is none."""
    ranks = np.flatnonzero(right)
    return float(ranks[0] + 1) if len(ranks) else float("nan")


def precision_at(right: Bools, k: int) -> float:
    """Returns the share of right answers among the first k, also if there are fewer than k; NaN if none is right."""
    return float(right[:k].sum()) / k if right.any() else float("nan")


def average_precision(right: Bools) -> float:
    """Returns the mean of the precision at the rank of each right answer (AP); NaN if none is right."""
    at = np.flatnonzero(right)
    return float((np.arange(1, len(at) + 1) / (at + 1)).mean()) if len(at) else float("nan")


def mean_gain(gains: Floats, k: int) -> float:
    """Returns the sum of the first k gains divided by k; NaN if no candidate has a gain."""
    return float(gains[:k].sum()) / k if gains.any() else float("nan")


def ndcg(gains: Floats, k: int | None = None) -> float:
    """Returns the normalised discounted cumulative gain of one query: the sum of gain/log2(1+rank), relative to that
    of the ideal order (Järvelin and Kekäläinen 2002, with linear gains).

    k: the number of ranks that count; None counts all. Returns NaN if no candidate has a gain.
    """
    ideal = dcg(-np.sort(-gains)[:k])
    return dcg(gains[:k]) / ideal if ideal > 0 else float("nan")


class Chance(NamedTuple):
    """What a random order of one query's candidates scores on average.

    recall: at each rank, from 1. mrr, average_precision: as above. median_rank: the mean rank of the first right
    answer. discount: the mean of 1/log2(1+rank), which a gain is multiplied with.
    """

    recall: Floats
    mrr: float
    average_precision: float
    median_rank: float
    discount: float


@lru_cache(maxsize=128)
def by_chance(pool: int, right: int) -> Chance:
    """Returns the expected scores of a random order of `pool` candidates, of which `right` are right answers."""
    rank = np.arange(1.0, pool + 1)
    # The probability that no right answer is among the first 1, 2, 3, … candidates.
    none_yet: Floats = np.multiply.accumulate(np.maximum(0.0, 1 - right / (pool - rank + 1)))
    is_first = np.concatenate([[1.0], none_yet[:-1]]) - none_yet
    harmonic = float((1.0 / rank).sum())
    others = (right - 1) / (pool - 1) if pool > 1 else 0.0
    return Chance(
        recall=1 - none_yet,
        mrr=float((is_first / rank).sum()),
        average_precision=(harmonic + others * (pool - harmonic)) / pool,
        median_rank=(pool + 1) / (right + 1),
        discount=float(_discounts(pool).mean()),
    )


def cosines(queries: Floats, candidates: Floats, rows: int = 512) -> Iterator[tuple[int, Floats]]:
    """Yields the cosines of each query with all candidates: the index of the first query of a block, and the block.

    The cosines of a vector of zeros are NaN.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        q = queries / np.linalg.norm(queries, axis=1, keepdims=True)
        c = candidates / np.linalg.norm(candidates, axis=1, keepdims=True)
        for at in range(0, len(q), rows):
            yield at, q[at : at + rows] @ c.T


def dcg(gains: Floats) -> float:
    """Returns the discounted cumulative gain: the sum of gain/log2(1+rank)."""
    return float((gains * _discounts(len(gains))).sum())


@lru_cache(maxsize=128)
def _discounts(n: int) -> Floats:
    """Returns 1/log2(1+rank) of the first n ranks."""
    return 1.0 / np.log2(np.arange(2, n + 2))
