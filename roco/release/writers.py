"""Writers of the files of a release: the same content gives the same bytes on every machine.

They escape control, bidirectional and other invisible characters, whatever column or option these are from.
"""

from __future__ import annotations

import itertools
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Event
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from roco.base.files import file_digest, whole
from roco.base.files import write_text as write_whole
from roco.base.tables import SPLIT_TABLES
from roco.base.terminal import printable_json
from roco.base.text import escaped
from roco.release.format import CHECKSUMS
from roco.release.rows import Rows

_CONTROL = r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]"  # surrogates cannot be in Arrow strings
_ROW_GROUP = 10_000  # rows; readers keep one group in memory


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Writes a CSV file: UTF-8, LF, quotes only where they are needed."""
    with whole(path) as part, part.open("w", encoding="utf-8", newline="\n") as out:
        for cells in itertools.chain([header], rows):
            out.write(",".join(csv_cell(escaped(cell)) for cell in cells) + "\n")


def csv_cell(text: str) -> str:
    """Returns a cell, quoted if it contains a comma, a quote or a line break."""
    # Not csv.writer: whether it quotes a lone carriage return depends on the version of Python.
    if any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def write_split_tables(folder: Path, split: str, rows: Rows) -> None:
    """Writes the tables of the paper of one split; rows: id, caption, concepts and concepts_manual of its images."""
    captions = ([row["id"], row["caption"]] for row in rows.select(["id", "caption"]))
    for table, header in SPLIT_TABLES.items():
        if table == "captions":
            write_csv(folder / f"{split}_{table}.csv", header, captions)
        else:
            concepts = ([row["id"], ";".join(row[table])] for row in rows.select(["id", table]))
            write_csv(folder / f"{split}_{table}.csv", header, concepts)


def write_checksums(folder: Path) -> None:
    """Writes the SHA-256 of every other file of a folder: the last step of a release."""
    names = sorted(path.name for path in folder.iterdir() if path.name != CHECKSUMS)
    write_text(folder / CHECKSUMS, "".join(f"{file_digest(folder / name)}  {name}\n" for name in names))


def write_parquet(path: Path, table: pa.Table) -> None:
    """Writes a Parquet file without Arrow's own schema."""
    # Arrow's schema names the elements of a list differently for computed and for read columns: the same table would
    # have other bytes.
    table = with_escapes(table)
    with whole(path) as part:
        pq.write_table(table, part, compression="zstd", row_group_size=_ROW_GROUP, store_schema=False)


def write_batches(path: Path, batches: Iterable[pa.Table], schema: pa.Schema) -> None:
    """Writes a Parquet file of tables, of which few are in memory: the bytes are those of `write_parquet` of all rows.

    schema: of the tables.
    """
    with whole(path) as part, pq.ParquetWriter(part, schema, compression="zstd", store_schema=False) as writer:
        is_empty = True
        for group in _row_groups(batches, schema):
            writer.write_table(with_escapes(group), row_group_size=_ROW_GROUP)
            is_empty = False
        if is_empty:
            writer.write_table(schema.empty_table())


def _row_groups(batches: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yields the rows of tables in tables of the size of a row group."""
    waiting = schema.empty_table()
    for batch in batches:
        waiting = pa.concat_tables([waiting, batch.cast(schema)])
        while len(waiting) >= _ROW_GROUP:
            yield waiting.slice(0, _ROW_GROUP).combine_chunks()
            waiting = waiting.slice(_ROW_GROUP)
    if len(waiting):
        yield waiting.combine_chunks()


def with_escapes(table: pa.Table) -> pa.Table:
    """Returns the table with the control characters of all texts escaped, also those in lists and structs."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        if any(pc.any(pc.match_substring_regex(texts, _CONTROL)).as_py() for texts in _texts(column)):
            values = [_escaped(value) for value in column.to_pylist()]
            at = table.column_names.index(name)
            table = table.set_column(at, name, pa.array(values, column.type))
    return table


def _texts(column: pa.ChunkedArray) -> Iterator[pa.Array]:
    """Yields all arrays of texts in a column."""
    waiting = list(column.chunks)
    while waiting:
        array = waiting.pop()
        if pa.types.is_string(array.type):
            yield array
        elif pa.types.is_list(array.type) or pa.types.is_struct(array.type):
            parts = array.flatten()
            waiting += parts if isinstance(parts, list) else [parts]


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, list):
        return [_escaped(element) for element in value]
    if isinstance(value, dict):
        return {name: _escaped(element) for name, element in value.items()}
    return value


def write_json(path: Path, value: Any) -> None:
    """Writes a value as JSON with sorted keys."""
    write_whole(path, printable_json(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes a text of several lines."""
    write_whole(path, "\n".join(map(escaped, text.split("\n"))))


def write_zip(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    """Writes a zip of names and bytes, uncompressed, with fixed dates and permissions."""
    with whole(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system = 3  # Unix
            info.external_attr = 0o100644 << 16
            archive.writestr(info, data)


class ZipThreads:
    """Writes zips in threads, each in its own, while the block runs; waits for them at its end.

    After an error in the block or in one of the threads, the zips that are not complete are given up.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(thread_name_prefix="zip")
        self._zips: list[Future[None]] = []
        self._given_up = Event()

    def write(self, path: Path, members: Iterable[tuple[str, bytes]]) -> None:
        """Begins to write a zip; its members are read in the thread."""
        self._zips.append(self._pool.submit(write_zip, path, self._unless_given_up(members)))

    def __enter__(self) -> ZipThreads:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                for written in as_completed(self._zips):
                    written.result()
        finally:
            self._given_up.set()  # all are complete, or there was an error
            self._pool.shutdown(cancel_futures=True)

    def _unless_given_up(self, members: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
        for member in members:
            if self._given_up.is_set():
                raise CancelledError  # so that an incomplete zip does not get its name
            yield member
