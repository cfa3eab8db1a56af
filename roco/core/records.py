"""Stores the records of the parts of a run, column by column: copies of the footers of their decisions.

The copies save opening every file of decisions. A part whose record is missing or out of date is read from its footer.
Each process adds files of its own, so slices of a run never wait for each other.
"""

from __future__ import annotations

import contextlib
import secrets
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import CorruptFile
from roco.base.files import sync, sync_all
from roco.base.sealed_tables import read_table, write_table
from roco.core.funnel import Flow, reconcile
from roco.core.job import PartRecord

PARTS_PER_FILE = 500
"""Records in a file, at most, until the run is complete; only the last file of a process is written again."""

Stamp = tuple[int, int]
"""Size in bytes and modification time in ns of a file; its footer is read again only if they change."""

_COUNT = "count"
"""Counts are columns named `/count/NAME`; flows are columns `STAGE/in`, `STAGE/kept` and `STAGE/dropped/REASON`."""

_FIXED = pa.schema(
    [
        ("part", pa.string()),
        ("input", pa.string()),
        ("content", pa.string()),
        ("articles", pa.int64()),
        ("size", pa.int64()),
        ("mtime_ns", pa.int64()),
    ]
)
"""The columns that every file of records has."""


class Known(NamedTuple):
    """What is known of a part without reading its footer.

    input, content: digests, as in `PartRecord`. articles: of the part, None if they were not counted. stamp: of the
    file of its decisions.
    """

    input: str
    content: str
    articles: int | None
    stamp: Stamp


class Records:
    """The records of the parts for one version of the row stages.

    folder: with the files. digest: of the row stages; records of others are not read. decisions: the folder of what is
    recorded, which is synced to the disk before the records that vouch for it.
    """

    def __init__(self, folder: Path, digest: str, decisions: Path | None = None) -> None:
        self.folder, self.digest, self.decisions = folder, digest, decisions
        self._unsynced: list[str] = []
        self._known: dict[str, Known] = {}
        self._at: dict[str, tuple[int, int]] = {}  # number of the table, and row
        self._tables: list[pa.Table] = []
        self._kinds: dict[str, str] = {}  # of each stage, in order
        self._new: dict[str, tuple[Known, PartRecord]] = {}
        self._is_new_saved = True
        self._name = _new_name()
        self._load()

    def _load(self) -> None:
        tables = []
        for path in _by_age(self.folder):
            try:
                table, meta = read_table(path)
            except (CorruptFile, FileNotFoundError):
                continue  # its parts are read from their footers
            if meta["rows_digest"] == self.digest:
                tables.append(table)
                self._kinds.update(meta["stages"])
        if tables:
            self._add(pa.concat_tables(tables, promote_options="default").combine_chunks())

    def _add(self, table: pa.Table) -> None:
        """Adds a table; its records replace those of the same parts."""
        number = len(self._tables)
        self._tables.append(table)
        columns = [table[name].to_pylist() for name in _FIXED.names]
        for row, (part, input, content, articles, size, time) in enumerate(zip(*columns, strict=True)):
            self._known[part] = Known(input, content, articles, (size, time))
            self._at[part] = (number, row)

    # --- one part ---------------------------------------------------------------------------------------------------

    @property
    def names(self) -> Iterable[str]:
        """Returns the names of the parts that have a record."""
        return self._known

    def get(self, part: str) -> Known | None:
        return self._known.get(part)

    def put(self, part: str, record: PartRecord, stamp: Stamp, articles: int | None) -> Known:
        """Adds the record of a part. articles: of the part; None if they are not known."""
        known = Known(record.input, record.content, articles, stamp)
        if part not in self._new and len(self._new) >= PARTS_PER_FILE:
            self.save()
            self._close()
        self._known[part] = known
        self._new[part] = (known, record)
        self._unsynced.append(part)
        self._at.pop(part, None)
        self._is_new_saved = False
        return known

    def remove(self, part: str) -> None:
        """Removes the record of a part whose decisions are missing."""
        for by_part in (self._known, self._at, self._new):
            by_part.pop(part, None)

    # --- all parts --------------------------------------------------------------------------------------------------

    def totals(self, parts: Iterable[str]) -> tuple[list[Flow], dict[str, int]]:
        """Returns the funnel of some parts, stage by stage, and their counts; parts without a record are left out."""
        parts = list(parts)
        sums: dict[str, int] = {}
        for table in self._of(parts):
            for name in table.column_names[len(_FIXED) :]:
                # A number that no part has is unknown, not 0.
                total = pc.sum(table[name]).as_py()
                if total is not None:
                    sums[name] = sums.get(name, 0) + total
        for part in parts:
            if part in self._new:
                for name, n in self._numbers(self._new[part][1]):
                    sums[name] = sums.get(name, 0) + n
        flows = [_flow(stage, kind, sums) for stage, kind in self._kinds.items()] if sums else []
        reconcile(flows, "all parts")
        prefix = f"/{_COUNT}/"
        counts = {name.removeprefix(prefix): n for name, n in sums.items() if name.startswith(prefix)}
        return flows, dict(sorted(counts.items()))

    def _of(self, parts: Iterable[str]) -> list[pa.Table]:
        """Returns the stored records of parts, without those that are not in a closed file yet."""
        rows: dict[int, list[int]] = {}
        for part in parts:
            if part in self._at:
                number, row = self._at[part]
                rows.setdefault(number, []).append(row)
        return [self._tables[number].take(_indices(chosen)) for number, chosen in rows.items()]

    # --- files ------------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Writes the records that were added since the last file was closed."""
        if self._new and not self._is_new_saved:
            self._sync()
            self._write(self._name, self._table(self._new))
            self._is_new_saved = True

    def compact(self, parts: Iterable[str]) -> None:
        """Writes the records of some parts into one file and deletes all other files of records."""
        self.save()
        before = list(_by_age(self.folder))
        if len(before) < 2:
            return
        self._close()
        tables = self._of(parts)
        if tables:
            table = pa.concat_tables(tables, promote_options="default").combine_chunks()
            self._tables, self._known, self._at = [], {}, {}
            self._add(table)
            self._write(self._name, table)
            self._name = _new_name()
        for path in before:
            path.unlink(missing_ok=True)

    def _close(self) -> None:
        """Closes the current file: records that are added from now on are written to a new one."""
        if self._new:
            self._add(self._table(self._new))
            self._new = {}
            self._name = _new_name()

    def _sync(self) -> None:
        if self.decisions is not None:
            files = [self.decisions / f"{part}.parquet" for part in self._unsynced]
            sync_all(files, missing_ok=True)  # some may have been removed since
            sync(self.decisions)
        self._unsynced = []

    def _write(self, name: str, table: pa.Table) -> None:
        meta = {"rows_digest": self.digest, "stages": list(self._kinds.items())}
        write_table(self.folder / f"{name}.parquet", table, meta)

    def _table(self, parts: Iterable[str]) -> pa.Table:
        fixed: list[tuple[Any, ...]] = []
        numbers: list[dict[str, int]] = []
        for part in parts:
            known, record = self._new[part]
            fixed.append((part, known.input, known.content, known.articles, *known.stamp))
            numbers.append(dict(self._numbers(record)))
        columns = {field.name: pa.array([row[at] for row in fixed], field.type) for at, field in enumerate(_FIXED)}
        for name in dict.fromkeys(name for row in numbers for name in row):
            columns[name] = pa.array([row.get(name) for row in numbers], pa.int64())
        return pa.table(columns)

    def _numbers(self, record: PartRecord) -> Iterator[tuple[str, int]]:
        """Yields the names and values of the columns of a record."""
        for flow in record.funnel:
            self._kinds[flow.stage] = flow.kind
            yield f"{flow.stage}/in", flow.rows_in
            yield f"{flow.stage}/kept", flow.kept
            for reason, n in flow.dropped.items():
                yield f"{flow.stage}/dropped/{reason}", n
        for name, n in record.counts.items():
            yield f"/{_COUNT}/{name}", n


def _flow(stage: str, kind: str, sums: Mapping[str, int]) -> Flow:
    prefix = f"{stage}/dropped/"
    dropped = {name.removeprefix(prefix): n for name, n in sums.items() if name.startswith(prefix)}
    return Flow(stage, kind, sums.get(f"{stage}/in", 0), sums.get(f"{stage}/kept", 0), dict(sorted(dropped.items())))


def _by_age(folder: Path) -> Sequence[Path]:
    """Returns the files of records, the newest one last."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for path in folder.glob("[!.]*.parquet"):
            with contextlib.suppress(FileNotFoundError):  # another process has merged it into one file
                found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found)]


def _indices(rows: Sequence[int]) -> pa.Array:
    # `pa.array` of a list imports pandas where that is installed, which takes longer than the rest of a status.
    return pa.Array.from_buffers(pa.int64(), len(rows), [None, pa.py_buffer(array("q", rows))])


def _new_name() -> str:
    return secrets.token_hex(8)
