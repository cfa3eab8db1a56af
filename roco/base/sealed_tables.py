"""Parquet files with a checksum of their own in the footer, so that any changed byte is noticed when they are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from roco.base.errors import CorruptFile
from roco.base.files import whole
from roco.base.json_text import parse_json

_SEAL = b"roco.sha256"  # the key of the seal in the footer
_BLANK_SEAL = b"0" * 64


def write_table(path: Path, table: pa.Table, meta: Mapping[str, Any], *, durable: bool = True) -> None:
    """Writes a table with `meta` and the SHA-256 of the whole file in its footer; equal values give equal bytes.

    durable: see `whole`.
    """
    table = with_named_elements(table)
    buffer = pa.BufferOutputStream()
    with pq.ParquetWriter(buffer, table.schema, compression="zstd", write_statistics=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({b"roco": json.dumps(meta, sort_keys=True).encode(), _SEAL: _BLANK_SEAL})
    data = bytearray(buffer.getvalue())
    at = _seal_at(data)
    data[at : at + 64] = hashlib.sha256(data).hexdigest().encode()
    with whole(path, durable=durable) as part:
        part.write_bytes(data)


def with_named_elements(table: pa.Table) -> pa.Table:
    """Returns a table whose lists name their values `element`, as in a table that was read from a Parquet file.

    Lists that were computed name them `item`, and the name is written to the file.
    """
    fields = [
        field.with_type(pa.list_(field.type.value_field.with_name("element")))
        if pa.types.is_list(field.type)
        else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


class SealedTable:
    """A table that `write_table` wrote; raises CorruptFile if any byte has changed. Columns are decoded when read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        data = _checked(path)
        self.n_bytes = len(data)
        try:
            self._reader = pq.ParquetFile(pa.BufferReader(data))
        except (pa.ArrowInvalid, pa.ArrowIOError) as err:
            raise _corrupt(path) from err

    @property
    def meta(self) -> dict[str, Any]:
        try:
            meta: dict[str, Any] = parse_json(self._reader.metadata.metadata[b"roco"])
            return meta
        except (KeyError, ValueError) as err:
            raise _corrupt(self.path) from err

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Returns the table, or some of its columns."""
        wanted = None if columns is None else list(columns)
        try:
            return self._reader.read(columns=wanted, use_threads=False).replace_schema_metadata(None)
        except (pa.ArrowInvalid, pa.ArrowIOError, KeyError, ValueError) as err:
            raise _corrupt(self.path) from err


def read_table(path: Path, columns: Sequence[str] | None = None) -> tuple[pa.Table, dict[str, Any]]:
    """Reads a table and its `meta` as `write_table` wrote them; raises CorruptFile if any byte has changed."""
    sealed = SealedTable(path)
    meta = sealed.meta
    return sealed.read(columns), meta


def read_meta(path: Path) -> dict[str, Any]:
    """Reads the `meta` of a table; raises CorruptFile if any byte of the file has changed."""
    data = _checked(path)
    try:
        meta: dict[str, Any] = parse_json(pq.read_metadata(pa.BufferReader(data)).metadata[b"roco"])
        return meta
    except (pa.ArrowInvalid, KeyError, ValueError) as err:
        raise _corrupt(path) from err


def _checked(path: Path) -> bytes:
    """Reads a file whose seal matches; the digest was computed with zeros in place of the seal."""
    data = bytearray(path.read_bytes())
    at = _seal_at(data)
    if at < 0:
        raise _corrupt(path)
    seal = bytes(data[at : at + 64])
    data[at : at + 64] = _BLANK_SEAL
    if hashlib.sha256(data).hexdigest().encode() != seal:
        raise _corrupt(path)
    return bytes(data)


def _seal_at(data: bytearray) -> int:
    # In the footer the key is followed by the length as a Thrift varint of two bytes, then by the 64 hex digits.
    key = data.rfind(_SEAL)
    at = key + len(_SEAL) + 2
    return at if key >= 0 and at + 64 <= len(data) else -1


def _corrupt(path: Path) -> CorruptFile:
    return CorruptFile(f"corrupt file {path}", "delete it: roco run computes its content again", str(path))
