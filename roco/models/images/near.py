"""Pairs of images that are close in both perceptual hashes, exactly, as arrays."""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.base.columns import NONE, runs, taken_by_chunks
from roco.models.images.hamming import Hashes, Indices, pairs_within

WORDS = 9
"""Words of 64 bits of the second hash."""

_PAIRS_AT_ONCE = 1_000_000
_ROWS_AT_ONCE = 250_000


class Pairs(NamedTuple):
    """Pairs of rows: first < second, sorted by both; in how many bits each hash differs."""

    first: Indices
    second: Indices
    bits: NDArray[np.uint8]
    fine_bits: NDArray[np.uint16]

    def take(self, at: Indices) -> Pairs:
        """Returns the pairs at some positions."""
        return Pairs(self.first[at], self.second[at], self.bits[at], self.fine_bits[at])


@dataclass(frozen=True)
class FineHashes:
    """The second hash of images, which is parsed from the texts of a table only for the images that are asked for.

    Of millions of images, the texts are most of the table, and few images are compared in this hash.

    texts: in hexadecimal. rows: the row of each image.
    """

    texts: pa.ChunkedArray
    rows: NDArray[np.integer[Any]]

    def of(self, images: NDArray[np.integer[Any]]) -> NDArray[np.uint64]:
        """Returns the hashes of some images as numbers: images x WORDS."""
        rows = self.rows[images]
        out = np.empty((len(rows), WORDS), np.uint64)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            some = slice(start, start + _ROWS_AT_ONCE)
            out[some] = parsed(taken_by_chunks(self.texts, rows[some]), WORDS)
        return out


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


def first_equal(hashes: Hashes, fine: FineHashes) -> Indices:
    """Returns, for each image, the first one with the same two hashes."""
    first = np.arange(len(hashes))
    order = np.argsort(hashes, kind="stable").astype(np.int32)
    starts = runs(hashes[order]).astype(np.int32)
    sizes = np.diff(starts)
    several = np.flatnonzero(sizes > 1)  # only images with the same first hash are compared in the second one
    starts, sizes = starts[several], sizes[several]
    for some in _blocks(sizes, _ROWS_AT_ONCE):
        number = np.repeat(np.arange(len(sizes[some])), sizes[some])
        images = order[np.repeat(starts[some], sizes[some]) + _numbers_within(sizes[some])]
        words = fine.of(images)
        by_hashes = np.lexsort((*words.T, number))  # stable: images with the same hashes stay in order
        number, words, images = number[by_hashes], words[by_hashes], images[by_hashes]
        is_new = np.ones(len(images), bool)
        is_new[1:] = (number[1:] != number[:-1]) | (words[1:] != words[:-1]).any(axis=1)
        first[images] = images[np.flatnonzero(is_new)][np.cumsum(is_new) - 1]
    return first


def near_pairs(hashes: Hashes, fine: FineHashes, radius: int, fine_radius: int) -> Pairs:
    """Returns all pairs of images within both radii; hashes may repeat."""
    order = np.argsort(hashes, kind="stable").astype(np.int32)
    values = hashes[order]
    starts = runs(values).astype(np.int32)
    sizes, starts = np.diff(starts), starts[:-1]
    values = values[starts]
    i, j, bits = pairs_within(values, radius)
    del values
    several = np.flatnonzero(sizes > 1)
    # Images with the same hash are compared with each other: a value is near itself.
    i, j = np.concatenate([i, several]), np.concatenate([j, several])
    bits = np.concatenate([bits, np.zeros(len(several), np.uint8)])
    words, at_image = _words_of(order, starts, sizes, np.union1d(i, j), fine)
    found: list[Pairs] = []
    counts = sizes[i].astype(np.int64) * sizes[j]
    for some in _blocks(counts, _PAIRS_AT_ONCE):
        at = np.repeat(np.arange(some.start, some.stop), counts[some])
        number = _numbers_within(counts[some])
        one = order[starts[i[at]] + number // sizes[j[at]]]
        other = order[starts[j[at]] + number % sizes[j[at]]]
        is_pair = (i[at] != j[at]) | (one < other)
        one, other, of_pair = one[is_pair], other[is_pair], bits[at[is_pair]]
        different = words[at_image[one]] ^ words[at_image[other]]
        fine_bits = np.bitwise_count(different).sum(axis=1, dtype=np.uint16)
        is_near = fine_bits <= fine_radius
        low, high = np.minimum(one, other)[is_near], np.maximum(one, other)[is_near]
        found.append(Pairs(low.astype(np.int64), high.astype(np.int64), of_pair[is_near], fine_bits[is_near]))
    if not found:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8), np.empty(0, np.uint16))
    pairs = Pairs(
        np.concatenate([some.first for some in found]), np.concatenate([some.second for some in found]),
        np.concatenate([some.bits for some in found]), np.concatenate([some.fine_bits for some in found]),
    )  # fmt: skip
    return pairs.take(np.lexsort((pairs.second, pairs.first)))


def _words_of(
    order: NDArray[np.int32], starts: NDArray[np.int32], sizes: NDArray[np.int32], values: Indices, fine: FineHashes
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Returns the second hashes of the images with some values of the first one, and where each image is among them."""
    images = order[np.repeat(starts[values], sizes[values]) + _numbers_within(sizes[values])]
    at_image = np.full(len(order), NONE, np.int32)
    at_image[images] = np.arange(len(images), dtype=np.int32)
    return fine.of(images), at_image


def _blocks(counts: NDArray[np.integer[Any]], most: int) -> Iterator[slice]:
    """Yields slices of consecutive counts whose sum is at most some number, or which are one count."""
    before = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    start = 0
    while start < len(counts):
        stop = max(start + 1, int(np.searchsorted(before, before[start] + most, side="right")) - 1)
        yield slice(start, stop)
        start = stop


def _numbers_within(counts: NDArray[np.integer[Any]]) -> Indices:
    """Returns 0, 1, 2 and so on for each count, as many as it says."""
    ends = np.cumsum(counts, dtype=np.int64)
    numbers: Indices = np.arange(ends[-1] if len(ends) else 0)
    numbers -= np.repeat(ends - counts, counts)
    return numbers


def _whole(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
