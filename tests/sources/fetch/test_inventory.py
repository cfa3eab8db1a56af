"""Inventories: snapshots that may be incomplete, and listings of ids that may not exist."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.sources.fetch.client import BucketClient
from roco.sources.fetch.inventory import Inventory, list_articles, read_snapshot
from roco.sources.fetch.listing import _listed_object, _parse_listing, list_objects
from tests.bucket import REPORTS, Bucket
from tests.sources.fetch.conftest import QUICK

OLD, NEW = "2026-11-20T01-00Z", "2026-11-21T01-00Z"


@pytest.fixture
def client(bucket: Bucket) -> Iterator[BucketClient]:
    client = BucketClient(bucket.endpoint, "me@example.org", policy=QUICK)
    yield client
    client.close()


def metadata(bucket: Bucket, *keys: str) -> None:
    for key in keys:
        bucket.put(f"metadata/{key}.json", f"of {key}".encode())


def versions(inventory: Inventory) -> list[str]:
    rows = inventory.table.to_pylist()
    return [f"{row['number']}.{row['version']}" for row in rows]


def test_a_snapshot_lists_every_version_sorted_by_number(bucket: Bucket, client: BucketClient) -> None:
    metadata(bucket, "PMC20.1", "PMC3.10", "PMC3.2", "PMC100.1")
    bucket.put("metadata/readme.txt", b"x")
    bucket.put_inventory(OLD, parts=3)
    inventory = read_snapshot(client)
    assert versions(inventory) == ["3.2", "3.10", "20.1", "100.1"]
    assert inventory.name == OLD
    assert len(inventory.sha256) == 64
    assert not inventory.notes


@pytest.mark.parametrize("wrong", ["md5", "cut", "no manifest"])
def test_the_newest_complete_snapshot_is_used_with_a_note_about_the_newer_one(
    bucket: Bucket, client: BucketClient, wrong: str
) -> None:
    metadata(bucket, "PMC1.1")
    bucket.put_inventory(OLD)
    metadata(bucket, "PMC2.1")
    bucket.put_inventory(NEW, defect=wrong)
    inventory = read_snapshot(client)
    assert (inventory.name, versions(inventory)) == (OLD, ["1.1"])
    assert [NEW in note for note in inventory.notes] == [True]


def test_an_error_is_raised_if_no_snapshot_is_complete(bucket: Bucket, client: BucketClient) -> None:
    metadata(bucket, "PMC1.1")
    bucket.put_inventory(NEW, defect="cut")
    with pytest.raises(DataError, match="no complete inventory snapshot"):
        read_snapshot(client)


def test_a_snapshot_of_a_date_can_be_requested(bucket: Bucket, client: BucketClient) -> None:
    metadata(bucket, "PMC1.1")
    bucket.put_inventory(OLD)
    bucket.put_inventory(NEW)
    assert read_snapshot(client, "2026-11-20").name == OLD
    with pytest.raises(DataError, match="no inventory snapshot of 2025") as err:
        read_snapshot(client, "2025")
    assert OLD in err.value.hint


@pytest.mark.parametrize(
    "manifest",
    [b"", b"{", b"[]", b"{}", b'{"fileFormat": "ORC", "fileSchema": "Bucket, Key, ETag", "files": []}',
     b'{"fileFormat": "CSV", "fileSchema": "Bucket, Key", "files": []}',
     b'{"fileFormat": "CSV", "fileSchema": "Bucket, Key, ETag", "files": [{"key": "x"}]}'],
)  # fmt: skip
def test_a_snapshot_with_an_invalid_manifest_is_skipped(bucket: Bucket, client: BucketClient, manifest: bytes) -> None:
    metadata(bucket, "PMC1.1")
    bucket.put_inventory(OLD)
    bucket.put(f"{REPORTS}/{NEW}/manifest.json", manifest)
    assert read_snapshot(client).name == OLD


def test_a_snapshot_with_an_invalid_part_is_skipped(bucket: Bucket, client: BucketClient) -> None:
    metadata(bucket, "PMC1.1")
    bucket.put_inventory(OLD)
    bucket.put_inventory(NEW)
    manifest = json.loads(bucket.get(f"{REPORTS}/{NEW}/manifest.json"))
    manifest["fileSchema"] = "Bucket, Key, ETag"  # one column fewer than the parts have
    bucket.put(f"{REPORTS}/{NEW}/manifest.json", json.dumps(manifest).encode())
    assert read_snapshot(client).name == OLD


def test_an_empty_bucket_is_an_error(bucket: Bucket, client: BucketClient) -> None:
    with pytest.raises(DataError, match="no inventory snapshot"):
        read_snapshot(client)


def test_the_listing_of_an_id_excludes_longer_ids(bucket: Bucket, client: BucketClient) -> None:
    metadata(bucket, "PMC113.1", "PMC1137.1", "PMC113.12", "PMC113.2")
    inventory = list_articles(client, [(113, None)])
    assert versions(inventory) == ["113.1", "113.2", "113.12"]
    assert not inventory.notes


def test_each_missing_id_or_version_has_a_note(bucket: Bucket, client: BucketClient) -> None:
    metadata(bucket, "PMC1.1", "PMC1.2", "PMC2.1")
    inventory = list_articles(client, [(9, None), (1, 2), (2, 7)])
    assert versions(inventory) == ["1.2"]
    assert inventory.notes == (
        "PMC9: not in the bucket",
        "PMC2.7: not in the bucket; available: 1",
    )


def test_a_listing_of_several_pages_is_read_to_the_end(
    bucket: Bucket, client: BucketClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")  # of a page; 1000 in a real bucket
    for n in range(8):
        bucket.put(f"many/{n:04d}", b"")
    assert bucket.client.list_objects_v2(Bucket=bucket.name, Prefix="many/")["IsTruncated"]
    assert len(list(list_objects(client, "many/"))) == 8


@pytest.mark.parametrize(("text", "size"), [("10", 10), ("", 0), ("²", 0), ("9" * 5000, 0), ("-1", 0)])
def test_a_size_that_is_no_number_counts_as_unknown(text: str, size: int) -> None:
    xml = f"<ListBucketResult><Contents><Key>a</Key><Size>{text}</Size></Contents></ListBucketResult>"
    (listed,) = map(_listed_object, _parse_listing(xml.encode()).iter("Contents"))
    assert (listed.key, listed.size) == ("a", size)


def test_a_missing_bucket_is_an_error(bucket: Bucket) -> None:
    client = BucketClient(bucket.endpoint + "-of-others", "me@example.org", policy=QUICK)
    with pytest.raises(DataError, match="no bucket at"):
        read_snapshot(client)
    client.close()


def test_rows_of_the_real_inventory_are_read(bucket: Bucket, client: BucketClient, shared: Path) -> None:
    import gzip
    import hashlib

    body = gzip.compress((shared / "data" / "index" / "pmc_aws_inventory_sample.csv").read_bytes())
    bucket.put("data.csv.gz", body)
    files = [{"key": "data.csv.gz", "size": len(body), "MD5checksum": hashlib.md5(body).hexdigest()}]
    manifest = {"fileFormat": "CSV", "fileSchema": "Bucket, Key, LastModifiedDate, ETag", "files": files}
    bucket.put(f"{REPORTS}/{OLD}/manifest.json", json.dumps(manifest).encode())
    inventory = read_snapshot(client)
    assert versions(inventory) == ["10000002.1", "10000003.1", "10000005.1"]
    assert inventory.table["etag"][0].as_py() == "f25d9c5f5b85338f62156faeedfc1e95"
