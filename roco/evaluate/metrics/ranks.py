"""Scores of rankings: rank of the right answer, recall at k, mean reciprocal rank, nDCG."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def pessimistic_rank(scores: Floats, right: Bools, excluded: Bools) -> float:
    """Returns the rank, from 1, of the best right candidate of one query; candidates that tie with it rank before it.

    Equal scores for all candidates therefore give the last rank, not the first. scores: of each candidate, higher is
    better; NaN ranks last. right: which candidates answer the query. excluded: which are not in its pool. Returns NaN
    if no right candidate is in the pool.
    """
    inside, right = ~excluded, right & ~excluded
    if not right.any():
        return float("nan")
    values = np.where(np.isnan(scores), -np.inf, scores)
    best = values[right].max()
    return float(((values >= best) & inside & ~right).sum() + 1)


def recall_at(ranks: Floats, k: int) -> Floats:
    """Returns 1 for each query with a right answer among the first k, else 0; NaN if it has no right answer."""
    return np.where(np.isnan(ranks), np.nan, (ranks <= k).astype(float))


def reciprocal(ranks: Floats) -> Floats:
    """Returns 1/rank of each query; their mean is the mean reciprocal rank (MRR)."""
    return 1.0 / ranks


def pessimistic_order(scores: Floats, gains: Floats, excluded: Bools) -> NDArray[np.int64]:
    """Returns the candidates of the pool by descending score, ties by ascending gain."""
    values = np.where(np.isnan(scores), -np.inf, scores)
    inside = np.flatnonzero(~excluded)
    order: NDArray[np.int64] = inside[np.lexsort((gains[inside], -values[inside]))]
    return order


def ndcg(scores: Floats, gains: Floats, excluded: Bools, k: int | None = None) -> float:
    """Returns the normalised discounted cumulative gain of one query: the sum of gain/log2(1+rank), relative to that
    of the ideal order (Järvelin and Kekäläinen 2002, with linear gains).

    gains: of each candidate, from 0. k: the number of ranks that count; None counts all. Returns NaN if no candidate
    in the pool has a gain.
    """
    best = -np.sort(-gains[~excluded])[:k]
    ideal = float((best * _discounts(len(best))).sum())
    if ideal <= 0:
        return float("nan")
    ranked = gains[pessimistic_order(scores, gains, excluded)][:k]
    return float((ranked * _discounts(len(ranked))).sum()) / ideal


def by_chance(pool_sizes: NDArray[np.int64], ks: tuple[int, ...]) -> dict[str, float]:
    """Returns the expected scores of a random order with one right answer: recall at k, MRR, median rank, nDCG."""
    sizes = pool_sizes[pool_sizes > 0]
    if len(sizes) == 0:
        return {}
    harmonic = np.cumsum(1.0 / np.arange(1, int(sizes.max()) + 1))
    discounts = np.cumsum(_discounts(int(sizes.max())))
    scores = {f"recall@{k}": float(np.minimum(1.0, k / sizes).mean()) for k in ks}
    scores["mrr"] = float((harmonic[sizes - 1] / sizes).mean())
    scores["median_rank"] = float(np.median((sizes + 1) / 2))
    scores["ndcg"] = float((discounts[sizes - 1] / sizes).mean())
    return scores


def cosines(queries: Floats, candidates: Floats, rows: int = 512) -> Iterator[tuple[int, Floats]]:
    """Yields the cosines of each query with all candidates: the index of the first query of a block, and the block.

    The cosines of a vector of zeros are NaN.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        q = queries / np.linalg.norm(queries, axis=1, keepdims=True)
        c = candidates / np.linalg.norm(candidates, axis=1, keepdims=True)
        for at in range(0, len(q), rows):
            yield at, q[at : at + rows] @ c.T


def _discounts(n: int) -> Floats:
    """Returns 1/log2(1+rank) of the first n ranks."""
    return 1.0 / np.log2(np.arange(2, n + 2))
