"""Files are written whole or not at all, and a changed bit is noticed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roco.base.errors import CorruptFile
from roco.base.files import digest, read_meta, read_table, whole, write_table

TABLE = pa.table({"figure_id": ["a", "b"], "n": [1, None], "list": [["x"], []]})


def test_a_table_comes_back_with_the_facts_in_its_footer(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", TABLE, {"input": "é"})
    table, meta = read_table(tmp_path / "t.parquet")
    assert table.equals(TABLE)
    assert meta == read_meta(tmp_path / "t.parquet") == {"input": "é"}
    assert read_table(tmp_path / "t.parquet", ["n"])[0].column_names == ["n"]


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write_table(tmp_path / name, TABLE, {"input": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_any_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_table(path, TABLE, {"input": 1})
    good = path.read_bytes()
    for i in range(len(good)):
        path.write_bytes(good[:i] + bytes([good[i] ^ 1 << i % 8]) + good[i + 1 :])
        with pytest.raises(CorruptFile):
            read_table(path)


@settings(max_examples=60)
@given(data=st.binary(max_size=400))
def test_any_bytes_end_in_damaged(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "t.parquet"
    path.write_bytes(data)
    with pytest.raises(CorruptFile):
        read_table(path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_cut_file_is_noticed(tmp_path: Path, share: float) -> None:
    path = tmp_path / "t.parquet"
    write_table(path, TABLE, {"input": 1})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(CorruptFile):
        read_meta(path)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_text("old")
    with pytest.raises(ValueError, match="halfway"), whole(path) as part:
        part.write_text("new")
        raise ValueError("halfway")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": (1, 2)}) == digest({"b": [1, 2], "a": 1})
