"""Writes are atomic, and a changed bit is detected."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roco.base.errors import CorruptFile, DataError
from roco.base.files import digest, full_disk, path_error, sync_all, whole
from roco.base.sealed_tables import read_meta, read_table, write_table

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


def test_a_table_that_was_computed_and_one_that_was_read_give_the_same_bytes(tmp_path: Path) -> None:
    table = pa.table({"names": [["a", "b"], None, []], "n": [1, None, 3]})
    write_table(tmp_path / "computed", table, {})
    write_table(tmp_path / "read", read_table(tmp_path / "computed")[0], {})
    assert (tmp_path / "read").read_bytes() == (tmp_path / "computed").read_bytes()
    assert read_table(tmp_path / "read")[0].equals(table.cast(read_table(tmp_path / "read")[0].schema))


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


@pytest.mark.parametrize("obstacle", ["file", "file/deeper", "folder"])
def test_a_file_in_the_place_of_a_folder_is_an_error_that_names_the_path(tmp_path: Path, obstacle: str) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder" / "t").mkdir(parents=True)
    target = tmp_path / obstacle / "t"
    with pytest.raises(DataError, match="in the place of") as raised, whole(target) as part:
        part.write_text("new")
    assert str(target) in raised.value.message
    assert raised.value.hint.startswith("choose another path")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder", "t"]


def test_a_pipe_is_written_and_not_replaced_by_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with whole(pipe) as part:
        part.write_text("through the pipe")
    assert os.read(reader, 100) == b"through the pipe"
    os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("number", "names", "message", "hint"),
    [
        (errno.EACCES, ("/x/a",), "permission denied: /x/a", "allow access to it, or choose another path"),
        (errno.ENOENT, ("/x/a",), "file not found: /x/a", "check the path and its permissions"),
        (errno.ENOTDIR, ("/x/a/b",), "a file is in the place of a folder: /x/a/b", "choose another path"),
        (errno.ENOSPC, (), "no space left on the disk", "free some space"),
        (errno.EIO, ("/x/a",), "Input/output error: /x/a", "check the path and its permissions"),
        (errno.EACCES, ("/x/.a.part", None, "/x/a"), "permission denied: /x/a", "allow access to it"),
    ],
)
def test_a_path_that_cannot_be_used_is_named_with_the_reason(
    number: int, names: tuple[str, ...], message: str, hint: str
) -> None:
    error = path_error(OSError(number, os.strerror(number), *names))
    assert error.message == message
    assert error.hint.startswith(hint)


def test_files_are_synced_together_and_one_that_was_removed_may_be_missing(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}" for i in range(20)]
    for path in paths:
        path.write_bytes(b"x")
    sync_all(paths)
    paths[7].unlink()
    sync_all(paths, missing_ok=True)
    with pytest.raises(FileNotFoundError, match="7"):
        sync_all(paths)


def test_other_errors_of_a_write_are_raised_unchanged() -> None:
    error = OSError(errno.EIO, "Input/output error")
    assert full_disk(error, Path("a")) is error
