"""Writes tables in the format that the name of the file asks for: CSV, JSON, JSON Lines or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from roco.base.errors import UsageError
from roco.base.files import whole
from roco.base.terminal import printable


def write_rows(path: Path, table: pa.Table) -> None:
    """Writes a table to a file; an existing file is replaced. Raises UsageError for an unknown format."""
    write = writer_of(path)
    with whole(path) as part:
        write(part, table)


def writer_of(path: Path) -> Callable[[Path, pa.Table], None]:
    """Returns the function that writes the format that a file name asks for."""
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        *others, last = _WRITERS
        hint = f"use a name that ends with {', '.join(others)} or {last}"
        raise UsageError(f"unknown format of a table: '{printable(path.name)}'", hint)
    return write


def _write_csv(path: Path, table: pa.Table) -> None:
    with path.open("w", encoding="utf-8", newline="") as fh:
        writer = csv.writer(fh, lineterminator="\n")
        writer.writerow(table.column_names)
        for row in table.to_pylist():
            writer.writerow([_cell(value) for value in row.values()])


def _cell(value: Any) -> Any:
    """Returns a value for a cell: nothing for null, JSON for lists and other nested values."""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else value


def _write_json(path: Path, table: pa.Table) -> None:
    path.write_text(json.dumps(table.to_pylist(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_lines(path: Path, table: pa.Table) -> None:
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist()]
    path.write_text("".join(lines), encoding="utf-8")


def _write_parquet(path: Path, table: pa.Table) -> None:
    pq.write_table(table, path, compression="zstd")


_WRITERS: dict[str, Callable[[Path, pa.Table], None]] = {
    ".csv": _write_csv,
    ".json": _write_json,
    ".jsonl": _write_lines,
    ".parquet": _write_parquet,
}
