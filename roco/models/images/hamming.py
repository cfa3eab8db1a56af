"""Hamming distances of perceptual hashes: of two, and of all pairs within a radius, exactly and faster than n²."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from roco.models.images import many_hashes

Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]

HASH_BITS = 64
MANY = 30_000  # hashes from which fewer candidates outweigh the search for more of them
LARGEST_RADIUS = 30  # bits; beyond it the bands are so narrow that most pairs become candidates

_CANDIDATES_AT_ONCE = 4_000_000  # candidate pairs that are compared at a time, which bounds the memory


def hamming_distance(one: int, other: int) -> int:
    """Returns the number of bits in which two hashes differ."""
    return (one ^ other).bit_count()


def hex_distance(one: str, other: str) -> int:
    """Returns the number of bits in which two hashes in hexadecimal differ, as tables store them."""
    return hamming_distance(int(one, 16), int(other, 16))


def pairs_within(hashes: Hashes, radius: int) -> tuple[Indices, Indices, NDArray[np.uint8]]:
    """Finds every pair of hashes within a Hamming radius: indices i < j and distance, sorted by i and j.

    hashes: distinct values; the caller groups equal ones first, since a million equal hashes would be 5e11 pairs.
    The 64 bits are cut into radius + 2 bands. Two hashes within the radius differ in at most `radius` bands, so at
    least two of their bands are equal; only hashes with two equal bands are compared, and no pair is missed. For many
    hashes, `pairs_of_many` has fewer candidates.
    """
    if not 0 <= radius <= LARGEST_RADIUS:
        raise ValueError(f"invalid radius {radius}: must be 0 to {LARGEST_RADIUS} bits")
    if len(hashes) >= MANY and radius <= many_hashes.LARGEST_RADIUS:
        return _sorted(*many_hashes.pairs_of_many(hashes, radius))
    no_indices = np.empty(0, np.int64)
    found = [(no_indices, no_indices, np.empty(0, np.uint8))]
    for mask in _masks(radius):
        keys = hashes & mask
        order = np.argsort(keys, kind="stable").astype(np.int64)
        for a, b in _equal_pairs(keys[order]):
            i, j = order[a], order[b]
            distance = np.bitwise_count(hashes[i] ^ hashes[j])
            near = distance <= radius
            low, high = np.minimum(i[near], j[near]), np.maximum(i[near], j[near])
            found.append((low, high, distance[near].astype(np.uint8)))
    i, j, distance = _sorted(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
    # A pair with more than two equal bands was found under several masks.
    is_first = np.ones(len(i), bool)
    is_first[1:] = (i[1:] != i[:-1]) | (j[1:] != j[:-1])
    return i[is_first], j[is_first], distance[is_first]


def _sorted(i: Indices, j: Indices, distance: NDArray[np.uint8]) -> tuple[Indices, Indices, NDArray[np.uint8]]:
    order = np.lexsort((j, i))
    return i[order], j[order], distance[order]


def _masks(radius: int) -> list[np.uint64]:
    """Returns, for each two of the radius + 2 bands, a mask with the bits of both."""
    edges = np.linspace(0, HASH_BITS, radius + 3).round().astype(int)
    bands = [((1 << int(stop - start)) - 1) << int(start) for start, stop in itertools.pairwise(edges)]
    return [np.uint64(one | other) for one, other in itertools.combinations(bands, 2)]


def _equal_pairs(keys: Hashes) -> Iterator[tuple[Indices, Indices]]:
    """Yields the pairs of positions a < b with equal keys, some millions at a time; keys: sorted."""
    if not len(keys):
        return
    run_starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    run_lengths = np.diff(np.append(run_starts, len(keys)))
    run_stops = np.repeat(run_starts + run_lengths, run_lengths)
    # For each position, the number of later positions with the same key; and its sum over all positions before it.
    partners = run_stops - np.arange(len(keys)) - 1
    pairs_before = np.concatenate(([0], np.cumsum(partners)))
    start = 0
    while start < len(keys):
        within = np.searchsorted(pairs_before, pairs_before[start] + _CANDIDATES_AT_ONCE, side="right")
        stop = max(start + 1, int(within) - 1)  # at least one position, however many partners it has
        counts = partners[start:stop]
        a = np.repeat(np.arange(start, stop), counts)
        offset = np.arange(len(a)) - np.repeat(pairs_before[start:stop] - pairs_before[start], counts)
        yield a, a + 1 + offset
        start = stop
