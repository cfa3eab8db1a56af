from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from roco.base import readers
from roco.base.readers import Row, check_zip_directory, csv_rows, parquet_rows, read_text, zip_members

HEADER = ("ID", "Caption")


def rows(folder: Path, data: bytes, exact: bool = True) -> list[Row]:
    path = folder / "t.csv"
    path.write_bytes(data)
    return list(csv_rows(path, HEADER, exact))


def test_rows_have_their_line_and_invalid_rows_a_complaint(tmp_path: Path) -> None:
    data = b'ID,Caption\na,"x,\ny"\n\nb\nID,Caption\nc,z\n'
    assert rows(tmp_path, data) == [
        Row(3, ["a", "x,\ny"]),
        Row(4, None, "the line is blank"),
        Row(5, None, "1 cells, not 2"),
        Row(6, None, "the header is repeated"),
        Row(7, ["c", "z"]),
    ]


@pytest.mark.parametrize("first", [b"\xef\xbb\xbfID,Caption\n", b"ID,Caption\r\n", b"ID, Caption\n"])
def test_headers_saved_by_other_programs_are_accepted_only_if_not_exact(tmp_path: Path, first: bytes) -> None:
    assert rows(tmp_path, first + b"a,x\n", exact=False) == [Row(2, ["a", "x"])]
    assert [row.line for row in rows(tmp_path, first + b"a,x\n") if row.cells is None] == [1]


def test_a_line_without_end_is_an_error_and_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "LONGEST_LINE", 20)
    with pytest.raises(ValueError, match="a line of more than 20 characters"):
        rows(tmp_path, b"ID,Caption\n" + b"x" * 21)


def test_a_text_larger_than_the_limit_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "MOST_TEXT", 3)
    (tmp_path / "t").write_bytes(b"abc")
    assert read_text(tmp_path / "t") == "abc"
    (tmp_path / "t").write_bytes(b"abcd")
    with pytest.raises(ValueError, match="larger than 3 bytes"):
        read_text(tmp_path / "t")


def test_a_parquet_file_with_a_column_twice_is_invalid(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table([pa.array(["a"]), pa.array(["b"])], names=["id", "id"]), path)
    with pytest.raises(ValueError, match="the column id occurs more than once"):
        list(parquet_rows(path, {"id": pa.string()}))


def test_a_parquet_file_must_have_the_expected_columns_types_and_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"id": ["a", "b"], "n": pa.array([1, 2], pa.int32())}), path)
    assert list(parquet_rows(path, {"id": pa.string()})) == [{"id": "a"}, {"id": "b"}]
    with pytest.raises(ValueError, match="the column split is missing"):
        list(parquet_rows(path, {"split": pa.string()}))
    with pytest.raises(ValueError, match="the column n is int32, not int64"):
        list(parquet_rows(path, {"n": pa.int64()}))
    monkeypatch.setattr(readers, "MOST_BATCH", 1)
    with pytest.raises(ValueError, match="more than 1 bytes"):
        list(parquet_rows(path, {"id": pa.string()}))
    monkeypatch.setattr(readers, "MOST_ROWS", 1)
    with pytest.raises(ValueError, match="more than 1 rows"):
        list(parquet_rows(path, {"id": pa.string()}))


def test_only_uncompressed_members_of_a_zip_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("stored", b"x")
        archive.writestr("deflated", b"x", zipfile.ZIP_DEFLATED)
    stored, deflated = zip_members(path)
    assert stored.sha256 and not stored.complaint
    assert deflated.sha256 is None and "compressed" in deflated.complaint


def end_record(size: int) -> bytes:
    return struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0, 0, size, 0, 0)


def end_record_64(size: int) -> bytes:
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 0, 0, size, 0)
    return record + struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1)


@pytest.mark.parametrize(
    "tail",
    [
        end_record(readers.MOST_DIRECTORY + 1),
        end_record_64(readers.MOST_DIRECTORY + 1) + end_record(0xFFFFFFFF),
        end_record_64(readers.MOST_DIRECTORY + 1) + end_record(100),
        end_record_64(100) + end_record(readers.MOST_DIRECTORY + 1),
    ],
    ids=["32 bits", "64 bits", "64 bits hidden by a small one", "32 bits hidden by a small one"],
)
def test_a_zip_with_a_huge_directory_is_an_error_before_it_is_read(tail: bytes) -> None:
    with pytest.raises(ValueError, match="directory of the zip is larger"):
        check_zip_directory(io.BytesIO(b"x" * 200 + tail))


@pytest.mark.parametrize("tail", [end_record(100), end_record_64(100) + end_record(0xFFFFFFFF)])
def test_a_zip_with_a_small_directory_is_accepted_and_rewound(tail: bytes) -> None:
    fh = io.BytesIO(b"x" * 200 + tail)
    check_zip_directory(fh)
    assert fh.tell() == 0


@pytest.mark.parametrize("data", [b"", b"PK", end_record(100) + b"\n"])
def test_a_file_that_does_not_end_like_a_zip_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="no end record"):
        check_zip_directory(io.BytesIO(data))


@pytest.mark.parametrize(("start", "stop"), [(0, None), (0, 3), (2, 5), (3, 6), (5, 7), (6, 6), (4, 99)])
def test_a_range_of_rows_is_read_from_its_row_groups(tmp_path: Path, start: int, stop: int | None) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"n": list(range(7))}), path, row_group_size=3)
    assert [row["n"] for row in parquet_rows(path, {"n": pa.int64()}, start, stop)] == list(range(7))[start:stop]
