"""Counts and filters the values in columns of lists of texts, many rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.base.columns import Indices, Mask, runs

_AT_ONCE = 1 << 19  # rows


class Values(NamedTuple):
    """The values of some lists in a row: the row of each in the whole table, and its number in `texts`."""

    rows: Indices
    numbers: Indices


def texts(*columns: pa.ChunkedArray) -> pa.Array:
    """Returns the distinct values of some columns of lists; their places are the numbers of the values."""
    found = [pc.unique(pc.list_flatten(column)) for column in columns]
    return pc.unique(pa.concat_arrays(found))


def values(column: pa.ChunkedArray, distinct: pa.Array) -> Iterator[Values]:
    """Yields the values of a column of lists, those of many rows at a time; lists that are null have none."""
    for start in range(0, len(column), _AT_ONCE):
        some = column.slice(start, _AT_ONCE)
        lengths = np.asarray(pc.fill_null(pc.list_value_length(some), 0), np.int64)
        numbers = np.asarray(pc.index_in(pc.list_flatten(some), value_set=distinct), np.int64)
        yield Values(start + np.repeat(np.arange(len(some)), lengths), numbers)


def pairs(column: pa.ChunkedArray, distinct: pa.Array) -> Iterator[Indices]:
    """Yields row * len(distinct) + number of each value that a list has, once and in order, many rows at a time."""
    for some in values(column, distinct):
        ordered = np.sort(some.rows * len(distinct) + some.numbers)
        yield ordered[runs(ordered)[:-1]]


def n_rows(column: pa.ChunkedArray, distinct: pa.Array) -> Indices:
    """Returns the number of lists that have each value."""
    n = np.zeros(len(distinct), np.int64)
    for some in pairs(column, distinct):
        n += np.bincount(some % len(distinct), minlength=len(distinct))
    return n


def chosen(column: pa.ChunkedArray, distinct: pa.Array, is_chosen: Callable[[Values], Mask]) -> pa.ChunkedArray:
    """Returns the lists with those values for which a function returns true; a null becomes an empty list."""
    chunks = []
    start = 0
    for some in values(column, distinct):
        n = min(_AT_ONCE, len(column) - start)
        kept = np.flatnonzero(is_chosen(some))
        lengths = np.bincount(some.rows[kept] - start, minlength=n)
        offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
        chunks.append(pa.ListArray.from_arrays(offsets, distinct.take(pa.array(some.numbers[kept]))))
        start += n
    return pa.chunked_array(chunks, column.type)


def empty(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns which lists have no value."""
    return pc.equal(pc.fill_null(pc.list_value_length(column), 0), 0)
