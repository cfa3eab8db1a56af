"""Reads the tables of UMLS (RRF: fields that end in `|`, one row a line) in blocks, by column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.csv as pacsv

from roco.base.errors import DataError
from roco.base.packed import lines, open_bytes
from roco.base.progress import Progress

MOST_BYTES = 20_000_000_000
"""MRCONSO.RRF has about 2 GB."""

BLOCK = 8 << 20
LONGEST_ROW = BLOCK // 8  # characters

MRCONSO = (
    *("CUI", "LAT", "TS", "LUI", "STT", "SUI", "ISPREF", "AUI", "SAUI", "SCUI", "SDUI", "SAB", "TTY", "CODE", "STR"),
    *("SRL", "SUPPRESS", "CVF"),
)
MRSTY = ("CUI", "TUI", "STN", "STY", "ATUI", "CVF")
"""Columns of the two tables, as NLM's UMLS Reference Manual lists them."""


def find(folder: Path, name: str) -> Path:
    """Returns the path of a table in a folder of UMLS or its META folder, plain or as .gz. Raises DataError."""
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder", "give the folder that contains MRCONSO.RRF and MRSTY.RRF")
    for base in (folder, folder / "META"):
        for path in (base / name, base / f"{name}.gz"):
            if path.is_file():
                return path
    raise DataError(
        f"{folder} contains no {name}", "give the folder of MRCONSO.RRF and MRSTY.RRF, which MetamorphoSys writes"
    )


def batches(
    path: Path, columns: Sequence[str], wanted: Sequence[str], progress: Progress
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yields blocks of a table, with some of its columns as strings, and the number of rows before each.

    Raises DataError with the line of the first row that has another number of fields.
    """
    total = None if path.suffix == ".gz" else path.stat().st_size // 1_000_000
    progress.start(f"MB of {path.name}" if total else f"reading {path.name}", total)
    before = megabytes = 0
    with open_bytes(path, MOST_BYTES) as stream:
        try:
            for batch in pacsv.open_csv(
                stream,
                pacsv.ReadOptions(column_names=[*columns, "end"], block_size=BLOCK),
                pacsv.ParseOptions(delimiter="|", quote_char=False, newlines_in_values=False),
                pacsv.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()), include_columns=list(wanted), check_utf8=True
                ),
            ):
                yield before, batch
                before += batch.num_rows
                megabytes_now = stream.tell() // 1_000_000 if total else 0
                progress.advance(megabytes_now - megabytes)
                megabytes = megabytes_now
        except (pa.ArrowInvalid, UnicodeDecodeError) as err:
            if "Empty CSV" in str(err):
                raise DataError(f"{path} is empty", "extract it from UMLS again") from err
            _raise_fault(path, columns, err)


def _raise_fault(path: Path, columns: Sequence[str], err: Exception) -> NoReturn:
    """Raises DataError for the first row of a table that cannot be read."""
    for number, line in enumerate(lines(path, MOST_BYTES, LONGEST_ROW), 1):
        n_fields = line.count("|")
        if n_fields == len(columns) or not line.strip("\r\n"):
            continue
        table = path.name.removesuffix(".gz")
        message = f"{path}, line {number}: {n_fields} fields, but {table} has {len(columns)}"
        if n_fields:
            raise DataError(message, "the file may have been cut short: extract it from UMLS again") from err
        raise DataError(f"{message}, each ended by '|'", f"give {table} as UMLS contains it") from err
    raise DataError(f"{path} is invalid: {str(err).splitlines()[0][:200]}", "extract it from UMLS again") from err


def line_of(path: Path, row: int) -> int:
    """Returns the line of a row, which may follow empty lines; row: counted from 0."""
    rows = -1
    for number, line in enumerate(lines(path, MOST_BYTES, LONGEST_ROW), 1):
        rows += bool(line.strip("\r\n"))
        if rows == row:
            return number
    return row + 1
