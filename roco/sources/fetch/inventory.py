"""Reads which article versions the bucket contains: from an inventory snapshot, or from listings of a few articles."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from roco.base.errors import DataError, RejectedInput
from roco.base.ids import PMCID_NUMBER, VERSION
from roco.base.json_text import parse_json
from roco.sources.fetch.client import BucketClient
from roco.sources.fetch.errors import DownloadFailed, ObjectUnavailable
from roco.sources.fetch.listing import list_objects

REPORTS = "inventory-reports/pmc-oa-opendata/metadata/"
"""The folder of the snapshots; PMC writes one a day and keeps it for 30 days."""
BY_IDS = "ids"
"""The name of an inventory that was listed for a few articles."""
MAX_ROWS = 100_000_000
MAX_MANIFEST_BYTES = 16 << 20
MAX_PART_BYTES = 1 << 30

SCHEMA = pa.schema(
    [
        ("number", pa.int64()),  # of the PMCID
        ("version", pa.int32()),
        ("etag", pa.string()),
        ("modified", pa.string()),
    ]
)

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}Z")
_METADATA_KEY = rf"^metadata/PMC(?P<number>{PMCID_NUMBER})\.(?P<version>{VERSION})\.json$"


class Inventory(NamedTuple):
    """The versions in the bucket.

    name: date of the snapshot, or `ids`; sha256: of its manifest, or of the listing; table: `SCHEMA`, by number and
    version; notes: newer snapshots that could not be used, and why, or missing ids; numbers: the requested articles,
    null for all.
    """

    name: str
    sha256: str
    table: pa.Table
    notes: tuple[str, ...] = ()
    numbers: tuple[int, ...] | None = None


def read_snapshot(client: BucketClient, date: str | None = None) -> Inventory:
    """Reads the newest complete snapshot, or the newest of a date; raises DataError where there is none."""
    folders = (listed.key.removeprefix(REPORTS).rstrip("/") for listed in list_objects(client, REPORTS, "/"))
    snapshots = sorted((name for name in folders if _DATE.fullmatch(name)), reverse=True)
    candidates = [name for name in snapshots if date is None or name.startswith(date)]
    if not candidates:
        available = f"available: {snapshots[-1]} to {snapshots[0]}" if snapshots else f"{REPORTS} is empty"
        raise DataError(f"no inventory snapshot{f' of {date}' if date else ''}", available)
    notes: list[str] = []
    for name in candidates:
        try:
            return _read_snapshot(client, name)._replace(notes=tuple(notes))
        except (RejectedInput, DownloadFailed) as err:
            notes.append(f"cannot use the snapshot of {name}: {err.message}")
    raise DataError("no complete inventory snapshot", "; ".join(notes[:3]))


def _read_snapshot(client: BucketClient, name: str) -> Inventory:
    """Reads one snapshot; raises RejectedInput where a part is missing or differs from the manifest."""
    try:
        data = client.get(f"{REPORTS}{name}/manifest.json", limit=MAX_MANIFEST_BYTES).data
    except ObjectUnavailable as err:
        raise RejectedInput("the manifest is missing") from err
    manifest = _read_manifest(data)
    tables = []
    for key, md5 in manifest.parts:
        try:
            part = client.get(key, limit=MAX_PART_BYTES, md5=md5).data
        except ObjectUnavailable as err:
            raise RejectedInput(f"the part {key.rpartition('/')[2]} is missing") from err
        tables.append(_read_part(part, manifest.columns))
    table = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
    return Inventory(name, hashlib.sha256(data).hexdigest(), _sort(table))


class _Manifest(NamedTuple):
    """parts: key and MD5 of each part; columns: of all parts."""

    parts: list[tuple[str, str]]
    columns: list[str]


def _read_manifest(data: bytes) -> _Manifest:
    """Reads a manifest; raises RejectedInput where it is invalid or lists anything but CSV parts."""
    try:
        values = parse_json(data)
        columns = [name.strip() for name in values["fileSchema"].split(",")]
        parts = [(str(file["key"]), str(file["MD5checksum"]).lower()) for file in values["files"]]
    except (ValueError, TypeError, KeyError, AttributeError) as err:
        raise RejectedInput("the manifest is invalid") from err
    if values.get("fileFormat") != "CSV" or not {"Key", "ETag"} <= set(columns):
        format, names = str(values.get("fileFormat"))[:20], ", ".join(columns)[:100]
        raise RejectedInput(f"expected CSV parts with Key and ETag, not {format} with {names}")
    return _Manifest(parts, columns)


def _read_part(part: bytes, columns: Sequence[str]) -> pa.Table:
    """Returns the article versions in one part, a gzipped CSV file without a header."""
    tables = []
    n_rows = 0
    read_options = pcsv.ReadOptions(column_names=list(columns), use_threads=False)
    parse_options = pcsv.ParseOptions(newlines_in_values=False)
    convert_options = pcsv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False)
    try:
        stream = pa.input_stream(pa.BufferReader(part), compression="gzip")
        for batch in pcsv.open_csv(stream, read_options, parse_options, convert_options):
            n_rows += len(batch)
            if n_rows > MAX_ROWS:
                raise RejectedInput(f"a part has more than {MAX_ROWS:,} rows")
            rows = pa.table(batch)
            tables.append(_versions(rows["Key"], rows["ETag"], _modified(rows)))
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as err:
        if "Empty CSV" not in str(err):
            raise RejectedInput(f"a part is corrupt: {str(err).splitlines()[0][:100]}") from err
    return pa.concat_tables(tables) if tables else SCHEMA.empty_table()


def _modified(rows: pa.Table) -> pa.Array:
    name = "LastModifiedDate"
    return rows[name] if name in rows.column_names else pa.array([""] * len(rows), pa.string())


def _versions(keys: Any, etags: Any, modified: Any) -> pa.Table:
    """Returns the rows of `SCHEMA` for the keys that are metadata of a version; other keys are ignored."""
    parsed = pc.extract_regex(keys, _METADATA_KEY)
    table = pa.table({"parsed": parsed, "etag": etags, "modified": modified}).filter(pc.is_valid(parsed))
    number = pc.cast(pc.struct_field(table["parsed"], "number"), pa.int64())
    version = pc.cast(pc.struct_field(table["parsed"], "version"), pa.int32())
    etag = pc.utf8_trim(table["etag"], '"')
    return pa.table([number, version, etag, table["modified"]], schema=SCHEMA)


def _sort(table: pa.Table) -> pa.Table:
    """Sorts by article and version as numbers, so that `.10` comes after `.2`."""
    return table.sort_by([("number", "ascending"), ("version", "ascending")]).combine_chunks()


def list_articles(client: BucketClient, ids: Iterable[tuple[int, int | None]]) -> Inventory:
    """Lists the versions of a few articles; of an article requested with a version, that version alone.

    notes of the result: articles and versions that the bucket does not contain.
    """
    requested: dict[int, set[int]] = {}
    for number, version in ids:
        versions = requested.setdefault(number, set())
        if version is not None:
            versions.add(version)
    with ThreadPoolExecutor(client.connections) as pool:
        listed = list(pool.map(lambda number: _list_article(client, number), requested))
    notes: list[str] = []
    tables = [SCHEMA.empty_table()]
    for (number, versions), table in zip(requested.items(), listed, strict=True):
        notes += _missing_versions(number, versions, table["version"].to_pylist())
        if versions:
            table = table.filter(pc.is_in(table["version"], pa.array(sorted(versions), pa.int32())))
        tables.append(table)
    table = _sort(pa.concat_tables(tables))
    sha256 = hashlib.sha256(json.dumps(table.to_pylist(), sort_keys=True).encode()).hexdigest()
    return Inventory(BY_IDS, sha256, table, tuple(notes), tuple(sorted(requested)))


def _list_article(client: BucketClient, number: int) -> pa.Table:
    # The prefix ends with the dot, because PMC113 is also the beginning of PMC1137.
    objects = list(list_objects(client, f"metadata/PMC{number}."))
    keys = pa.array([listed.key for listed in objects], pa.string())
    etags = pa.array([listed.etag for listed in objects], pa.string())
    modified = pa.array([listed.modified for listed in objects], pa.string())
    table = _versions(keys, etags, modified)
    return table.filter(pc.equal(table["number"], number))


def _missing_versions(number: int, requested: set[int], available: Sequence[int]) -> list[str]:
    if not available:
        return [f"PMC{number}: not in the bucket"]
    versions = ", ".join(map(str, sorted(available)))
    missing = sorted(requested - set(available))
    return [f"PMC{number}.{version}: not in the bucket; available: {versions}" for version in missing]
