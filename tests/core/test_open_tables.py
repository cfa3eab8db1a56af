"""Tables of a run are read and checked once, as long as they fit into memory and are not replaced."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from roco.base.errors import CorruptFile
from roco.base.sealed_tables import SealedTable, write_table
from roco.core import open_tables
from roco.core.open_tables import OpenTables, in_threads


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were opened, in order."""
    names = []

    class Counted(SealedTable):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            names.append(path.name)

    monkeypatch.setattr(open_tables, "SealedTable", Counted)
    return names


def written(path: Path, n: int) -> Path:
    write_table(path, pa.table({"a": [n] * 100, "b": [str(n)] * 100}), {"n": n})
    return path


def test_columns_of_an_open_table_are_read_without_opening_it_again(tmp_path: Path, opened: list[str]) -> None:
    tables, path = OpenTables(), written(tmp_path / "x", 1)
    assert tables.read(path, ["a"]).to_pydict() == {"a": [1] * 100}
    assert tables.read(path, ["b"]).to_pydict() == {"b": ["1"] * 100}
    assert opened == ["x"]


def test_a_replaced_table_is_read_again_and_a_removed_one_is_missing(tmp_path: Path, opened: list[str]) -> None:
    tables, path = OpenTables(), written(tmp_path / "x", 1)
    tables.read(path, ["a"])
    written(path, 2)
    assert tables.read(path, ["a"])["a"][0].as_py() == 2
    path.write_bytes(b"corrupt")
    with pytest.raises(CorruptFile):
        tables.read(path, ["a"])
    path.unlink()
    with pytest.raises(FileNotFoundError):
        tables.read(path, ["a"])


def test_the_least_recently_used_table_is_closed_when_memory_is_short(
    tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y, z = (written(tmp_path / name, n) for n, name in enumerate("xyz"))
    monkeypatch.setattr(open_tables, "BYTES_OPEN", 2 * x.stat().st_size + 10)
    tables = OpenTables()
    for path in (x, y, x, z, x, y):
        tables.read(path, ["a"])
    assert opened == ["x", "y", "z", "y"]


def test_results_of_threads_are_in_the_order_of_the_items() -> None:
    assert in_threads(lambda n: n * n, range(100)) == [n * n for n in range(100)]
