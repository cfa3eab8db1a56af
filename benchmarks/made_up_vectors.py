"""Made-up embeddings for benchmarks of searches: in many clusters, or in one cloud."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

BATCH = 20_000


class Clusters:
    """Made-up embeddings: many clusters of unequal size, each of low rank, plus noise in all directions.

    Uniform vectors would be too hard, since all are equally far from each other, and separate balls too easy. Here
    centres lie in 64 of the directions, and a cluster extends along 24 directions of its own with decreasing variance.
    """

    RANK, POOL, NOISE = 24, 512, 0.02

    def __init__(self, rows: int, width: int, seed: int = 7) -> None:
        rng = np.random.default_rng(seed)
        clusters = max(20, rows // 500)
        self.width = width
        self.centres = (rng.standard_normal((clusters, 64)) @ rng.standard_normal((64, width)) / 64).astype(np.float32)
        self.pool = (rng.standard_normal((self.POOL, width)) / np.sqrt(width)).astype(np.float32)
        self.directions = np.argsort(rng.random((clusters, self.POOL), np.float32), axis=1)[:, : self.RANK]
        self.scales = (0.6 / np.sqrt(1 + np.arange(self.RANK))).astype(np.float32)
        share = 1 / (10 + np.arange(clusters))
        self.share = share / share.sum()

    def draw(self, n: int, seed: int) -> NDArray[np.float16]:
        """Returns vectors of length 1 in 16 bits."""
        rng = np.random.default_rng((seed, n))
        of = rng.choice(len(self.share), n, p=self.share)
        weights = np.zeros((n, self.POOL), np.float32)
        drawn = rng.standard_normal((n, self.RANK), np.float32) * self.scales
        np.put_along_axis(weights, self.directions[of], drawn, axis=1)
        found = weights @ self.pool
        found += self.centres[of]
        found += self.NOISE * rng.standard_normal((n, self.width), np.float32)
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return found.astype(np.float16)


class Cloud:
    """Made-up embeddings in one cloud without clusters, whose i-th principal component has a variance of 1 / i.

    A harder case: nowhere is a gap between near and far. The variances of the shipped encoder's embeddings of 1,268
    real images fall faster, as i ** -1.4.
    """

    def __init__(self, rows: int, width: int, seed: int = 7) -> None:
        rng = np.random.default_rng(seed)
        rotation = np.linalg.qr(rng.standard_normal((width, width)))[0]
        self.axes = (rotation / np.sqrt(1 + np.arange(width))[:, None]).astype(np.float32)

    def draw(self, n: int, seed: int) -> NDArray[np.float16]:
        """Returns vectors of length 1 in 16 bits."""
        found = np.random.default_rng((seed, n)).standard_normal((n, len(self.axes)), np.float32) @ self.axes
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return found.astype(np.float16)


def batches(source: Clusters | Cloud, rows: int) -> Iterator[tuple[int, NDArray[np.float16]]]:
    """Yields the vectors in blocks, with the number of the first."""
    for start in range(0, rows, BATCH):
        yield start, source.draw(min(BATCH, rows - start), 100 + start)


KINDS = {"clusters": Clusters, "cloud": Cloud}
