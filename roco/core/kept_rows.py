"""The figures that the row stages kept, with the columns that table stages read: a copy in one file.

Table stages need a few columns of about one row in a hundred, and these are spread over tens of thousands of files. The
copy is made once for each result of the row pass; if it is missing or lacks a column, the files of the parts are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import CorruptFile
from roco.base.sealed_tables import read_table, write_table
from roco.core.pipeline import Pipeline

MOST_COPIED = 2_000_000
"""The largest number of rows that are copied: a copy is held in memory as a whole."""


def columns_of(pipeline: Pipeline) -> dict[str, list[str]]:
    """Returns the columns of row stages that table stages read, by the step that wrote them."""
    of_rows = {step.name: step for step in pipeline.row_steps}
    columns: dict[str, list[str]] = {}
    for step in pipeline.table_steps:
        for column in step.reads:
            writer = step.reads_from.get(column, "")
            if writer not in of_rows or column not in of_rows[writer].writes:
                continue
            if column not in columns.setdefault(writer, []) and column not in ("figure_id", "archive"):
                columns[writer].append(column)
    return {writer: sorted(names) for writer, names in columns.items() if names}


class KeptRows:
    """Columns of kept figures in memory. table: figure_id, archive, and the columns."""

    def __init__(self, table: pa.Table, columns: Mapping[str, Sequence[str]]) -> None:
        self.table, self.columns = table, columns
        self._keys = _keys(table)

    def values(self, writer: str, rows: pa.Table, names: Sequence[str]) -> pa.Table | None:
        """Returns columns that a step wrote, in the order of the rows; None unless the copy has all of them."""
        if not set(names) <= set(self.columns.get(writer, ())):
            return None
        at = pc.index_in(_keys(rows), value_set=self._keys)
        return None if at.null_count else self.table.select(list(names)).take(at)


def _keys(rows: pa.Table) -> pa.Array:
    # Two packages may have the same figure_id.
    keys = pc.binary_join_element_wise(rows["figure_id"], rows["archive"], "\n")
    return keys.combine_chunks() if isinstance(keys, pa.ChunkedArray) else keys


def read(path: Path, input: str, columns: Mapping[str, Sequence[str]]) -> pa.Table | None:
    """Returns the copy for a result of the row pass; None if it is missing or has other columns.

    input: the digest of that result.
    """
    try:
        table, meta = read_table(path)
    except (FileNotFoundError, CorruptFile):
        return None
    return table if meta == _meta(input, columns) else None


def write(path: Path, table: pa.Table, input: str, columns: Mapping[str, Sequence[str]]) -> None:
    """Writes the copy for a result of the row pass."""
    write_table(path, table, _meta(input, columns))


def _meta(input: str, columns: Mapping[str, Sequence[str]]) -> dict[str, object]:
    return {"input": input, "columns": {writer: list(names) for writer, names in columns.items()}}
