"""Writes are atomic, and a changed bit is detected."""

from __future__ import annotations

import errno
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roco.base.errors import CorruptFile, DataError
from roco.base.files import digest, full_disk, read_meta, read_table, whole, write_table

TABLE = pa.table({"figure_id": ["a", "b"], "n": [1, None], "list": [["x"], []]})


def test_a_table_is_read_with_the_meta_in_its_footer(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", TABLE, {"input": "é"})
    table, meta = read_table(tmp_path / "t.parquet")
    assert table.equals(TABLE)
    assert meta == read_meta(tmp_path / "t.parquet") == {"input": "é"}
    assert read_table(tmp_path / "t.parquet", ["n"])[0].column_names == ["n"]


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write_table(tmp_path / name, TABLE, {"input": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_any_flipped_bit_is_detected(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_table(path, TABLE, {"input": 1})
    good = path.read_bytes()
    for i in range(len(good)):
        path.write_bytes(good[:i] + bytes([good[i] ^ 1 << i % 8]) + good[i + 1 :])
        with pytest.raises(CorruptFile):
            read_table(path)


@settings(max_examples=60)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_reported_as_a_corrupt_file(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "t.parquet"
    path.write_bytes(data)
    with pytest.raises(CorruptFile):
        read_table(path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_file_is_detected(tmp_path: Path, share: float) -> None:
    path = tmp_path / "t.parquet"
    write_table(path, TABLE, {"input": 1})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(CorruptFile):
        read_meta(path)


def test_a_failed_write_keeps_the_old_file_and_removes_its_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_text("old")
    with pytest.raises(ValueError, match="halfway"), whole(path) as part:
        part.write_text("new")
        raise ValueError("halfway")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": (1, 2)}) == digest({"b": [1, 2], "a": 1})


def test_a_full_disk_is_an_error_that_names_the_file_and_the_remedy() -> None:
    error = full_disk(OSError(errno.ENOSPC, "No space left on device"), Path("/x/a.parquet"))
    assert isinstance(error, DataError)
    assert error.message == "no space left on the disk: cannot write /x/a.parquet"
    assert error.hint.startswith("free some space")
    denied = full_disk(OSError(errno.EACCES, "Permission denied"), Path("/x/a.parquet"))
    assert isinstance(denied, DataError) and denied.hint.startswith("allow writing")


def test_other_errors_of_a_write_are_raised_unchanged() -> None:
    error = OSError(errno.EIO, "Input/output error")
    assert full_disk(error, Path("a")) is error
