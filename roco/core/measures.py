"""The kept measures of a part: one file a measure, read as far as asked for, written as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import CorruptFile
from roco.base.files import read_table, write_table
from roco.core.pipeline import Step
from roco.core.rows import concat


def load(path: Path, columns: Sequence[str] | None = None) -> tuple[pa.Table, dict[str, Any]] | None:
    """The rows of a measure and the facts in its footer; None where there are none, and a damaged file is removed."""
    try:
        return read_table(path, columns)
    except FileNotFoundError:
        return None
    except CorruptFile:
        path.unlink(missing_ok=True)
        return None


def add(path: Path, step: Step, fresh: Sequence[pa.Table], old: bool, **more: Any) -> str:
    """Writes new rows, with those that are there if `old`; returns the digest of the content."""
    tables = [read_table(path)[0], *fresh] if old else list(fresh)
    table = concat(tables)
    table = table.take(pc.sort_indices(table, [("figure_id", "ascending")]))
    content = table_digest(table)
    write_table(
        path, table, {"stage": step.name, "digest": step.digest, "rows": len(table), "content": content, **more}
    )
    return content


def table_digest(table: pa.Table) -> str:
    """SHA-256 of a table's content, hexadecimal."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return hashlib.sha256(sink.getvalue()).hexdigest()
