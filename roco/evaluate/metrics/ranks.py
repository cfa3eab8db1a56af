"""Scores of rankings: where the right answer stands, recall at k, mean reciprocal rank, median rank, nDCG."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def pessimistic_rank(scores: Floats, right: Bools, out: Bools) -> float:
    """The rank, from 1, of the best right candidate of one query; what ties with it stands before it.

    scores: of each candidate, higher is better; NaN stands behind all others. right: which candidates answer the query.
    out: which are not in its pool. A constant score so gives the last rank, not the first. NaN where no right one is
    in the pool.
    """
    inside, right = ~out, right & ~out
    if not right.any():
        return float("nan")
    values = np.where(np.isnan(scores), -np.inf, scores)
    best = values[right].max()
    return float(((values >= best) & inside & ~right).sum() + 1)


def recall_at(ranks: Floats, k: int) -> Floats:
    """1 for each query whose right answer is among the first k, else 0; NaN where it has none."""
    return np.where(np.isnan(ranks), np.nan, (ranks <= k).astype(float))


def reciprocal(ranks: Floats) -> Floats:
    """1/rank of each query; their mean is the mean reciprocal rank (MRR)."""
    return 1.0 / ranks


def pessimistic_order(scores: Floats, gain: Floats, out: Bools) -> NDArray[np.int64]:
    """Candidates of the pool from the best score to the worst, the less useful first among equals."""
    values = np.where(np.isnan(scores), -np.inf, scores)
    inside = np.flatnonzero(~out)
    order = np.lexsort((gain[inside], -values[inside]))
    found: NDArray[np.int64] = inside[order]
    return found


def ndcg(scores: Floats, gain: Floats, out: Bools, k: int | None = None) -> float:
    """Normalised discounted cumulative gain of one query: sum of gain/log2(1+rank) over what the best order would give.

    gain: how useful each candidate is, from 0. k: how many count; None, all. NaN where nothing in the pool is useful.
    (Järvelin and Kekäläinen 2002, with linear gains.)
    """
    best = -np.sort(-gain[~out])[:k]
    ideal = float((best * _discounts(len(best))).sum())
    if ideal <= 0:
        return float("nan")
    got = gain[pessimistic_order(scores, gain, out)][:k]
    return float((got * _discounts(len(got))).sum()) / ideal


def by_chance(pool: NDArray[np.int64], ks: tuple[int, ...]) -> dict[str, float]:
    """What a random order would score with one right answer in pools of these sizes: R@k, MRR, median rank, nDCG."""
    sizes = pool[pool > 0]
    if len(sizes) == 0:
        return {}
    harmonic = np.cumsum(1.0 / np.arange(1, int(sizes.max()) + 1))
    discounts = np.cumsum(_discounts(int(sizes.max())))
    found = {f"recall@{k}": float(np.minimum(1.0, k / sizes).mean()) for k in ks}
    found["mrr"] = float((harmonic[sizes - 1] / sizes).mean())
    found["median_rank"] = float(np.median((sizes + 1) / 2))
    found["ndcg"] = float((discounts[sizes - 1] / sizes).mean())
    return found


def cosines(queries: Floats, candidates: Floats, rows: int = 512) -> Iterator[tuple[int, Floats]]:
    """Cosines of each query with all candidates, a block of queries at a time: where it starts, and its scores.

    A vector of zeros has no direction: its cosines are NaN.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        q = queries / np.linalg.norm(queries, axis=1, keepdims=True)
        c = candidates / np.linalg.norm(candidates, axis=1, keepdims=True)
        for at in range(0, len(q), rows):
            yield at, q[at : at + rows] @ c.T


def _discounts(n: int) -> Floats:
    return 1.0 / np.log2(np.arange(2, n + 2))
