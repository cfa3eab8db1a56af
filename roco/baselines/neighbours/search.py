"""Exact search of the nearest neighbours by cosine, in blocks; equally near ones are in the order of the index."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

BLOCK_BYTES = 64 << 20
"""Memory of the similarities of one block of queries."""

MARGIN = 2e-5
"""More than the rounding of a similarity in 32 bits: whatever is nearer than that to the last neighbour is compared
again in 64 bits."""

NOBODY = -1
"""The article of a query that excludes none, and the position where there is no further neighbour."""


@dataclass(frozen=True)
class Neighbours:
    """The nearest neighbours of queries, the nearest first.

    positions: queries x k, in the index; -1 where there are fewer. similarities: their cosines, 0 where there is none.
    """

    positions: Ints
    similarities: Floats

    def __getitem__(self, rows: Any) -> Neighbours:
        return Neighbours(self.positions[rows], self.similarities[rows])


def unit(vectors: NDArray[Any], centre: Vectors | None = None) -> Vectors:
    """Returns vectors of length 1 in 32 bits, after a centre is subtracted; a vector without length stays 0."""
    values = vectors.astype(np.float32)
    if centre is not None:
        values -= centre
    lengths = np.sqrt(np.einsum("nd,nd->n", values, values, dtype=np.float64))
    values /= np.where(lengths > 0, lengths, 1)[:, None].astype(np.float32)
    return values


def nearest(
    queries: Vectors,
    index: Vectors,
    k: int,
    *,
    query_articles: Ints | None = None,
    index_articles: Ints | None = None,
    allowed: NDArray[np.bool_] | None = None,
    progress: Callable[[int], None] = lambda n: None,
) -> Neighbours:
    """Returns the k nearest vectors of the index for each query; both have length 1.

    query_articles, index_articles: numbers of the articles; vectors of the article of a query are excluded, and so is
    the query itself if it is in the index.
    allowed: which vectors of the index may be found.
    The result depends neither on the size of the blocks nor on the number of
    threads: candidates are chosen in 32 bits with a margin, and ordered in 64 bits.
    """
    n, k = len(queries), min(k, len(index))
    positions = np.full((n, k), NOBODY, np.int64)
    similarities = np.zeros((n, k))
    size = max(1, BLOCK_BYTES // max(1, 4 * len(index)))
    for start in range(0, n if k else 0, size):
        block = queries[start : start + size]
        found = block @ index.T
        if query_articles is not None and index_articles is not None:
            articles = query_articles[start : start + size]
            found[(articles[:, None] == index_articles) & (articles != NOBODY)[:, None]] = -np.inf
        if allowed is not None:
            found[:, ~allowed] = -np.inf
        # The similarity of the last neighbour of each query.
        last = np.partition(found, len(index) - k, axis=1)[:, len(index) - k]
        for row in range(len(block)):
            candidates = np.flatnonzero(found[row] >= last[row] - MARGIN)
            candidates = candidates[np.isfinite(found[row, candidates])]
            exact = _similarities(block[row], index[candidates])
            order = np.lexsort((candidates, -exact))[:k]
            positions[start + row, : len(order)] = candidates[order]
            similarities[start + row, : len(order)] = exact[order]
        progress(len(block))
    return Neighbours(positions, similarities)


def _similarities(query: Vectors, vectors: Vectors) -> Floats:
    """Returns cosines in 64 bits; equal vectors have equal ones, wherever they are."""
    products: Floats = (vectors.astype(np.float64) * query.astype(np.float64)).sum(1)
    return products
