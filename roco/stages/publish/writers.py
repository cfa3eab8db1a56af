"""Writers of the files of a release: the same content gives the same bytes on every machine."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from roco.base.files import whole, write_text

_ROW_GROUP = 10_000  # rows; readers keep one group in memory


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Writes a CSV file: UTF-8, LF, quotes only where they are needed."""
    lines = [",".join(map(csv_cell, cells)) + "\n" for cells in (header, *rows)]
    write_text(path, "".join(lines))


def csv_cell(text: str) -> str:
    """Returns a cell, quoted if it contains a comma, a quote or a line break."""
    # Not csv.writer: whether it quotes a lone carriage return depends on the version of Python.
    if any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def write_parquet(path: Path, table: pa.Table) -> None:
    """Writes a Parquet file without Arrow's own schema."""
    # Arrow's schema names the elements of a list differently for computed and for read columns: the same table would
    # have other bytes.
    with whole(path) as part:
        pq.write_table(table, part, compression="zstd", row_group_size=_ROW_GROUP, store_schema=False)


def write_zip(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    """Writes a zip of names and bytes, uncompressed, with fixed dates and permissions."""
    with whole(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system = 3  # Unix
            info.external_attr = 0o100644 << 16
            archive.writestr(info, data)
