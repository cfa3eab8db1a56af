"""Arrow columns as numpy arrays: codes of equal texts, values at places, and connected components of codes."""

from __future__ import annotations

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


def taken(values: Column, places: Indices) -> pa.Array:
    """Returns the values at some places as one array; null for NONE."""
    found = values.take(pa.array(places, mask=places == NONE))
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


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
