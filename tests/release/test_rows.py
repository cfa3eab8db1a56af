"""Rows of a release as dictionaries, and Parquet files written in batches."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from roco.release import rows as module
from roco.release import writers
from roco.release.rows import Rows

TABLE = pa.table({"id": [f"roco_{n}" for n in range(10)], "split": ["train", "test"] * 5, "n": list(range(10))})


@pytest.mark.parametrize("at_once", [1, 3, 1000])
def test_rows_are_the_dictionaries_of_the_table(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(module, "ROWS_AT_ONCE", at_once)
    rows, expected = Rows(TABLE), TABLE.to_pylist()
    assert list(rows) == expected
    assert list(rows) == expected  # a second pass
    assert len(rows) == 10
    assert [rows[0], rows[-1]] == [expected[0], expected[-1]]
    assert rows[2:5] == expected[2:5]
    assert list(rows.where("split", "test").select(["n"])) == [{"n": n} for n in (1, 3, 5, 7, 9)]
    with pytest.raises(IndexError):
        rows[10]


def batches(table: pa.Table, taken: list[int]) -> Iterator[pa.Table]:
    """Yields a table in batches of any size; taken: notes their sizes as they are taken."""
    choose, start = random.Random(0), 0
    while start < len(table):
        batch = table.slice(start, choose.choice([0, 1, 700, 3000, 12_000]))
        start += len(batch)
        taken.append(len(batch))
        yield batch


@pytest.mark.parametrize("n", [0, 1, 10_000, 34_567])
def test_a_table_in_batches_gives_the_bytes_of_the_whole_table(tmp_path: Path, n: int) -> None:
    texts = [None if at % 7 == 0 else f"a text {at % 1000}\u202e" * (at % 50) for at in range(n)]
    table = pa.table(
        {"figure_id": pa.array([f"PMC{at}" for at in range(n)], pa.string()), "text": pa.array(texts, pa.string())}
    )
    writers.write_parquet(tmp_path / "whole.parquet", table)
    writers.write_batches(tmp_path / "batches.parquet", batches(table, []), table.schema)
    assert (tmp_path / "batches.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_a_row_group_is_written_before_later_batches_are_made() -> None:
    table = pa.table({"n": list(range(100_000))})
    taken: list[int] = []
    for at, group in enumerate(writers._row_groups(batches(table, taken), table.schema)):
        assert sum(taken) - 10_000 * at - len(group) <= 12_000
    assert sum(taken) == 100_000
