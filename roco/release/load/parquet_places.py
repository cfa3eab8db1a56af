"""Where the bytes of each image are in a Parquet file, so that one image is one read and not that of its row group.

pyarrow reads at least a page, and a page of a shard has all images of a row group. A page that is neither compressed
nor encoded contains the images one after the other, each after its length in four bytes: only these are read here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from roco.release.members import Place

COLUMN = "image.bytes"

_HEADER_BYTES = 4096  # of a page; without statistics it has about 30
_DATA_PAGE, _PLAIN = 0, 0
_TYPE, _SIZE, _DATA = 1, 3, 5  # fields of a page header: its type, its bytes in the file, the header of a data page
_VALUES, _ENCODING = 1, 2  # fields of the header of a data page


def image_places(path: Path) -> Iterator[Place]:
    """Yields where the bytes of each image are, in the order of the rows.

    Raises ValueError for a file whose images are compressed or encoded, or that is corrupt.
    """
    metadata = pq.read_metadata(path)
    columns = {metadata.schema.column(i).path: i for i in range(metadata.num_columns)}
    if COLUMN not in columns:
        raise ValueError(f"no column {COLUMN}")
    has_levels = metadata.schema.column(columns[COLUMN]).max_definition_level > 0
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for group in range(metadata.num_row_groups):
            chunk = metadata.row_group(group).column(columns[COLUMN])
            if chunk.compression != "UNCOMPRESSED" or chunk.dictionary_page_offset is not None:
                raise ValueError("the images are compressed: another program wrote the file")
            start, stop = chunk.data_page_offset, chunk.data_page_offset + chunk.total_compressed_size
            yield from _in_chunk(fd, start, stop, chunk.num_values, has_levels)
    finally:
        os.close(fd)


def _in_chunk(fd: int, start: int, stop: int, n_images: int, has_levels: bool) -> Iterator[Place]:
    """Yields the places of the images of a row group, whose pages are from start to stop."""
    found = 0
    while found < n_images:
        header, length = _struct(os.pread(fd, _HEADER_BYTES, start), 0)
        data = header.get(_DATA)
        if header.get(_TYPE) != _DATA_PAGE or not isinstance(data, dict) or data.get(_ENCODING) != _PLAIN:
            raise ValueError("the images are encoded: another program wrote the file")
        at = start + length
        start = at + _whole(header, _SIZE)
        if not at <= start <= stop:
            raise ValueError("a page ends outside of its row group")
        if has_levels:
            at += 4 + _number(fd, at)
        for _ in range(_whole(data, _VALUES)):
            size = _number(fd, at)
            at += 4 + size
            if at > start:
                raise ValueError("an image ends outside of its page")
            yield Place(at - size, size, has_header=False)
            found += 1
        # A row without an image has no length: then fewer images than rows fill the page.
        if at != start:
            raise ValueError("a page has other bytes than those of its images")
    if found > n_images:
        raise ValueError("more images than rows")


def _whole(fields: dict[int, Any], number: int) -> int:
    """Returns an integer field; raises ValueError for a header without it."""
    value = fields.get(number)
    if not isinstance(value, int):
        raise ValueError("a page header lacks a field")
    return value


def _number(fd: int, at: int) -> int:
    data = os.pread(fd, 4, at)
    if len(data) < 4:
        raise ValueError("truncated")
    return int.from_bytes(data, "little")


# --- Thrift's compact protocol, in which page headers are written ---------------------------------------------

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _STRUCT = 1, 2, 3, 7, 8, 12
_INTEGERS = (4, 5, 6)
_DEEPEST = 8


def _struct(data: bytes, at: int, depth: int = 0) -> tuple[dict[int, Any], int]:
    """Returns the fields of a struct by number, and the position after it; raises ValueError if it is corrupt."""
    if depth > _DEEPEST:
        raise ValueError("a page header is nested too deeply")
    fields: dict[int, Any] = {}
    number = 0
    while True:
        if at >= len(data):
            raise ValueError("a page header is truncated")
        byte, at = data[at], at + 1
        kind, delta = byte & 15, byte >> 4
        if kind == 0:
            return fields, at
        if delta:
            number += delta
        else:
            number, at = _integer(data, at)
        fields[number], at = _value(data, at, kind, depth)


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, at
    if kind in _INTEGERS:
        return _integer(data, at)
    if kind == _BYTE:
        return None, at + 1
    if kind == _DOUBLE:
        return None, at + 8
    if kind == _BINARY:
        length, at = _varint(data, at)
        return None, at + length
    if kind == _STRUCT:
        return _struct(data, at, depth + 1)
    raise ValueError("a page header has an unknown field")


def _integer(data: bytes, at: int) -> tuple[int, int]:
    """Returns a signed integer: zigzag, so that small negative numbers are short, too."""
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte, at = data[at], at + 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a page header is truncated")
