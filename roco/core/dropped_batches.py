"""The dropped figures of a run in sorted batches: of millions, as many are in memory as a block of parts has.

Parts are read in the order of their first figure. What precedes the first figure of the next block is complete, so it
is yielded; the rest waits. Listings are sorted, so the figures of a part are near each other and few rows wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from roco.core.figures import DROPPED, Figures, by_part, with_values
from roco.core.open_tables import in_threads

ROWS_OF_BLOCK = 100_000
"""Rows of the parts that are read together, about."""

_ORDER = [("figure_id", "ascending"), ("archive", "ascending")]


class Block(NamedTuple):
    """Parts that are read together. end: the first figure of later blocks; None for the last block."""

    parts: tuple[str, ...]
    end: str | None


def dropped_batches(figures: Figures, columns: Sequence[str], having: Sequence[str] = ()) -> Iterator[pa.Table]:
    """Yields all dropped figures except superseded ones: DROPPED and the columns, sorted by figure_id.

    having: only figures with a value in one of these columns.
    """
    if not having:
        yield from _merged(figures, columns)
    elif all(figures.is_decided_late(name) for name in having):
        # What the row pass dropped has no values in these columns.
        late = with_values(figures.gather(figures.dropped_late, having), having)
        yield figures.gather(late, columns).sort_by(_ORDER)
    else:
        for batch in _merged(figures, having):
            yield figures.gather(with_values(batch, having), columns)


def _merged(figures: Figures, columns: Sequence[str]) -> Iterator[pa.Table]:
    late = dict(by_part(figures.dropped_late))
    waiting = figures.gather(DROPPED.empty_table(), columns)
    for block in _blocks(figures, late):
        early = in_threads(figures.dropped_early, block.parts)
        rows = pa.concat_tables([*early, *(late[part] for part in block.parts if part in late)])
        rows = figures.gather(rows, columns)
        rows = pa.concat_tables([waiting, rows]).sort_by(_ORDER).combine_chunks()
        n = len(rows) if block.end is None else pc.sum(pc.less(rows["figure_id"], block.end)).as_py() or 0
        yield rows.slice(0, n)
        waiting = rows.slice(n)


def _blocks(figures: Figures, late: dict[str, pa.Table]) -> Iterator[Block]:
    """Yields all parts with dropped figures, in the order of their first dropped figure."""
    first: dict[str, str] = {}
    rows: dict[str, int] = {}
    for part, extent in figures.extents.items():
        if extent.rows:
            first[part], rows[part] = extent.first, extent.rows
    for part, table in late.items():
        smallest = pc.min(table["figure_id"]).as_py()
        first[part] = min(first.get(part, smallest), smallest)
        rows[part] = rows.get(part, 0) + len(table)
    block: list[str] = []
    n = 0
    for part in sorted(first, key=lambda name: (first[name], name)):
        if n >= ROWS_OF_BLOCK:
            yield Block(tuple(block), first[part])
            block, n = [], 0
        block.append(part)
        n += rows[part]
    if block:
        yield Block(tuple(block), None)
