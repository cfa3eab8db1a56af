"""The articles of a part, in columns: only those that a worker reads become rows."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, overload

import pyarrow as pa
import pyarrow.compute as pc

Article = Mapping[str, Any]
"""A row of parts.parquet."""


class Articles(Sequence[Article]):
    """Some rows of parts.parquet."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __len__(self) -> int:
        return len(self.table)

    @overload
    def __getitem__(self, at: int) -> Article: ...
    @overload
    def __getitem__(self, at: slice) -> Articles: ...
    def __getitem__(self, at: int | slice) -> Article | Articles:
        if isinstance(at, int):
            return self._rows[at]
        start, stop, step = at.indices(len(self))
        if step != 1:
            raise ValueError(f"articles are cut without steps, not by {at}")
        return Articles(self.table.slice(start, max(0, stop - start)))

    def __iter__(self) -> Iterator[Article]:
        return iter(self._rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Articles) and self.table.equals(other.table)

    def __hash__(self) -> int:
        return hash(tuple(self.places))

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.table.to_pylist()
        return rows

    @property
    def places(self) -> list[str]:
        return _texts(self.table["place"])

    @property
    def listed(self) -> list[str]:
        """Returns the places of those that the source still lists with this digest."""
        return _texts(self.table["place"].filter(self.table["current"]))

    @property
    def unlisted(self) -> list[str]:
        """Returns the places of all others."""
        return _texts(self.table["place"].filter(pc.invert(self.table["current"])))

    def to_text(self) -> str:
        """Returns the articles as ASCII, to be sent to a worker."""
        out = pa.BufferOutputStream()
        # Compressed, the articles of a part fit into the buffer of a pipe, so that sending them does not wait.
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_stream(out, self.table.schema, options=options) as stream:
            stream.write_table(self.table)
        return base64.b64encode(out.getvalue()).decode()

    @classmethod
    def of_text(cls, text: str) -> Articles:
        with pa.ipc.open_stream(base64.b64decode(text)) as stream:
            return cls(stream.read_all())


# Not made of lists: `pa.array` of one imports pandas where that is installed, which takes a quarter of a second.
NO_ARTICLES = Articles(pa.Table.from_batches([], pa.schema([("place", pa.string()), ("current", pa.bool_())])))


def _texts(column: pa.ChunkedArray) -> list[str]:
    texts: list[str] = column.to_pylist()
    return texts
