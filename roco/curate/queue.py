"""The order in which figures are shown: doubtful ones first, no two alike in a row; who labels what twice; checks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]

BAND = 600
"""Figures of about the same doubt, among which the order is spread over the features of the images: some ten pages."""
CLUSTERS = 64
DOUBLE = 0.1
"""Share of the figures that two annotators label."""
PAGES_PER_CHECK = 20
"""One page in so many contains figures that are already adjudicated."""
CHECKS = 5
"""Adjudicated figures on such a page."""

_DIMENSIONS = 32


def doubt(margin: Numbers, p: Numbers, has_guess: Mask, disagrees: Mask) -> Numbers:
    """Returns how doubtful each guess is, from 0 to 2: 1 minus its margin.

    margin: the probability of the guess less that of the next label. p: its probability, which replaces a margin that
    is missing (NaN); where both are, 0.5 does. Without a guess the doubt is 1. Where caption and pixels disagree, 1 is
    added.
    """
    known = np.clip(np.where(np.isnan(margin), p, margin), 0, 1)
    known = np.where(np.isnan(known), 0.5, known)
    return np.where(has_guess, 1 - known, 1.0) + disagrees


def by_doubt(doubts: Numbers, clusters: Ints, seed: str) -> Ints:
    """Returns the order of the figures: the most doubtful first, and within a band in turn from each cluster.

    Figures of equal doubt are in a random order that depends on the seed and their number alone.
    """
    first = np.lexsort((shuffled(len(doubts), seed), -doubts))
    rank = np.empty(len(first), np.int64)
    rank[first] = np.arange(len(first))
    band = rank // BAND
    # How many figures of the same band and cluster are before this one: all of turn 0 come first, then those of turn 1.
    groups = np.lexsort((rank, clusters, band))
    starts = np.ones(len(groups), bool)
    starts[1:] = (np.diff(band[groups]) != 0) | (np.diff(clusters[groups]) != 0)
    at = np.arange(len(groups))
    turn = np.empty(len(groups), np.int64)
    turn[groups] = at - np.maximum.accumulate(np.where(starts, at, 0))
    order: Ints = np.lexsort((rank, turn, band))
    return order


def shuffled(n: int, seed: str) -> Ints:
    """Returns a permutation of n numbers that depends on the seed alone."""
    digest = hashlib.sha256(seed.encode()).digest()
    order = np.random.default_rng(int.from_bytes(digest[:8], "big")).permutation(n)
    return order.astype(np.int64)


def clustered(batches: Iterable[NDArray[np.float32]], seed: int = 1) -> Ints:
    """Returns the number of the nearest of at most 64 figures, drawn at random, for each figure.

    batches: embeddings or other features, of shape (figures, dimensions); a row of zeros is one that is missing. They
    are projected to 32 random directions, which preserves distances well enough to tell unlike images apart, and
    compared by their angles as seen from their mean: what all images have in common does not tell them apart.
    """
    rng = np.random.default_rng(seed)
    projection: NDArray[np.float32] | None = None
    parts = []
    for batch in batches:
        if projection is None:
            projection = rng.standard_normal((batch.shape[1], _DIMENSIONS)).astype(np.float32)
        parts.append(batch @ projection)
    if not parts:
        return np.zeros(0, np.int64)
    points = np.concatenate(parts)
    present = points.any(axis=1)
    points[present] -= points[present].mean(axis=0) if present.any() else 0
    points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)
    chosen = rng.choice(len(points), min(CLUSTERS, len(points)), replace=False)
    nearest: Ints = np.argmax(points @ points[chosen].T, axis=1)
    return nearest


def drawn(keys: Sequence[str], seed: str, share: float) -> Mask:
    """Returns which images are in a seeded share of all; an image stays in it whatever else the run contains."""
    limit = round(share * 2**32)
    digests = (hashlib.sha256(f"{seed}\n{key}".encode()).digest() for key in keys)
    return np.fromiter((int.from_bytes(digest[:4], "big") < limit for digest in digests), bool, len(keys))


def due(own: Mask, annotators: NDArray[np.integer], twice: Mask) -> Mask:
    """Returns what an annotator still has to label.

    own: what the annotator has labelled. annotators: the number of people who have labelled it. twice: what two people
    label.
    """
    result: Mask = ~own & (annotators < np.where(twice, 2, 1))
    return result


def is_check(done: int, size: int) -> bool:
    """Returns whether the next page of an annotator, who has labelled `done` figures, contains adjudicated ones."""
    return done // size % PAGES_PER_CHECK == PAGES_PER_CHECK - 1
