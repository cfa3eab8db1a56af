"""Pairs of images that are close in both perceptual hashes, exactly, as arrays."""

from __future__ import annotations

import binascii
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.models.images.hamming import Hashes, Indices, pairs_within

WORDS = 9
"""Words of 64 bits of the second hash."""

_PAIRS_AT_ONCE = 1_000_000
_ROWS_AT_ONCE = 1_000_000


class Pairs(NamedTuple):
    """Pairs of rows: first < second, sorted by both; in how many bits each hash differs."""

    first: Indices
    second: Indices
    bits: NDArray[np.uint8]
    fine_bits: NDArray[np.uint16]

    def take(self, at: Indices) -> Pairs:
        """Returns the pairs at some positions."""
        return Pairs(self.first[at], self.second[at], self.bits[at], self.fine_bits[at])


def parsed(column: pa.ChunkedArray, words: int) -> NDArray[np.uint64]:
    """Returns hashes in hexadecimal as numbers: rows x words; zeros for null.

    words: of 64 bits each; shorter texts have leading zeros.
    """
    out = np.zeros((len(column), words), np.uint64)
    for start in range(0, len(column), _ROWS_AT_ONCE):
        some = column.slice(start, _ROWS_AT_ONCE)
        texts = pc.utf8_lpad(pc.fill_null(some, ""), 16 * words, "0")
        digits = pc.binary_join(pa.ListArray.from_arrays([0, len(texts)], _whole(texts)), "")[0].as_buffer()
        out[start : start + len(some)] = np.frombuffer(binascii.unhexlify(digits), ">u8").reshape(-1, words)
    return out


def near_pairs(hashes: Hashes, fine: NDArray[np.uint64], radius: int, fine_radius: int) -> Pairs:
    """Returns all pairs of rows within both radii; hashes may repeat. fine: rows x WORDS."""
    order = np.argsort(hashes, kind="stable")
    values, starts = np.unique(hashes[order], return_index=True)
    sizes = np.diff(np.append(starts, len(order)))
    i, j, bits = pairs_within(values, radius)
    several = np.flatnonzero(sizes > 1)
    # Rows with the same hash are compared with each other: a value is near itself.
    i, j = np.concatenate([i, several]), np.concatenate([j, several])
    bits = np.concatenate([bits, np.zeros(len(several), np.uint8)])
    found: list[Pairs] = []
    counts = sizes[i] * sizes[j]
    before = np.concatenate([[0], np.cumsum(counts)])
    start = 0
    while start < len(i):
        stop = max(start + 1, int(np.searchsorted(before, before[start] + _PAIRS_AT_ONCE, side="right")) - 1)
        at = np.repeat(np.arange(start, stop), counts[start:stop])
        number = np.arange(len(at)) - np.repeat(before[start:stop] - before[start], counts[start:stop])
        one = order[starts[i[at]] + number // sizes[j[at]]]
        other = order[starts[j[at]] + number % sizes[j[at]]]
        is_pair = (i[at] != j[at]) | (one < other)
        one, other, of_pair = one[is_pair], other[is_pair], bits[at[is_pair]]
        fine_bits = np.bitwise_count(fine[one] ^ fine[other]).sum(axis=1, dtype=np.uint16)
        is_near = fine_bits <= fine_radius
        low, high = np.minimum(one, other)[is_near], np.maximum(one, other)[is_near]
        found.append(Pairs(low, high, of_pair[is_near], fine_bits[is_near]))
        start = stop
    if not found:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8), np.empty(0, np.uint16))
    pairs = Pairs(
        np.concatenate([some.first for some in found]), np.concatenate([some.second for some in found]),
        np.concatenate([some.bits for some in found]), np.concatenate([some.fine_bits for some in found]),
    )  # fmt: skip
    return pairs.take(np.lexsort((pairs.second, pairs.first)))


def _whole(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
