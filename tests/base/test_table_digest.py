"""Equal values have equal digests however Arrow stores them, and different values have different ones."""

from __future__ import annotations

import datetime
import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.table_digest import table_digest

STRUCT = pa.struct([("a", pa.int32()), ("b", pa.string())])
VALUES: dict[pa.DataType, Any] = {
    pa.string(): st.text(max_size=3),
    pa.binary(): st.binary(max_size=3),
    pa.bool_(): st.booleans(),
    pa.int32(): st.integers(-5, 5),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float32(): st.sampled_from([0.0, -0.0, 1.5, math.inf, math.nan]),
    pa.float64(): st.floats(),
    pa.timestamp("us"): st.datetimes(datetime.datetime(2000, 1, 1), datetime.datetime(2001, 1, 1)),
    pa.date32(): st.dates(),
    pa.null(): st.none(),
    pa.list_(pa.string()): st.lists(st.none() | st.text(max_size=2), max_size=3),
    pa.list_(pa.list_(pa.int64())): st.lists(st.none() | st.lists(st.integers(0, 3), max_size=2), max_size=2),
    STRUCT: st.fixed_dictionaries({"a": st.none() | st.integers(0, 3), "b": st.none() | st.text(max_size=1)}),
    pa.dictionary(pa.int8(), pa.string()): st.sampled_from("ab"),
    pa.decimal128(10, 2): st.decimals(-9, 9, places=2, allow_nan=False),
    pa.list_(pa.int32(), 2): st.lists(st.none() | st.integers(0, 3), min_size=2, max_size=2),
    pa.binary(3): st.binary(min_size=3, max_size=3),
    pa.map_(pa.string(), pa.int32()): st.lists(st.tuples(st.text(max_size=1), st.integers(0, 3)), max_size=2),
}


@st.composite
def columns(draw: st.DrawFn) -> tuple[pa.DataType, list[Any], list[Any]]:
    kind = draw(st.sampled_from(sorted(VALUES, key=str)))
    some = st.lists(st.none() | VALUES[kind], max_size=5)
    return kind, draw(some), draw(some)


def of(kind: pa.DataType, values: list[Any]) -> str:
    return table_digest(pa.table({"x": pa.array(values, kind)}))


@given(columns())
def test_the_digest_is_that_of_the_values_alone(column: tuple[pa.DataType, list[Any], list[Any]]) -> None:
    kind, first, second = column
    pieces = [pa.array(first, kind), pa.array([], kind), pa.array(second, kind)]
    chunked = pa.table({"x": pa.chunked_array(pieces)})
    padded = pa.array([*second, *first, *second], kind).slice(len(second), len(first) + len(second))
    assert table_digest(chunked) == of(kind, [*first, *second]) == table_digest(pa.table({"x": padded}))


@given(columns())
def test_different_values_have_different_digests(column: tuple[pa.DataType, list[Any], list[Any]]) -> None:
    kind, first, second = column
    assert (repr(first) == repr(second)) == (of(kind, first) == of(kind, second))


def test_what_is_stored_where_a_value_is_null_does_not_count() -> None:
    zeros = pa.array([1, 0, 3], pa.int64())
    mask = pa.array([True, False, True])
    hidden = pa.Array.from_buffers(pa.int64(), 3, [mask.buffers()[1], pa.array([1, 99, 3], pa.int64()).buffers()[1]])
    assert hidden.to_pylist() == [1, None, 3]
    tables = [pa.table({"x": values}) for values in (pa.array([1, None, 3], pa.int64()), hidden, zeros)]
    assert table_digest(tables[0]) == table_digest(tables[1]) != table_digest(tables[2])


@pytest.mark.parametrize("empty", [pa.chunked_array([], pa.string()), pa.chunked_array([pa.array([], pa.string())])])
def test_an_empty_table_has_one_digest(empty: pa.ChunkedArray) -> None:
    assert table_digest(pa.table({"x": empty})) == of(pa.string(), [])
    assert table_digest(pa.table({"y": empty})) != of(pa.string(), [])
