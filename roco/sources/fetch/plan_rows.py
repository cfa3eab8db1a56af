"""The rows of a plan: judges each article by its metadata and compares it with what is in the folder."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from roco.base.errors import RejectedInput
from roco.base.formats import IMAGE_EXTENSIONS, extension_of
from roco.sources.cloud_metadata import Version, md5s, read_metadata, unread_version, version_of
from roco.sources.fetch.articles_folder import ARTICLES_PER_PACK, ArticlesFolder
from roco.sources.fetch.errors import describe_status
from roco.sources.fetch.inventory import Inventory
from roco.sources.fetch.metadata_cache import MetadataCache
from roco.sources.fetch.plan import EXCLUDED, REMOVED, SCHEMA, UNWANTED, WANTED, Options
from roco.sources.fetch.selection import Selection, judge_metadata

NOT_STORED = -1


class PlanRow(NamedTuple):
    """A row of `plan.SCHEMA`: one version of an article."""

    number: int
    version: int
    etag: str
    metadata_position: int
    metadata_sha256: str | None
    chosen: bool
    state: str
    reason: str | None
    detail: str | None
    license: str | None
    retracted: bool
    xml_md5: str | None
    images: int
    pack: int | None
    up_to_date: bool


def is_to_download(row: PlanRow) -> bool:
    return row.state in (WANTED, UNWANTED) and not row.up_to_date


def as_table(rows: Sequence[PlanRow]) -> pa.Table:
    columns = {name: [getattr(row, name) for row in rows] for name in SCHEMA.names}
    return pa.table(columns, schema=SCHEMA)


def plan_rows(
    inventory: Inventory, cache: MetadataCache, articles: ArticlesFolder, options: Options
) -> Iterator[PlanRow]:
    """Yields the rows of all articles by number and version, then those that are no longer in the bucket."""
    in_folder = articles.versions()
    first_pack = articles.next_pack_number() if options.packs else None
    in_inventory = set()
    n_packed = 0
    for number, versions in versions_by_article(inventory.table, cache):
        in_inventory.add(number)
        rows = _article_rows(number, versions, number in in_folder, articles, options.selection)
        if first_pack is not None and is_to_download(rows[0]):
            pack = first_pack + n_packed // ARTICLES_PER_PACK
            rows = [row._replace(pack=pack) for row in rows]
            n_packed += 1
        yield from rows
    # An inventory of a few articles does not list the others in the folder.
    covered = in_folder.keys() if inventory.numbers is None else in_folder.keys() & set(inventory.numbers)
    for number in sorted(covered - in_inventory):
        yield from _removed_rows(number, in_folder[number])


class StoredVersion(NamedTuple):
    """A version of the inventory with its metadata from the cache."""

    etag: str
    position: int
    sha256: str | None
    version: Version
    xml_md5: str | None


def versions_by_article(table: pa.Table, cache: MetadataCache) -> Iterator[tuple[int, list[StoredVersion]]]:
    """Yields the versions of each article of an inventory, by number and version."""
    joined = table.join(cache.index(), keys=["number", "version", "etag"], join_type="left outer")
    joined = joined.sort_by([("number", "ascending"), ("version", "ascending")])
    batches = joined.to_batches(max_chunksize=100_000)
    rows = itertools.chain.from_iterable(batch.to_pylist() for batch in batches)
    for number, group in itertools.groupby(rows, lambda row: row["number"]):
        yield number, [_read_version(row, cache) for row in group]


def _read_version(row: Mapping[str, Any], cache: MetadataCache) -> StoredVersion:
    """Reads the metadata of one version; an error in them becomes the error of the version."""
    key = f"PMC{row['number']}.{row['version']}"
    etag = row["etag"]
    position = row["position"]
    if position is None:
        return StoredVersion(etag, NOT_STORED, None, unread_version(key, "metadata: not in the cache"), None)
    stored = cache.read(position)
    if stored.body is None:
        error = f"metadata: {describe_status(stored.status)}"
        return StoredVersion(etag, position, None, unread_version(key, error), None)
    sha256 = hashlib.sha256(stored.body).hexdigest()
    try:
        metadata = read_metadata(stored.body, key)
    except RejectedInput as err:
        return StoredVersion(etag, position, sha256, unread_version(key, err.message), None)
    xml_md5 = md5s(key, metadata).get(f"{key}.xml")
    return StoredVersion(etag, position, sha256, version_of(key, metadata, sha256), xml_md5)


def _article_rows(
    number: int, versions: Sequence[StoredVersion], in_folder: bool, articles: ArticlesFolder, selection: Selection
) -> list[PlanRow]:
    verdict = judge_metadata([stored.version for stored in versions], selection)
    reason, detail = verdict.exclusion or (None, None)
    if reason is None:
        state = WANTED
    elif in_folder and reason != "metadata":
        state = UNWANTED
    else:
        state = EXCLUDED
    chosen_key = f"PMC{number}.{verdict.chosen.number}"
    sha256s = {f"PMC{number}.{stored.version.number}": stored.sha256 for stored in versions if stored.sha256}
    up_to_date = in_folder and state != EXCLUDED and articles.is_up_to_date(sha256s, chosen_key)
    return [
        PlanRow(
            number=number,
            version=stored.version.number,
            etag=stored.etag,
            metadata_position=stored.position,
            metadata_sha256=stored.sha256,
            chosen=stored.version is verdict.chosen,
            state=state,
            reason=reason,
            detail=detail,
            license=verdict.license,
            retracted=verdict.retracted,
            xml_md5=stored.xml_md5,
            images=_count_images(stored.version.media or ()),
            pack=None,
            up_to_date=up_to_date,
        )
        for stored in versions
    ]


def _count_images(names: Sequence[str]) -> int:
    return sum(extension_of(name) in IMAGE_EXTENSIONS for name in names)


def _removed_rows(number: int, versions: Sequence[int]) -> Iterator[PlanRow]:
    for version in sorted(versions):
        yield PlanRow(
            number=number,
            version=version,
            etag="",
            metadata_position=NOT_STORED,
            metadata_sha256=None,
            chosen=version == max(versions),
            state=REMOVED,
            reason="removed",
            detail="no longer in the bucket",
            license=None,
            retracted=False,
            xml_md5=None,
            images=0,
            pack=None,
            up_to_date=True,
        )
