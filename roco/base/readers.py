"""Readers for CSV, Parquet, text and zip files from outside; each reads a bounded amount of memory at a time.

They report errors in a file as values, or as one of the exceptions in UNREADABLE, and never write or run anything.
"""

from __future__ import annotations

import csv
import hashlib
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from roco.base.terminal import excerpt

LONGEST_LINE = 1 << 20  # characters of a line of CSV
MOST_TEXT = 4 << 20  # bytes of a text file
MOST_ROWS = 50_000_000  # rows of a Parquet file
ROWS_AT_ONCE = 1000
MOST_BATCH = 256 << 20  # bytes of ROWS_AT_ONCE decoded rows
MOST_DIRECTORY = 256 << 20  # bytes of the central directory of a zip

UNREADABLE = (
    *(OSError, ValueError, RuntimeError, EOFError, MemoryError, csv.Error, struct.error, zlib.error),
    *(zipfile.BadZipFile, pa.ArrowException),
)
"""The exceptions that the readers and the libraries below raise for a corrupt file."""


class Row(NamedTuple):
    """One row of a CSV file: its line number and cells; or, if the row is invalid, cells None and the complaint."""

    line: int
    cells: list[str] | None
    complaint: str = ""


class Member(NamedTuple):
    """One file in a zip: its name and SHA-256; or, if it is unreadable, sha256 None and the complaint."""

    name: str
    sha256: str | None
    complaint: str = ""


def read_text(path: Path) -> str:
    """Reads a text file in UTF-8; raises ValueError if it is too large or not UTF-8."""
    with path.open("rb") as fh:
        data = fh.read(MOST_TEXT + 1)
    if len(data) > MOST_TEXT:
        raise ValueError(f"larger than {MOST_TEXT} bytes")
    return data.decode()


def parquet_rows(
    path: Path, columns: Mapping[str, pa.DataType], start: int = 0, stop: int | None = None
) -> Iterator[dict[str, Any]]:
    """Yields the rows of a Parquet file, read a thousand at a time.

    columns: those to read, with the expected types. start, stop: positions of the first row and of the row after the
    last one; row groups outside of them are not read. Raises ValueError for a missing or repeated column, or another
    type.
    """
    for batch in _batches(path, columns, start, stop):
        yield from batch.to_pylist()


def read_parquet(path: Path, columns: Mapping[str, pa.DataType]) -> pa.Table:
    """Reads columns of a Parquet file, which as Python objects would take twenty times the memory.

    columns: those to read, with the expected types. Raises ValueError for a missing column or another type.
    """
    return pa.Table.from_batches(_batches(path, columns), pa.schema(columns.items())).combine_chunks()


def _batches(
    path: Path, columns: Mapping[str, pa.DataType], start: int = 0, stop: int | None = None
) -> Iterator[pa.RecordBatch]:
    """Yields the rows of a Parquet file, a thousand at a time, see `parquet_rows`."""
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        for name, type in columns.items():
            if name not in schema.names:
                raise ValueError(f"the column {name} is missing")
            if schema.names.count(name) > 1:
                raise ValueError(f"the column {name} occurs more than once")
            if schema.field(name).type != type:
                raise ValueError(f"the column {name} is {schema.field(name).type}, not {type}")
        if file.metadata.num_rows > MOST_ROWS:
            raise ValueError(f"more than {MOST_ROWS} rows")
        groups, at = _groups(file.metadata, start, stop)
        for batch in file.iter_batches(ROWS_AT_ONCE, row_groups=groups, columns=list(columns), use_threads=False):
            if batch.nbytes > MOST_BATCH:
                raise ValueError(f"{ROWS_AT_ONCE} rows have more than {MOST_BATCH} bytes")
            first = max(0, start - at)
            last = len(batch) if stop is None else min(len(batch), stop - at)
            if first < last:
                yield batch.slice(first, last - first).select(list(columns))
            at += len(batch)


def _groups(metadata: pq.FileMetaData, start: int, stop: int | None) -> tuple[list[int], int]:
    """Returns the row groups with the rows from `start` to `stop`, and the position of the first row of the first."""
    groups: list[int] = []
    first = at = 0
    for number in range(metadata.num_row_groups):
        end = at + metadata.row_group(number).num_rows
        if end > start and (stop is None or at < stop):
            first = at if not groups else first
            groups.append(number)
        at = end
    return groups, first


def csv_rows(path: Path, header: tuple[str, ...], exact: bool = True) -> Iterator[Row]:
    """Yields the rows of a CSV file below its header, and what is wrong with the invalid ones.

    The file must be UTF-8 with LF as line ends and without byte order mark. exact: if false, a byte order mark, CR LF,
    and spaces and quotes around the names in the header are accepted, as in files that others published or saved.
    """
    lines = _lines(path)
    first = next(lines, "")
    names = first
    if not exact:
        names = ",".join(name.strip().strip('"') for name in first.removeprefix("\ufeff").split(",")) + "\n"
    if names != ",".join(header) + "\n":
        yield Row(1, None, f"the first line is '{excerpt(first)}', not '{','.join(header)}'")
    reader = csv.reader(lines, strict=True)
    for cells in reader:
        line = reader.line_num + 1  # the reader did not see the header
        if not cells:
            yield Row(line, None, "the line is blank")
        elif tuple(cells) == header:
            yield Row(line, None, "the header is repeated")
        elif len(cells) != len(header):
            yield Row(line, None, f"{len(cells)} cells, not {len(header)}")
        else:
            yield Row(line, cells)


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="") as fh:
        while line := fh.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE:
                raise ValueError(f"a line of more than {LONGEST_LINE} characters")
            yield line


def zip_members(path: Path) -> Iterator[Member]:
    """Yields the files of a zip in its order, with the SHA-256 of each; only uncompressed files are read."""
    remaining = path.stat().st_size  # overlapping members would exceed the size of the zip together
    with path.open("rb") as fh:
        check_zip_directory(fh)
        with zipfile.ZipFile(fh) as archive:
            for info in archive.infolist():
                remaining -= info.file_size
                is_encrypted = info.flag_bits & 1
                if info.compress_type != zipfile.ZIP_STORED or is_encrypted or remaining < 0:
                    yield Member(info.filename, None, "compressed, encrypted or overlapping")
                    continue
                try:
                    yield Member(info.filename, _sha256(archive, info))
                except UNREADABLE as err:
                    yield Member(info.filename, None, f"corrupt: {excerpt(err)}")


def _sha256(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    digest = hashlib.sha256()
    with archive.open(info) as fh:
        while piece := fh.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()  # at the end of the file zipfile has also compared the CRC


def check_zip_directory(fh: IO[bytes]) -> None:
    """Raises ValueError if the central directory of a zip is too large; zipfile would read it whole into memory.

    The end record is the last 22 bytes (without a comment). For 64-bit zips it is preceded by its locator (20 bytes)
    and the 64-bit end record (56 bytes), which then has the size of the directory.
    """
    size = fh.seek(0, 2)
    fh.seek(max(0, size - 98))
    tail = fh.read()
    if len(tail) < 22 or tail[-22:-18] != b"PK\5\6":
        raise ValueError("the zip has no end record, or data after it")
    directory = struct.unpack_from("<L", tail, len(tail) - 10)[0]
    if tail[-42:-38] == b"PK\6\7" and tail[:4] == b"PK\6\6":
        # 0xFFFFFFFF refers to the 64-bit size. Of two different sizes the larger one is checked.
        directory_64 = struct.unpack_from("<Q", tail, 40)[0]
        directory = directory_64 if directory == 0xFFFFFFFF else max(directory, directory_64)
    if directory > MOST_DIRECTORY:
        raise ValueError(f"the directory of the zip is larger than {MOST_DIRECTORY} bytes")
    fh.seek(0)
