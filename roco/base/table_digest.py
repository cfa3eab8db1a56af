"""The digest of a table's values, whether they were computed, read, or cut from another table."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.base.files import digest

_Hashes = defaultdict[str, Any]


def table_digest(table: pa.Table) -> str:
    """Returns the SHA-256 of a table's values, hexadecimal.

    Arrow stores equal columns in different ways: in chunks, with an offset, with any bytes where a value is null. What
    is digested is the same for all of them.
    """
    hashes: _Hashes = defaultdict(hashlib.sha256)
    for name in table.column_names:
        column = table[name]
        for chunk in column.chunks or [pa.array([], column.type)]:
            _add(hashes, name, chunk)
    return digest([table.column_names, {name: one.hexdigest() for name, one in hashes.items()}])


def _add(hashes: _Hashes, name: str, values: pa.Array) -> None:
    """Adds the values of a column, or of a part of one, to the hashes whose keys begin with its name."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        _add(hashes, name, values.dictionary_decode())
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        hashes[f"{name}/lists"].update(_array(pc.fill_null(pc.list_value_length(values).cast(pa.int64()), -1)))
        _add(hashes, f"{name}/element", values.flatten())
    elif pa.types.is_struct(kind):
        hashes[f"{name}/structs"].update(_array(values.is_valid().cast(pa.uint8())))
        for field, part in zip(kind, values.flatten(), strict=True):
            _add(hashes, f"{name}/{field.name}", part)
    elif _is_text(kind):
        lengths, data = _texts(values)
        hashes[f"{name}/lengths"].update(lengths)
        hashes[f"{name}/texts"].update(data)
    elif not _is_number(kind):
        for value in values.to_pylist():
            hashes[f"{name}/{kind}"].update(digest(value).encode())
    else:
        hashes[f"{name}/nulls"].update(_array(values.is_null().cast(pa.uint8())))
        hashes[f"{name}/{kind}"].update(_numbers(values))


def _is_text(kind: pa.DataType) -> bool:
    types = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(one(kind) for one in types)


def _is_number(kind: pa.DataType) -> bool:
    types = (pa.types.is_null, pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating)
    return any(one(kind) for one in types) or (pa.types.is_temporal(kind) and not pa.types.is_interval(kind))


def _texts(values: pa.Array) -> tuple[memoryview, memoryview]:
    """Returns the lengths of texts in bytes, -1 where one is null, and their bytes one after the other."""
    whole = pc.fill_null(values, b"" if values.type in (pa.binary(), pa.large_binary()) else "").cast(pa.large_binary())
    _, offsets, data = whole.buffers()
    ends = np.frombuffer(offsets, np.int64)[whole.offset : whole.offset + len(whole) + 1]
    lengths = np.where(np.asarray(values.is_null()), -1, np.diff(ends)).astype("<i8")
    return lengths.data, memoryview(data)[ends[0] : ends[-1]] if data is not None and len(whole) else memoryview(b"")


def _numbers(values: pa.Array) -> memoryview:
    """Returns the bytes of numbers, times or truth values, with 0 where one is null."""
    kind = values.type
    if pa.types.is_null(kind):
        return memoryview(b"")
    if pa.types.is_temporal(kind):
        values = values.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    elif pa.types.is_boolean(kind):
        values = values.cast(pa.uint8())
    array = pc.fill_null(values, 0)
    if not pa.types.is_floating(array.type):
        return _array(array)
    floats = np.asarray(array)
    return np.where(np.isnan(floats), np.array(np.nan, floats.dtype), floats).data  # all not-a-numbers are equal


def _array(values: pa.Array) -> memoryview:
    return np.ascontiguousarray(np.asarray(values)).data
