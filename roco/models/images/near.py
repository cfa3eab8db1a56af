"""All pairs of 64-bit hashes within a Hamming radius: exact, without comparing each with each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]

_AT_ONCE = 4_000_000  # candidate pairs that are compared at a time


def pairs(hashes: Hashes, radius: int) -> tuple[Places, Places, NDArray[np.uint8]]:
    """Places i < j and distance of every pair of distinct hashes within the radius, sorted.

    hashes: distinct values (equal ones are for the caller to join: a million of them would be 5e11 pairs). The bits
    are cut into radius + 2 bands; two hashes within the radius are equal in two bands at least, so those that share
    any two bands are compared. None is missed.
    """
    if not 0 <= radius <= 30:
        raise ValueError(f"a radius is 0 to 30 bits, not {radius}")
    empty = np.empty(0, np.int64)
    found = [(empty, empty, np.empty(0, np.uint8))]
    for mask in _masks(radius):
        keys = hashes & mask
        order = np.argsort(keys, kind="stable").astype(np.int64)
        for a, b in _runs(keys[order]):
            i, j = order[a], order[b]
            distance = np.bitwise_count(hashes[i] ^ hashes[j])
            near = distance <= radius
            low, high = np.minimum(i[near], j[near]), np.maximum(i[near], j[near])
            found.append((low, high, distance[near].astype(np.uint8)))
    i, j, distance = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((j, i))
    i, j, distance = i[order], j[order], distance[order]
    first = np.ones(len(i), bool)
    first[1:] = (i[1:] != i[:-1]) | (j[1:] != j[:-1])
    return i[first], j[first], distance[first]


def _masks(radius: int) -> list[np.uint64]:
    """For each two of radius + 2 bands the bits of both."""
    edges = np.linspace(0, 64, radius + 3).round().astype(int)
    bands = [((1 << int(b - a)) - 1) << int(a) for a, b in itertools.pairwise(edges)]
    return [np.uint64(a | b) for a, b in itertools.combinations(bands, 2)]


def _runs(keys: Hashes) -> Iterator[tuple[Places, Places]]:
    """Pairs of places with equal keys, in pieces; keys: sorted."""
    if not len(keys):
        return
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    # For each place, how many behind it have its key.
    ends = np.repeat(np.append(starts[1:], len(keys)), np.diff(np.append(starts, len(keys))))
    behind = ends - np.arange(len(keys)) - 1
    total = np.concatenate(([0], np.cumsum(behind)))
    at = 0
    while at < len(keys):
        stop = max(at + 1, int(np.searchsorted(total, total[at] + _AT_ONCE, side="right")) - 1)
        counts = behind[at:stop]
        a = np.repeat(np.arange(at, stop), counts)
        offset = np.arange(len(a)) - np.repeat(total[at:stop] - total[at], counts)
        yield a, a + 1 + offset
        at = stop
