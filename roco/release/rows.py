"""The rows of a table as dictionaries, of which a bounded number is in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

import pyarrow as pa
import pyarrow.compute as pc

ROWS_AT_ONCE = 1000
"""Rows that are in memory as dictionaries; these take twenty times the memory of the table."""

Row = Mapping[str, Any]


class Rows(Sequence[Row]):
    """The rows of a table; each pass over them makes the dictionaries anew."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def select(self, columns: Sequence[str]) -> Rows:
        """Returns the rows with some of their columns."""
        return Rows(self.table.select(list(columns)))

    def where(self, column: str, value: str) -> Rows:
        """Returns the rows with this value in a column."""
        return Rows(self.table.filter(pc.equal(self.table[column], value)))

    def __iter__(self) -> Iterator[Row]:
        for start in range(0, len(self.table), ROWS_AT_ONCE):
            yield from self.table.slice(start, ROWS_AT_ONCE).to_pylist()

    def __len__(self) -> int:
        return len(self.table)

    @overload
    def __getitem__(self, at: int) -> Row: ...

    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...

    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        if isinstance(at, slice):
            rows: list[Row] = self.table.take(list(range(len(self))[at])).to_pylist()
            return rows
        row: Row = self.table.slice(range(len(self))[at], 1).to_pylist()[0]
        return row
