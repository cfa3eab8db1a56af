"""Metadata of versions as they came from the bucket: kept in shards, so that none is fetched twice."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from roco.base.errors import CorruptFile, RocoError
from roco.base.files import read_table, write_table
from roco.sources.cloud_metadata import METADATA, read_metadata
from roco.sources.fetch import ledger
from roco.sources.fetch.ledger import Ledger
from roco.sources.fetch.wire import Failed, Gone, Wire

SHARD = 10_000
"""Versions in one shard."""

_SCHEMA = pa.schema(
    [
        ("number", pa.int64()),
        ("version", pa.int32()),
        ("etag", pa.string()),  # as the inventory told it
        ("got", pa.string()),  # as the object had it
        ("status", pa.int32()),  # 200, or why there is none
        ("body", pa.binary()),
    ]
)
_KEYS = ["number", "version", "etag"]


class Wanted(NamedTuple):
    """One version of the inventory."""

    number: int
    version: int
    etag: str

    @property
    def name(self) -> str:
        return f"PMC{self.number}.{self.version}"


class Kept:
    """The shards of one folder: written whole, never changed; a journal holds what came since the last."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._journal = folder / "journal.jsonl"

    @property
    def shards(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.parquet"))

    def index(self) -> pa.Table:
        """number, version, etag and place of all there is: the shard's number and its row, where it came last."""
        found = []
        for i, path in enumerate(self.shards):
            try:
                table = read_table(path, [*_KEYS, "got"])[0]
            except CorruptFile:
                path.unlink()  # what it held is fetched again
                return self.index()
            place = pa.array(range(i << 32, (i << 32) + len(table)), pa.int64())
            for etag in ("etag", "got"):
                columns = [table["number"], table["version"], table[etag], place]
                found.append(pa.table(columns, names=[*_KEYS, "place"]))
        if not found:
            return pa.schema([*(_SCHEMA.field(name) for name in _KEYS), ("place", pa.int64())]).empty_table()
        return pa.concat_tables(found).group_by(_KEYS).aggregate([("place", "max")]).rename_columns([*_KEYS, "place"])

    def lacking(self, inventory: pa.Table) -> pa.Table:
        """The versions of an inventory whose metadata are not here, in its order."""
        wanted = inventory.select(_KEYS)
        lacking = wanted.join(self.index(), keys=_KEYS, join_type="left anti")
        return lacking.sort_by([("number", "ascending"), ("version", "ascending")])

    def fetch(self, wire: Wire, lacking: pa.Table, receipt: Callable[..., None], tick: Callable[[], None]) -> None:
        """Gets what is lacking, shard by shard; raises the first error behind all that could be had."""
        for start in range(0, len(lacking), SHARD):
            rows = [Wanted(**row) for row in lacking.slice(start, SHARD).to_pylist()]
            self._shard(wire, rows, receipt, tick)

    def body(self, place: int) -> tuple[bytes | None, int]:
        """The metadata at a place of the index, null where there are none, and the status they came with."""
        path = self.shards[place >> 32]
        table = _read(path.absolute(), path.stat().st_mtime_ns)
        row = place & 0xFFFFFFFF
        status = table["status"][row].as_py()
        return table["body"][row].as_py() if status == 200 else None, status

    def _shard(
        self, wire: Wire, wanted: Sequence[Wanted], receipt: Callable[..., None], tick: Callable[[], None]
    ) -> None:
        came = {(told["name"], told["etag"]): told for told in ledger.read(self._journal) if "etag" in told}
        journal = Ledger(self._journal)

        def one(version: Wanted) -> None:
            key = f"metadata/{version.name}.json"
            try:
                got = wire.get(key, limit=METADATA, fit=lambda data: read_metadata(data, version.name))
                receipt(got)
                told = {"got": got.etag, "status": 200, "body": base64.b64encode(got.data).decode()}
            except Gone as err:
                told = {"got": "", "status": err.status, "body": ""}
            told |= {"name": version.name, "etag": version.etag}
            journal.add(**told)
            came[version.name, version.etag] = told
            tick()

        try:
            todo = (version for version in wanted if (version.name, version.etag) not in came)
            side_by_side(wire, one, todo)
        finally:
            journal.close()
        rows = [(version, came[version.name, version.etag]) for version in wanted]
        columns: list[list[Any]] = [list(column) for column in zip(*(version for version, _ in rows), strict=True)]
        columns += [[told[name] for _, told in rows] for name in ("got", "status")]
        columns.append([base64.b64decode(told["body"]) for _, told in rows])
        arrays = [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
        last = int(self.shards[-1].stem) if self.shards else 0
        write_table(self.folder / f"{last + 1:06d}.parquet", pa.table(arrays, schema=_SCHEMA), {})
        self._journal.unlink(missing_ok=True)


@lru_cache(maxsize=4)
def _read(path: Path, _time: int) -> pa.Table:
    return read_table(path)[0]


def side_by_side(wire: Wire, work: Callable[[Any], None], items: Iterator[Any]) -> None:
    """Does the work for every item, as many at once as there may be connections, in flat memory.

    An item that Failed leaves the others be; the first such error is raised at the end. Any other error ends it all.
    """
    first: RocoError | None = None
    n = 0
    with ThreadPoolExecutor(wire.connections, thread_name_prefix="fetch") as pool:
        running: set[Future[None]] = {pool.submit(work, item) for item in islice(items, 2 * wire.connections)}
        try:
            while running:
                done, running = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in done:
                    try:
                        future.result()
                    except Failed as err:
                        first, n = first or err, n + 1
                running |= {pool.submit(work, item) for item in islice(items, len(done))}
        except BaseException:
            wire.stop.set()
            for future in running:
                future.cancel()
            raise
    if first:
        more = f", and {n - 1:,} more" if n > 1 else ""
        raise Failed(f"{first.message}{more}", "give the same command again: what was done stays done")
