"""The dropped figures of a run are read in sorted batches."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from roco.core import dropped_batches as module
from roco.core.dropped_batches import dropped_batches
from roco.core.figures import DROPPED, Extent


class Parts:
    """Stands for `Figures`: parts of five figures in any order; counts the rows that are in memory."""

    def __init__(self, parts: dict[str, pa.Table], late: pa.Table) -> None:
        self.parts, self.dropped_late = parts, late
        self.n_read = 0
        self.read: list[str] = []

    @property
    def extents(self) -> dict[str, Extent]:
        return {
            part: Extent(len(table), pc.min(table["figure_id"]).as_py() or "") for part, table in self.parts.items()
        }

    def dropped_early(self, part: str) -> pa.Table:
        self.n_read += len(self.parts[part])
        self.read.append(part)
        return self.parts[part]

    def is_decided_late(self, column: str) -> bool:
        return column == "group"

    def gather(self, rows: pa.Table, columns: Sequence[str]) -> pa.Table:
        for column in columns:
            if column not in rows.column_names:
                values = pc.if_else(pc.ends_with(rows["figure_id"], "0"), rows["figure_id"], "")
                rows = rows.append_column(column, values)
        return rows


def rows_of(part: str, ids: Sequence[str], stage: str = "filter") -> pa.Table:
    rows = [
        {"figure_id": id, "archive": "a", "part": part, "stage": stage, "drop": "blurred", "drop_detail": id}
        for id in ids
    ]
    return pa.Table.from_pylist(rows, schema=DROPPED)


def made(n_parts: int, *, interleaved: bool = False) -> Parts:
    """Parts whose order is not that of their figures; the last figure of each part is dropped by a table stage."""
    numbers = list(range(5 * n_parts))
    each = [numbers[at::n_parts] if interleaved else numbers[5 * at : 5 * at + 5] for at in range(n_parts)]
    random.Random(1).shuffle(each)
    early, late = {}, [DROPPED.empty_table()]
    for at, some in enumerate(each):
        ids = [f"{number:05}" for number in some]
        random.Random(at).shuffle(ids)
        early[f"part{at}"] = rows_of(f"part{at}", ids[1:])
        late.append(rows_of(f"part{at}", ids[:1], "dedup"))
    return Parts(early, pa.concat_tables(late))


def whole(parts: Parts) -> pa.Table:
    return pa.concat_tables([*parts.parts.values(), parts.dropped_late]).sort_by("figure_id")


def batches_of(parts: Any, *arguments: Any) -> list[pa.Table]:
    return list(dropped_batches(parts, *arguments))


@pytest.mark.parametrize("interleaved", [False, True])
def test_the_batches_are_all_dropped_figures_in_order(monkeypatch: pytest.MonkeyPatch, interleaved: bool) -> None:
    monkeypatch.setattr(module, "ROWS_OF_BLOCK", 12)
    parts = made(40, interleaved=interleaved)
    batches = batches_of(parts, ())
    assert len(batches) > 10
    assert pa.concat_tables(batches).equals(whole(parts))


def test_no_more_rows_are_in_memory_than_those_of_a_block_of_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_OF_BLOCK", 12)
    parts: Any = made(400)
    most = yielded = 0
    for batch in dropped_batches(parts, ()):
        most = max(most, parts.n_read - yielded)
        yielded += len(batch)
    assert most <= 30
    assert sorted(parts.read) == sorted(parts.parts)  # each part is read once


def test_values_that_only_table_stages_give_are_read_without_the_parts() -> None:
    parts = made(40)
    table = pa.concat_tables(batches_of(parts, ["group"], ["group"]))
    late = whole(parts).filter(pc.equal(whole(parts)["stage"], "dedup"))
    assert table["figure_id"].to_pylist() == [id for id in late["figure_id"].to_pylist() if id.endswith("0")]
    assert len(table) > 0
    assert parts.read == []


def test_figures_with_a_value_that_a_row_stage_gives_are_chosen_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_OF_BLOCK", 12)
    table = pa.concat_tables(batches_of(made(40), ["hash"], ["hash"]))
    assert table["figure_id"].to_pylist() == [f"{number:05}" for number in range(0, 200, 10)]


def test_a_run_without_dropped_figures_has_no_batches() -> None:
    assert batches_of(Parts({"part0": DROPPED.empty_table()}, DROPPED.empty_table()), ()) == []
