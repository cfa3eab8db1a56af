"""The listing of a bucket: made once for the options of a source, stored, and read by all later runs and workers.

In the folder of the source: `listing-KEY.parquet`, rows of `schema.LISTING`; `catalog-KEY.arrow`, where the metadata of
each listed version are; `fetch/metadata`, the cache of metadata that `roco fetch plan` has, too; `fetch/receipts*`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from roco.base.errors import CorruptFile, DataError, RejectedInput, SourceUnavailable, UsageError, nearest
from roco.base.files import digest, full_disk, whole
from roco.base.licenses import LICENSES
from roco.base.progress import Progress
from roco.base.schema import LISTING
from roco.base.sealed_tables import read_table, write_table
from roco.core.run_log import LOG
from roco.sources.bucket.options import BucketOptions
from roco.sources.cloud_metadata import article_facts, read_metadata
from roco.sources.fetch.article_ids import ArticleId, parse_ids
from roco.sources.fetch.articles_folder import STATE_FOLDER, locked
from roco.sources.fetch.client import MAX_CONNECTIONS, BucketClient
from roco.sources.fetch.commands import MAX_REMOVED, MAX_REMOVED_SHARE, is_mail_address, open_client
from roco.sources.fetch.errors import BucketUnreachable
from roco.sources.fetch.inventory import Inventory, list_articles, read_snapshot
from roco.sources.fetch.metadata_cache import MetadataCache
from roco.sources.fetch.plan import Options
from roco.sources.fetch.plan_rows import StoredVersion, versions_by_article
from roco.sources.fetch.receipts import Receipts
from roco.sources.fetch.selection import Selection, judge_metadata
from roco.sources.listing import Row

ROWS_AT_ONCE = 10_000
_SNAPSHOT = b"snapshot"
_CATALOG = pa.schema([("number", pa.int64()), ("version", pa.int32()), ("position", pa.int64())])


def options_of(source: BucketOptions) -> Options:
    """Returns the options of a source as those of `roco fetch plan`; raises UsageError for an invalid one."""
    if not is_mail_address(source.contact):
        raise UsageError(
            f"{'invalid' if source.contact else 'no'} mail address for the User-Agent ([source] contact)",
            'write contact = "you@example.org" under [source], or set ROCO_CONTACT',
        )
    if not 1 <= source.connections <= MAX_CONNECTIONS:
        message = f"invalid number of connections: {source.connections} ([source] connections)"
        raise UsageError(message, f"choose 1 to {MAX_CONNECTIONS}")
    if source.snapshot:
        try:
            date.fromisoformat(source.snapshot[:10])
        except ValueError as err:
            message = f"invalid day {source.snapshot[:40]!r} ([source] snapshot)"
            raise UsageError(message, "write it as 2026-11-22") from err
    for name in source.licenses:
        if name not in LICENSES:
            raise UsageError(f"unknown licence '{name}' ([source] licenses)", nearest(name, LICENSES))
    return Options(
        endpoint=source.address,
        contact=source.contact,
        selection=_selection(source),
        ids=_ids(source),
        connections=source.connections,
    )


def key_of(source: BucketOptions) -> str:
    """Returns the digest of the options that determine which articles are listed."""
    return digest([source.address, _ids(source), source.snapshot, _selection(source).as_mapping()])[:16]


def _selection(source: BucketOptions) -> Selection:
    return Selection(licenses=source.licenses, retracted=source.retracted, manuscripts=source.manuscripts)


def _ids(source: BucketOptions) -> tuple[ArticleId, ...] | None:
    if source.ids is None:
        return None
    if not isinstance(source.ids, Path):
        if not source.ids:
            raise UsageError("no PMCID ([source] ids)", "name some, or remove ids to list the whole bucket")
        return parse_ids(source.ids)
    if not source.ids.is_file():
        raise UsageError(f"file not found: {source.ids} ([source] ids)", 'or write a list: ids = ["PMC10009416"]')
    return parse_ids([str(source.ids)])


def listing(source: BucketOptions, known: pa.Table | None, progress: Progress) -> pa.Table:
    """Returns the stored listing of a source; makes it if there is none."""
    path = listing_path(source)
    stored = _stored(path)
    if stored is None:
        options = options_of(source)
        with locked(source.state):
            stored = _stored(path)
            if stored is None:
                stored = _make(source, options, path, known, progress)
    return stored


def listing_path(source: BucketOptions) -> Path:
    return source.state / f"listing-{key_of(source)}.parquet"


def _stored(path: Path) -> pa.Table | None:
    try:
        return read_table(path)[0].select(LISTING.names)
    except (FileNotFoundError, CorruptFile):
        return None


@dataclass
class _Tables:
    """The rows of a listing and of its catalog, in pieces, so that few are Python objects at a time.

    excluded: number of articles by the reason for which they are not listed.
    """

    pieces: list[pa.Table] = field(default_factory=list)
    catalog: list[pa.Table] = field(default_factory=list)
    excluded: Counter[str] = field(default_factory=Counter)
    _rows: list[Row] = field(default_factory=list)
    _places: list[tuple[int, int, int]] = field(default_factory=list)

    def add(self, row: Row, place: tuple[int, int, int]) -> None:
        self._rows.append(row)
        self._places.append(place)
        if len(self._rows) >= ROWS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self.pieces.append(pa.table([pa.array(column, pa.string()) for column in zip(*self._rows, strict=True)],
                                        schema=LISTING))  # fmt: skip
            columns = zip(_CATALOG, zip(*self._places, strict=True), strict=True)
            self.catalog.append(pa.table([pa.array(column, kind.type) for kind, column in columns], schema=_CATALOG))
        self._rows, self._places = [], []


def _make(source: BucketOptions, options: Options, path: Path, known: pa.Table | None, progress: Progress) -> pa.Table:
    """Lists the bucket, downloads the metadata that are missing, and stores listing and catalog."""
    previous = frozenset(known["article"].to_pylist()) if known is not None else frozenset()
    cache = MetadataCache(source.state / STATE_FOLDER / "metadata")
    try:
        with open_client(options, None) as client:
            inventory = _inventory(client, options, source.snapshot)
            _refuse_many_removals(inventory, previous)
            _download_metadata(source.state, client, inventory, cache, progress)
    except BucketUnreachable as err:
        hint = "check the network and the address in [source], then run the same command again"
        raise SourceUnavailable(err.message, hint) from err
    tables = _tables(inventory, cache, options.selection, previous)
    if not tables.pieces:
        counts = ", ".join(f"{reason} {n:,}" for reason, n in sorted(tables.excluded.items()))
        raise DataError(
            f"no article of {source.path} is selected ({counts or '; '.join(inventory.notes) or 'it is empty'})",
            "check licenses, manuscripts and ids in [source]",
        )
    for note in inventory.notes:
        LOG.warning("%s: %s", source.path, note)
    rows = pa.concat_tables(tables.pieces).sort_by([("article", "ascending")]).combine_chunks()
    facts = {"snapshot": inventory.name, "manifest_sha256": inventory.sha256, "excluded": dict(tables.excluded)}
    try:
        _write_catalog(catalog_path(source), pa.concat_tables(tables.catalog), inventory.name)
        write_table(path, rows, facts)
    except OSError as err:
        raise full_disk(err, path) from err
    return rows


def _inventory(client: BucketClient, options: Options, snapshot: str) -> Inventory:
    return read_snapshot(client, snapshot or None) if options.ids is None else list_articles(client, options.ids)


def _refuse_many_removals(inventory: Inventory, previous: frozenset[str]) -> None:
    """Raises DataError if the inventory lacks many articles of the previous listing: more likely it is incomplete."""
    if inventory.numbers is not None or not previous:
        return
    numbers = set(inventory.table["number"].unique().to_pylist())
    removed = sum(int(article.removeprefix("PMC")) not in numbers for article in previous)
    if removed > max(MAX_REMOVED, MAX_REMOVED_SHARE * len(previous)):
        raise DataError(
            f"{removed:,} of {len(previous):,} articles are missing in snapshot {inventory.name}",
            "choose another day: snapshot in [source]",
        )


def _download_metadata(
    state: Path, client: BucketClient, inventory: Inventory, cache: MetadataCache, progress: Progress
) -> None:
    missing = cache.missing(inventory.table)
    progress.start("metadata files", len(missing))
    receipts = Receipts(state, inventory.name)
    try:
        cache.download(client, missing, receipts.downloaded, progress.advance)
    except OSError as err:
        raise full_disk(err, cache.folder) from err
    finally:
        receipts.sync()
        receipts.close()


def _tables(inventory: Inventory, cache: MetadataCache, selection: Selection, previous: frozenset[str]) -> _Tables:
    """Returns the rows of all selected articles, and of those that an earlier listing had."""
    tables = _Tables()
    for number, versions in versions_by_article(inventory.table, cache):
        exclusion = judge_metadata([stored.version for stored in versions], selection).exclusion
        is_kept_up_to_date = f"PMC{number}" in previous and exclusion is not None and exclusion.reason != "metadata"
        if exclusion is None or is_kept_up_to_date:
            tables.add(*_row(number, versions))
        else:
            tables.excluded[exclusion.reason] += 1
    tables.flush()
    return tables


def _row(number: int, versions: list[StoredVersion]) -> tuple[Row, tuple[int, int, int]]:
    """Returns the row of an article, and number, version and position of its metadata."""
    chosen, facts = article_facts([stored.version for stored in reversed(versions)])
    stored = next(one for one in versions if one.version is chosen)
    key = f"PMC{number}.{chosen.number}"
    facts_json = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    row = Row(f"PMC{number}", digest([key, chosen.content, facts_json]), key, chosen.content or "", facts_json)
    return row, (number, chosen.number, stored.position)


# --- the catalog --------------------------------------------------------------------------------------------------


def catalog_path(source: BucketOptions) -> Path:
    return source.state / f"catalog-{key_of(source)}.arrow"


class Catalog:
    """Finds the metadata of a listed version; the file is mapped into memory, which all workers share.

    snapshot: date of the inventory from which the bucket was listed.
    """

    def __init__(self, path: Path, cache: MetadataCache) -> None:
        self._path, self._cache = path, cache
        try:
            with pa.memory_map(str(path)) as file:
                table = pa.ipc.open_file(file).read_all()
            self._columns: Mapping[str, Any] = {name: table[name].chunk(0).to_numpy() for name in _CATALOG.names}
            self.snapshot = table.schema.metadata[_SNAPSHOT].decode()
        except (FileNotFoundError, pa.ArrowInvalid, KeyError, IndexError, TypeError) as err:
            raise self._corrupt() from err

    def metadata(self, key: str) -> tuple[bytes, dict[str, Any]]:
        """Returns the metadata of a version, as bytes and parsed; raises DataError if they are not stored."""
        pmcid, _, version = key.partition(".")
        number = int(pmcid.removeprefix("PMC"))
        i = int(np.searchsorted(self._columns["number"], number))
        is_listed = i < len(self._columns["number"]) and self._columns["number"][i] == number
        if not is_listed or self._columns["version"][i] != int(version):
            raise self._corrupt()
        try:
            body = self._cache.read(int(self._columns["position"][i])).body
            if body is None:
                raise self._corrupt()
            return body, read_metadata(body, key)
        except (FileNotFoundError, CorruptFile, IndexError, RejectedInput) as err:
            # Metadata of another article mean that the catalog is of other files: no article may be dropped for it.
            raise self._corrupt() from err

    def _corrupt(self) -> DataError:
        folder = self._path.parent
        return DataError(
            f"the listing of the bucket is missing or corrupt: {folder}",
            "delete the folder and run again: the bucket is listed anew, and what was measured is kept",
        )


def _write_catalog(path: Path, table: pa.Table, snapshot: str) -> None:
    """Writes the catalog as one record batch, sorted by number."""
    schema = _CATALOG.with_metadata({_SNAPSHOT: snapshot.encode()})
    table = table.sort_by([("number", "ascending")]).combine_chunks()
    with whole(path) as part, pa.OSFile(str(part), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        writer.write_table(table.replace_schema_metadata(schema.metadata), max_chunksize=max(1, len(table)))
