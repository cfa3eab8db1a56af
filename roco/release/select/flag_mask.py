"""Selects by flags alone with pyarrow, as the SQL of `flags.query` does: needs no DuckDB, and no time to start it."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.licenses import COMMERCIAL_LICENSES
from roco.release.select.flags import SelectOptions

_OF_TEXT = ("modality", "region", "direction", "license", "split", "language")


def is_plain(flags: SelectOptions) -> bool:
    """Returns whether flags compare single columns with values: no SQL, concepts, sample or one image an article."""
    return flags.where is None and not flags.concept and not flags.one_per_article and flags.sample is None


def mask_of(table: pa.Table, flags: SelectOptions) -> pa.Array:
    """Returns which rows of a table plain flags select; a row without a value is not selected by it."""
    everything = pa.chunked_array([pa.repeat(True, len(table))])
    selected = functools.reduce(pc.and_, _conditions(table, flags), everything)
    filled = pc.fill_null(selected, False)
    return filled.combine_chunks() if isinstance(filled, pa.ChunkedArray) else filled


def _conditions(table: pa.Table, flags: SelectOptions) -> Iterator[pa.ChunkedArray]:
    if flags.commercial:
        yield pc.is_in(table["license"], value_set=pa.array(COMMERCIAL_LICENSES, pa.string()))
    for column in _OF_TEXT:
        values = getattr(flags, column)
        if values:
            yield pc.is_in(table[column], value_set=pa.array(values, pa.string()))
    if flags.year:
        yield functools.reduce(pc.or_, (_within(table["year"], one.first, one.last) for one in flags.ranges()))


def _within(years: pa.ChunkedArray, first: int | None, last: int | None) -> pa.ChunkedArray:
    within = pc.is_valid(years)
    if first is not None:
        within = pc.and_(within, pc.fill_null(pc.greater_equal(years, first), False))
    if last is not None:
        within = pc.and_(within, pc.fill_null(pc.less_equal(years, last), False))
    return within
