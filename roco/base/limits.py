"""Readers for files from outside: each holds a bounded piece in memory, and none writes or runs anything."""

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

LINE = 1 << 20  # characters of a line of CSV
TEXT = 4 << 20  # bytes of a text that is read whole
ROWS = 50_000_000  # rows of a table
BATCH = 256 << 20  # bytes of 1,000 decoded rows
DIRECTORY = 256 << 20  # bytes of the directory of a zip

UNREADABLE = (
    *(OSError, ValueError, RuntimeError, EOFError, MemoryError, csv.Error, struct.error, zlib.error),
    *(zipfile.BadZipFile, pa.ArrowException),
)
"""All the ways in which the libraries below say that a file is damaged."""

shown = excerpt


class Row(NamedTuple):
    """A row of a CSV file; cells are None where `complaint` says why they cannot be used."""

    line: int
    cells: list[str] | None
    complaint: str = ""


class Member(NamedTuple):
    """A file in a zip; sha256 is None where `complaint` says why its bytes cannot be had."""

    name: str
    sha256: str | None
    complaint: str = ""


def read_text(path: Path) -> str:
    with path.open("rb") as fh:
        data = fh.read(TEXT + 1)
    if len(data) > TEXT:
        raise ValueError(f"larger than {TEXT} bytes")
    return data.decode()


def parquet_rows(path: Path, columns: Mapping[str, pa.DataType]) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file, a thousand at a time; a column that is not as asked is a ValueError."""
    with pq.ParquetFile(path) as file:
        there = file.schema_arrow
        for name, type in columns.items():
            if name not in there.names:
                raise ValueError(f"the column {name} is missing")
            if there.field(name).type != type:
                raise ValueError(f"the column {name} is {there.field(name).type}, not {type}")
        if file.metadata.num_rows > ROWS:
            raise ValueError(f"more than {ROWS} rows")
        for batch in file.iter_batches(1000, columns=list(columns), use_threads=False):
            if batch.nbytes > BATCH:
                raise ValueError(f"1,000 rows of more than {BATCH} bytes")
            yield from batch.to_pylist()


def csv_rows(path: Path, header: tuple[str, ...], exact: bool = True) -> Iterator[Row]:
    """The rows of a CSV file (UTF-8, LF, no byte order mark) below its header, each with what is wrong.

    exact: false lets a byte order mark, CR LF and spaces around the names of the header pass, as in files that others
    published or saved again.
    """
    lines = _lines(path)
    first = next(lines, "")
    told = first if exact else ",".join(name.strip() for name in first.removeprefix("\ufeff").split(",")) + "\n"
    if told != ",".join(header) + "\n":
        yield Row(1, None, f"the first line is '{excerpt(first)}', not '{','.join(header)}'")
    reader = csv.reader(lines, strict=True)
    for cells in reader:
        line = reader.line_num + 1
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
        while line := fh.readline(LINE):
            if len(line) == LINE:
                raise ValueError(f"a line of more than {LINE} characters")
            yield line


def zip_members(path: Path) -> Iterator[Member]:
    """The files of a zip in its order, each read once in pieces; only plainly stored ones are read."""
    room = path.stat().st_size
    with path.open("rb") as fh:
        check_directory(fh)
        with zipfile.ZipFile(fh) as archive:
            for info in archive.infolist():
                room -= info.file_size
                if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 or room < 0:
                    yield Member(info.filename, None, "is not simply stored")
                    continue
                try:
                    yield Member(info.filename, _sha256(archive, info))
                except UNREADABLE as err:
                    yield Member(info.filename, None, f"is damaged: {excerpt(err)}")


def _sha256(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    digest = hashlib.sha256()
    with archive.open(info) as fh:
        while piece := fh.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()  # at the end zipfile has compared the CRC


def check_directory(fh: IO[bytes]) -> None:
    """Raises ValueError for a directory too large to be read, before zipfile reads it whole."""
    end = fh.seek(0, 2)
    fh.seek(max(0, end - 98))  # 64-bit end record, its locator and the end record, which close the file
    tail = fh.read()
    if len(tail) < 22 or tail[-22:-18] != b"PK\5\6":
        raise ValueError("the zip has no clean end")
    size = struct.unpack_from("<L", tail, len(tail) - 10)[0]
    if tail[-42:-38] == b"PK\6\7" and tail[:4] == b"PK\6\6":
        size = max(struct.unpack_from("<Q", tail, 40)[0], 0 if size == 0xFFFFFFFF else size)
    if size > DIRECTORY:
        raise ValueError(f"the directory of the zip is larger than {DIRECTORY} bytes")
    fh.seek(0)
