"""The cache of metadata from the bucket: each version is downloaded once, and stored in shards of 10,000."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from roco.base.errors import CorruptFile
from roco.base.sealed_tables import read_table, write_table
from roco.sources.cloud_metadata import METADATA, read_metadata
from roco.sources.fetch.client import BucketClient, Download
from roco.sources.fetch.errors import ObjectUnavailable
from roco.sources.fetch.json_log import JsonLog, read_log
from roco.sources.fetch.parallel import run_parallel

VERSIONS_PER_SHARD = 10_000
OK = 200

_SHARD_SCHEMA = pa.schema(
    [
        ("number", pa.int64()),
        ("version", pa.int32()),
        ("etag", pa.string()),  # from the inventory
        ("got", pa.string()),  # ETag of the object itself, which may be newer
        ("status", pa.int32()),  # 200, or why the object is unavailable
        ("body", pa.binary()),
    ]
)
_KEYS = ["number", "version", "etag"]
_INDEX_COLUMNS = [*_KEYS, "position"]
_EMPTY_INDEX = pa.schema([*(_SHARD_SCHEMA.field(name) for name in _KEYS), ("position", pa.int64())]).empty_table()


class CatalogEntry(NamedTuple):
    """One version in the inventory."""

    number: int
    version: int
    etag: str

    @property
    def key(self) -> str:
        return f"PMC{self.number}.{self.version}"


class StoredMetadata(NamedTuple):
    """Metadata in the cache; body is null where the object was unavailable, with that status."""

    body: bytes | None
    status: int


class MetadataCache:
    """The shards of one folder; a shard is written once, and newer metadata are in a journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._journal = folder / "journal.jsonl"
        self._paths: list[Path] = []

    @property
    def shards(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.parquet"))

    def index(self) -> pa.Table:
        """Returns number, version, ETag and position of all stored metadata.

        A position is the number of the shard, shifted by 32 bits, plus the row. If metadata are stored twice, the
        newest position is returned. Corrupt shards are deleted, so that their metadata are downloaded again.
        """
        tables = []
        self._paths = []
        for i, path in enumerate(self.shards):
            try:
                shard = read_table(path, [*_KEYS, "got"])[0]
            except CorruptFile:
                path.unlink()
                return self.index()
            positions = pa.array(range(i << 32, (i << 32) + len(shard)), pa.int64())
            # An object that changed after the snapshot is stored under both ETags, and found for a later snapshot.
            for etag in ("etag", "got"):
                columns = [shard["number"], shard["version"], shard[etag], positions]
                tables.append(pa.table(columns, names=_INDEX_COLUMNS))
        if not tables:
            return _EMPTY_INDEX
        newest = pa.concat_tables(tables).group_by(_KEYS).aggregate([("position", "max")])
        return newest.rename_columns(_INDEX_COLUMNS)

    def missing(self, inventory: pa.Table) -> pa.Table:
        """Returns the versions of an inventory that are not stored, by number and version."""
        missing = inventory.select(_KEYS).join(self.index(), keys=_KEYS, join_type="left anti")
        return missing.sort_by([("number", "ascending"), ("version", "ascending")])

    def download(
        self,
        client: BucketClient,
        missing: pa.Table,
        receipt: Callable[[Download], None],
        version_done: Callable[[], None],
    ) -> None:
        """Downloads and stores metadata shard by shard; raises the first error after all others were downloaded."""
        for start in range(0, len(missing), VERSIONS_PER_SHARD):
            rows = missing.slice(start, VERSIONS_PER_SHARD).to_pylist()
            versions = [CatalogEntry(**row) for row in rows]
            records = self._download_shard(client, versions, receipt, version_done)
            self._write_shard(versions, records)

    def read(self, position: int) -> StoredMetadata:
        """Returns the metadata at a position of the index."""
        shard = position >> 32
        if shard >= len(self._paths):
            # The folder is not listed for every version: the whole bucket has a thousand shards.
            self._paths = [path.absolute() for path in self.shards]
        path = self._paths[shard]
        table = _read_shard(path, path.stat().st_mtime_ns)
        row = position & 0xFFFFFFFF
        status = table["status"][row].as_py()
        return StoredMetadata(table["body"][row].as_py() if status == OK else None, status)

    def _download_shard(
        self,
        client: BucketClient,
        versions: Sequence[CatalogEntry],
        receipt: Callable[[Download], None],
        version_done: Callable[[], None],
    ) -> list[dict[str, Any]]:
        """Downloads the versions that the journal does not contain yet; returns one record for each version."""
        records = dict(read_log(self._journal, _journal_entry))
        journal = JsonLog(self._journal)

        def download(version: CatalogEntry) -> None:
            key = f"metadata/{version.key}.json"
            try:
                got = client.get(key, limit=METADATA, validate=lambda data: read_metadata(data, version.key))
                receipt(got)
                record = {"got": got.etag, "status": OK, "body": base64.b64encode(got.data).decode()}
            except ObjectUnavailable as err:
                record = {"got": "", "status": err.status, "body": ""}
            record |= {"name": version.key, "etag": version.etag}
            journal.append(record)
            records[version.key, version.etag] = record
            version_done()

        try:
            missing = [version for version in versions if (version.key, version.etag) not in records]
            run_parallel(client, download, iter(missing))
        finally:
            journal.close()
        return [records[version.key, version.etag] for version in versions]

    def _write_shard(self, versions: Sequence[CatalogEntry], records: Sequence[dict[str, Any]]) -> None:
        columns = {
            "number": [version.number for version in versions],
            "version": [version.version for version in versions],
            "etag": [version.etag for version in versions],
            "got": [record["got"] for record in records],
            "status": [record["status"] for record in records],
            "body": [base64.b64decode(record["body"]) for record in records],
        }
        last = int(self.shards[-1].stem) if self.shards else 0
        write_table(self.folder / f"{last + 1:06d}.parquet", pa.table(columns, schema=_SHARD_SCHEMA), {})
        self._journal.unlink(missing_ok=True)


@lru_cache(maxsize=4)
def _read_shard(path: Path, _mtime_ns: int) -> pa.Table:
    return read_table(path)[0]


def _journal_entry(record: dict[str, Any]) -> tuple[tuple[str, str], dict[str, Any]]:
    """Returns name and ETag of a version, and its record; raises ValueError or TypeError for an invalid one."""
    base64.b64decode(record["body"], validate=True)
    if not all(isinstance(record[name], str) for name in ("name", "etag", "got")) or type(record["status"]) is not int:
        raise TypeError("a value of another type")
    return (record["name"], record["etag"]), record
