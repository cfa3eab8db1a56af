"""What the bucket holds: an inventory snapshot, or the versions of a few articles that are asked for by their ids."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from roco.base.errors import DataError, RejectedInput
from roco.base.ids import PMCID_NUMBER, VERSION
from roco.sources.fetch.wire import Failed, Gone, Wire
from roco.sources.jats.tree import read_xml

REPORTS = "inventory-reports/pmc-oa-opendata/metadata/"
"""Where the snapshots lie; facts: one a day, kept for 30 days."""
MOST_ROWS = 100_000_000
PART = 1 << 30

SCHEMA = pa.schema(
    [
        ("number", pa.int64()),  # of the PMCID
        ("version", pa.int32()),
        ("etag", pa.string()),
        ("modified", pa.string()),
    ]
)

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}Z")
_OF_VERSION = rf"^metadata/PMC(?P<number>{PMCID_NUMBER})\.(?P<version>{VERSION})\.json$"


class Inventory(NamedTuple):
    """Versions that there are, sorted by article and number: `SCHEMA`.

    name: date of the snapshot, or `ids`; sha256: of its manifest, or of the listing; notes: newer snapshots that could
    not be used, and why; numbers: articles that were asked for, null for all.
    """

    name: str
    sha256: str
    table: pa.Table
    notes: tuple[str, ...] = ()
    numbers: tuple[int, ...] | None = None


def listing(wire: Wire, prefix: str, delimiter: str = "") -> Iterator[tuple[str, str, int, str]]:
    """Key, ETag, size and time of all objects that begin with a prefix; folders come with empty ETag and size 0."""
    token = ""
    while True:
        query = {"list-type": "2", "prefix": prefix}
        query |= {"delimiter": delimiter} if delimiter else {}
        query |= {"continuation-token": token} if token else {}
        try:
            data = wire.get("", limit=64 << 20, query=query, fit=_list_of).data
        except Gone as err:
            raise DataError(
                f"there is no bucket at {wire.endpoint} (status {err.status})", "see to --endpoint"
            ) from err
        root = _list_of(data)
        for one in root.iter("{*}Contents"):
            told = {_local(child.tag): child.text or "" for child in one}
            size = int(told["Size"]) if told.get("Size", "").isdigit() else 0
            yield told.get("Key", ""), told.get("ETag", "").strip('"'), size, told.get("LastModified", "")
        for one in root.iter("{*}CommonPrefixes"):
            yield from ((child.text or "", "", 0, "") for child in one if _local(child.tag) == "Prefix")
        token = next((e.text or "" for e in root.iter("{*}NextContinuationToken")), "")
        if not token:
            return


def _list_of(data: bytes) -> Any:
    """The root of a list; raises RejectedInput for what is none."""
    root = read_xml(data)[0]
    if _local(root.tag) != "ListBucketResult":
        raise RejectedInput(f"it is no list of objects, but <{_local(root.tag)[:40]}>")
    return root


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]


def snapshot(wire: Wire, wanted: str | None = None) -> Inventory:
    """The newest snapshot that is complete, or the one of a date; raises DataError where there is none."""
    folders = (key.removeprefix(REPORTS).rstrip("/") for key, *_ in listing(wire, REPORTS, "/"))
    dated = sorted((name for name in folders if _DATE.fullmatch(name)), reverse=True)
    chosen = [name for name in dated if wanted is None or name.startswith(wanted)]
    if not chosen:
        known = f"there are {dated[-1]} to {dated[0]}" if dated else f"no snapshot lies below {REPORTS}"
        raise DataError(f"there is no inventory snapshot{f' of {wanted}' if wanted else ''}", known)
    notes: list[str] = []
    for name in chosen:
        try:
            return _read(wire, name)._replace(notes=tuple(notes))
        except (RejectedInput, Failed) as err:
            notes.append(f"the snapshot of {name} cannot be used: {err.message}")
    raise DataError("no inventory snapshot is complete", "; ".join(notes[:3]))


def _read(wire: Wire, name: str) -> Inventory:
    """One snapshot; raises RejectedInput where a part of it is missing or is not what the manifest promises."""
    try:
        data = wire.get(f"{REPORTS}{name}/manifest.json", limit=16 << 20).data
    except Gone as err:
        raise RejectedInput("it has no manifest (yet)") from err
    files, columns = _manifest(data)
    tables = []
    for key, md5 in files:
        try:
            part = wire.get(key, limit=PART, md5=md5).data
        except Gone as err:
            raise RejectedInput(f"its part {key.rpartition('/')[2]} is gone") from err
        tables.append(_rows(part, columns))
    table = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
    return Inventory(name, hashlib.sha256(data).hexdigest(), _sorted(table))


def _manifest(data: bytes) -> tuple[list[tuple[str, str]], list[str]]:
    """Key and MD5 of each part, and the columns of all; raises RejectedInput for what is no manifest of CSV parts."""
    try:
        told = json.loads(data)
        columns = [name.strip() for name in told["fileSchema"].split(",")]
        files = [(str(file["key"]), str(file["MD5checksum"]).lower()) for file in told["files"]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as err:
        raise RejectedInput("its manifest cannot be read: it is cut, or of another kind") from err
    if told.get("fileFormat") != "CSV" or not {"Key", "ETag"} <= set(columns):
        raise RejectedInput(
            f"its parts are {str(told.get('fileFormat'))[:20]} with {', '.join(columns)[:100]}, not CSV"
        )
    return files, columns


def _rows(part: bytes, columns: Sequence[str]) -> pa.Table:
    """The versions that one part names, from its CSV packed by gzip."""
    kept, n = [], 0
    read = pcsv.ReadOptions(column_names=list(columns), use_threads=False)
    try:
        stream = pa.input_stream(pa.BufferReader(part), compression="gzip")
        types = pcsv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False)
        for batch in pcsv.open_csv(stream, read, pcsv.ParseOptions(newlines_in_values=False), types):
            n += len(batch)
            if n > MOST_ROWS:
                raise RejectedInput(f"a part has more than {MOST_ROWS:,} rows")
            table = pa.table(batch)
            kept.append(_versions(table["Key"], table["ETag"], _modified(table)))
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as err:
        if "Empty CSV" not in str(err):
            raise RejectedInput(f"a part cannot be read: {str(err).splitlines()[0][:100]}") from err
    return pa.concat_tables(kept) if kept else SCHEMA.empty_table()


def _modified(table: pa.Table) -> pa.Array:
    name = "LastModifiedDate"
    return table[name] if name in table.column_names else pa.array([""] * len(table), pa.string())


def _versions(keys: Any, etags: Any, modified: Any) -> pa.Table:
    """Rows of `SCHEMA` for the keys that are metadata of a version; the bucket holds others too."""
    told = pc.extract_regex(keys, _OF_VERSION)
    table = pa.table({"told": told, "etag": etags, "modified": modified}).filter(pc.is_valid(told))
    number = pc.cast(pc.struct_field(table["told"], "number"), pa.int64())
    version = pc.cast(pc.struct_field(table["told"], "version"), pa.int32())
    etag = pc.utf8_trim(table["etag"], '"')
    return pa.table([number, version, etag, table["modified"]], schema=SCHEMA)


def _sorted(table: pa.Table) -> pa.Table:
    """By article and number, as numbers: `.10` comes after `.2`."""
    return table.sort_by([("number", "ascending"), ("version", "ascending")]).combine_chunks()


def by_ids(wire: Wire, ids: Iterable[tuple[int, int | None]]) -> Inventory:
    """The versions that there are of some articles; of those asked for by version too, that version alone.

    notes: articles and versions that there are not.
    """
    asked: dict[int, set[int]] = {}
    for number, version in ids:
        asked.setdefault(number, set()).update(() if version is None else (version,))
    notes, rows = [], []
    with ThreadPoolExecutor(wire.connections) as pool:
        for number, found in zip(asked, pool.map(lambda n: _of_article(wire, n), asked), strict=True):
            there = {version for version, *_ in found}
            if not there:
                notes.append(f"PMC{number}: the bucket has no such article")
            for version in sorted(asked[number] - there) if there else ():
                has = ", ".join(map(str, sorted(there)))
                notes.append(f"PMC{number}.{version}: the bucket has no such version; it has {has}")
            rows += [(number, v, *rest) for v, *rest in found if v in asked[number] or not asked[number]]
    columns = zip(*rows, strict=True) if rows else ([] for _ in SCHEMA)
    table = _sorted(pa.table([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA))
    sha256 = hashlib.sha256(json.dumps(table.to_pylist(), sort_keys=True).encode()).hexdigest()
    return Inventory("ids", sha256, table, tuple(notes), tuple(sorted(asked)))


def _of_article(wire: Wire, number: int) -> list[tuple[int, str, str]]:
    # The dot must be in the prefix: PMC113 is the beginning of other ids.
    rows = list(listing(wire, f"metadata/PMC{number}."))
    if not rows:
        return []
    keys, etags, _, times = zip(*rows, strict=True)
    table = _versions(pa.chunked_array([pa.array(keys, pa.string())]), pa.array(etags, pa.string()), pa.array(times))
    table = table.filter(pc.equal(table["number"], number))
    return [(row["version"], row["etag"], row["modified"]) for row in table.to_pylist()]


def as_mapping(inventory: Inventory) -> Mapping[str, Any]:
    """What stands of a snapshot in the plan and in every receipt."""
    return {"snapshot": inventory.name, "manifest_sha256": inventory.sha256}
