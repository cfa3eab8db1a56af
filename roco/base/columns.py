"""Arrow columns as numpy arrays: codes of equal texts, values at places, and connected components of codes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]
Column = Any  # pa.ChunkedArray or pa.Array, which mypy does not know

NONE = -1
"""The place or code of nothing: of a null, or of an empty text."""

_TAKEN_AT_ONCE = 1_000_000

_JOINED = 256 << 20
"""Bytes of a column whose chunks are joined before values are taken from it."""


def has_text(texts: Column) -> Mask:
    """Returns which texts are neither null nor empty."""
    return np.asarray(pc.fill_null(pc.not_equal(texts, ""), False), bool)


def not_empty(texts: Column) -> Column:
    """Returns the texts with null for empty ones."""
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, texts.type), texts)


def codes(texts: pa.ChunkedArray) -> Indices:
    """Numbers texts from 0 in the order in which they first occur; NONE for null and empty ones.

    Equal texts have equal numbers; if a text is empty, one number is left out.
    """
    encoded = texts.dictionary_encode().unify_dictionaries()
    numbers = np.concatenate([np.empty(0, np.int64), *map(_indices, encoded.chunks)])
    if encoded.num_chunks:
        empty = pc.index(encoded.chunk(0).dictionary, "").as_py()
        if empty != NONE:
            numbers[numbers == empty] = NONE
    return numbers


def _indices(chunk: pa.DictionaryArray) -> Indices:
    return np.asarray(pc.fill_null(chunk.indices, NONE), np.int64)


def taken(values: Column, places: NDArray[np.integer[Any]]) -> pa.Array:
    """Returns the values at some places as one array; null for NONE."""
    found = values.take(pa.array(places, mask=places == NONE))
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def taken_by_chunks(column: pa.ChunkedArray, places: NDArray[np.integer[Any]]) -> pa.ChunkedArray:
    """Returns the values at some places, null for NONE: of a large column some at a time, and from one chunk at a time.

    `ChunkedArray.take` first joins all chunks, which takes the memory of the column again and fails for more than 2 GiB
    of text. With thousands of small chunks, it is much faster.
    """
    if column.nbytes <= _JOINED:
        return pa.chunked_array([taken(column.combine_chunks(), places)], column.type)
    starts = np.cumsum([0, *map(len, column.chunks)])
    blocks = [places[start : start + _TAKEN_AT_ONCE] for start in range(0, len(places), _TAKEN_AT_ONCE)]
    return pa.chunked_array([_taken_from_chunks(column, starts, block) for block in blocks], column.type)


def _taken_from_chunks(column: pa.ChunkedArray, starts: Indices, places: NDArray[np.integer[Any]]) -> pa.Array:
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    chunk_of = np.searchsorted(starts, ordered, side="right") - 1  # NONE is before the first chunk
    parts = []
    for start, stop in itertools.pairwise(runs(chunk_of).tolist()):
        number = int(chunk_of[start])
        if number == NONE:
            parts.append(pa.nulls(stop - start, column.type))
        else:
            parts.append(column.chunk(number).take(pa.array(ordered[start:stop] - starts[number])))
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return pa.concat_arrays(parts).take(pa.array(back))


def first_of(numbers: Indices) -> Indices:
    """Returns, for each number, the place of the first equal one; NONE for NONE."""
    first = np.full(len(numbers), NONE)
    known = np.flatnonzero(numbers != NONE)
    if len(known):
        place = np.empty(int(numbers.max()) + 1, np.int64)
        place[numbers[known[::-1]]] = known[::-1]  # of several assignments the last one counts
        first[known] = place[numbers[known]]
    return first


def components(n: int, first: Indices, second: Indices) -> Indices:
    """Returns, for each of n places, the smallest place that it is connected to, directly or through others.

    first, second: the places of each connected pair.
    """
    root = np.arange(n)
    while True:
        one, other = root[first], root[second]
        is_apart = one != other
        if not is_apart.any():
            return root
        first, second, one, other = first[is_apart], second[is_apart], one[is_apart], other[is_apart]
        # Each root that is connected to a smaller one is put below it, so the chains lead to smaller places only.
        np.minimum.at(root, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(shorter := root[root], root):
            root = shorter


def runs(ordered: NDArray[Any]) -> Indices:
    """Returns the place at which each run of equal values starts, and the length of the array at the end."""
    if not len(ordered):
        return np.zeros(1, np.int64)
    changes = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return np.concatenate([[0], changes, [len(ordered)]])
