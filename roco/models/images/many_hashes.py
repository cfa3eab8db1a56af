"""All pairs of millions of hashes within a Hamming radius, exactly: by the values that a third of the bits can take.

The 64 bits are divided into three parts. If two hashes differ in at most `radius` bits, they differ in few bits of at
least one part: in at most t of it, where the sum of t + 1 over the parts exceeds the radius. For each part, hashes with
each two values that differ in at most t bits are compared (Norouzi et al. 2012, multi-index hashing).
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]
Found = tuple[Indices, Indices, NDArray[np.uint8]]

PARTS = 3
HASH_BITS = 64
LARGEST_RADIUS = 10  # bits; beyond it the values that differ in few bits are too many

_CANDIDATES_AT_ONCE = 1_000_000  # pairs that are compared at a time, which bounds the memory
_ROWS_AT_ONCE = 1_000_000  # hashes whose partners are looked up at a time


@dataclass(frozen=True)
class _Part:
    """The hashes in the order of the values of some of their bits.

    bits: which ones. hashes, order: the hashes, and where each was. keys: the different values; starts: where the
    hashes of each begin, and the end of the last. at: position in keys by value, -1 where there is none.
    """

    bits: tuple[int, ...]
    hashes: Hashes
    order: NDArray[np.int32]
    keys: NDArray[np.uint32]
    starts: NDArray[np.int32]
    at: NDArray[np.int32]

    @classmethod
    def of(cls, hashes: Hashes, bits: tuple[int, ...]) -> _Part:
        values = np.zeros(len(hashes), np.uint32)
        for place, bit in enumerate(bits):
            values |= ((hashes >> np.uint64(bit)) & np.uint64(1)).astype(np.uint32) << np.uint32(place)
        order = np.argsort(values, kind="stable").astype(np.int32)
        keys, starts = np.unique(values[order], return_index=True)
        at = np.full(1 << len(bits), -1, np.int32)
        at[keys] = np.arange(len(keys), dtype=np.int32)
        return cls(bits, hashes[order], order, keys, np.append(starts, len(hashes)).astype(np.int32), at)


def pairs_of_many(hashes: Hashes, radius: int) -> Found:
    """Returns every pair of hashes within a radius: indices i < j and distance, in any order; hashes: distinct."""
    thresholds = [(radius + 1 + number) // PARTS - 1 for number in range(PARTS)]
    masks: list[tuple[np.uint64, int]] = []
    found: list[Found] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for number, threshold in enumerate(thresholds):
            part = _Part.of(hashes, tuple(range(number, HASH_BITS, PARTS)))
            work = partial(_pairs_of_flip, part, radius=radius, before=tuple(masks))
            for pairs in pool.map(work, _flips(len(part.bits), threshold)):
                found += pairs
            masks.append((np.uint64(sum(1 << bit for bit in part.bits)), threshold))
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8)
    i, j, distance = (np.concatenate(some) for some in zip(*found, strict=True))
    return np.minimum(i, j), np.maximum(i, j), distance


def _flips(bits: int, most: int) -> Iterator[int]:
    """Yields the numbers with at most some bits set."""
    for n in range(most + 1):
        for chosen in itertools.combinations(range(bits), n):
            yield sum(1 << bit for bit in chosen)


def _pairs_of_flip(part: _Part, flip: int, *, radius: int, before: tuple[tuple[np.uint64, int], ...]) -> list[Found]:
    """Returns the pairs within the radius whose values of a part differ in exactly the bits of a flip.

    before: masks and thresholds of the parts that have been searched: their pairs are left out.
    """
    partner = part.at[part.keys ^ np.uint32(flip)]
    own = np.arange(len(part.keys), dtype=np.int32)
    chosen = np.flatnonzero(partner > own) if flip else np.flatnonzero(np.diff(part.starts) > 1)
    rows_before = np.cumsum(part.starts[chosen + 1] - part.starts[chosen], dtype=np.int64)
    found: list[Found] = []
    at = 0
    while at < len(chosen):
        most = (rows_before[at - 1] if at else 0) + _ROWS_AT_ONCE
        stop = max(at + 1, int(np.searchsorted(rows_before, most, side="right")))
        some = chosen[at:stop]
        found += _pairs_of_values(part, some, partner[some] if flip else None, radius=radius, before=before)
        at = stop
    return found


def _pairs_of_values(
    part: _Part,
    chosen: Indices,
    others: NDArray[np.int32] | None,
    *,
    radius: int,
    before: tuple[tuple[np.uint64, int], ...],
) -> list[Found]:
    """Returns the pairs of hashes with some values and hashes with the partner of each.

    others: the partners; None if each value is compared with itself.
    """
    sizes = part.starts[chosen + 1] - part.starts[chosen]
    # Each hash of a value is compared with all of its partner; with the same value, with those that follow it.
    rows = np.repeat(part.starts[chosen] - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum(), dtype=np.int64)
    starts = rows + 1 if others is None else np.repeat(part.starts[others], sizes)
    counts = np.repeat(part.starts[(chosen if others is None else others) + 1], sizes) - starts
    before_row = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    found = []
    at = 0
    while at < len(rows):
        stop = int(np.searchsorted(before_row, before_row[at] + _CANDIDATES_AT_ONCE, side="right")) - 1
        stop = max(stop, at + 1)
        some = slice(at, stop)
        n = int(before_row[stop] - before_row[at])
        j = np.arange(n) + np.repeat(starts[some] - (before_row[some] - before_row[at]), counts[some])
        different = np.repeat(part.hashes[rows[some]], counts[some]) ^ part.hashes[j]
        near = np.flatnonzero(np.bitwise_count(different) <= radius)
        for mask, threshold in before:
            near = near[np.bitwise_count(different[near] & mask) > threshold]
        if len(near):
            of_row = np.searchsorted(before_row, before_row[at] + near, side="right") - 1
            i = part.order[rows[of_row]].astype(np.int64)
            distance = np.bitwise_count(different[near])
            found.append((i, part.order[j[near]].astype(np.int64), distance))
        at = stop
    return found
