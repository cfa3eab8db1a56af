"""What the bucket holds: snapshots that may be half written, and ids that may not exist."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.sources.fetch.inventory import by_ids, listing, snapshot
from roco.sources.fetch.wire import Wire
from tests.bucket import REPORTS, Bucket
from tests.sources.fetch.conftest import QUICK

OLD, NEW = "2026-11-20T01-00Z", "2026-11-21T01-00Z"


@pytest.fixture
def wire(bucket: Bucket) -> Iterator[Wire]:
    wire = Wire(bucket.endpoint, "me@example.org", patience=QUICK)
    yield wire
    wire.close()


def metadata(bucket: Bucket, *keys: str) -> None:
    for key in keys:
        bucket.put(f"metadata/{key}.json", f"of {key}".encode())


def versions(inventory_of: object) -> list[str]:
    rows = inventory_of.table.to_pylist()  # type: ignore[attr-defined]
    return [f"{row['number']}.{row['version']}" for row in rows]


def test_a_snapshot_names_every_version_in_the_order_of_numbers(bucket: Bucket, wire: Wire) -> None:
    metadata(bucket, "PMC20.1", "PMC3.10", "PMC3.2", "PMC100.1")
    bucket.put("metadata/readme.txt", b"x")
    bucket.inventory(OLD, parts=3)
    found = snapshot(wire)
    assert versions(found) == ["3.2", "3.10", "20.1", "100.1"]
    assert found.name == OLD
    assert len(found.sha256) == 64
    assert not found.notes


@pytest.mark.parametrize("wrong", ["md5", "cut", "no manifest"])
def test_the_newest_complete_snapshot_is_taken_and_it_says_why_not_a_newer(
    bucket: Bucket, wire: Wire, wrong: str
) -> None:
    metadata(bucket, "PMC1.1")
    bucket.inventory(OLD)
    metadata(bucket, "PMC2.1")
    bucket.inventory(NEW, wrong=wrong)
    found = snapshot(wire)
    assert (found.name, versions(found)) == (OLD, ["1.1"])
    assert [NEW in note for note in found.notes] == [True]


def test_where_none_is_complete_it_says_so(bucket: Bucket, wire: Wire) -> None:
    metadata(bucket, "PMC1.1")
    bucket.inventory(NEW, wrong="cut")
    with pytest.raises(DataError, match="no inventory snapshot is complete"):
        snapshot(wire)


def test_a_snapshot_of_a_day_can_be_asked_for(bucket: Bucket, wire: Wire) -> None:
    metadata(bucket, "PMC1.1")
    bucket.inventory(OLD)
    bucket.inventory(NEW)
    assert snapshot(wire, "2026-11-20").name == OLD
    with pytest.raises(DataError, match="no inventory snapshot of 2025") as err:
        snapshot(wire, "2025")
    assert OLD in err.value.hint


@pytest.mark.parametrize(
    "manifest",
    [b"", b"{", b"[]", b"{}", b'{"fileFormat": "ORC", "fileSchema": "Bucket, Key, ETag", "files": []}',
     b'{"fileFormat": "CSV", "fileSchema": "Bucket, Key", "files": []}',
     b'{"fileFormat": "CSV", "fileSchema": "Bucket, Key, ETag", "files": [{"key": "x"}]}'],
)  # fmt: skip
def test_a_manifest_of_another_kind_is_passed_over(bucket: Bucket, wire: Wire, manifest: bytes) -> None:
    metadata(bucket, "PMC1.1")
    bucket.inventory(OLD)
    bucket.put(f"{REPORTS}/{NEW}/manifest.json", manifest)
    assert snapshot(wire).name == OLD


def test_a_part_that_is_no_csv_is_passed_over(bucket: Bucket, wire: Wire) -> None:
    metadata(bucket, "PMC1.1")
    bucket.inventory(OLD)
    bucket.inventory(NEW)
    manifest = json.loads(bucket.get(f"{REPORTS}/{NEW}/manifest.json"))
    manifest["fileSchema"] = "Bucket, Key, ETag"  # one column fewer than there are
    bucket.put(f"{REPORTS}/{NEW}/manifest.json", json.dumps(manifest).encode())
    assert snapshot(wire).name == OLD


def test_a_bucket_without_anything_is_told(bucket: Bucket, wire: Wire) -> None:
    with pytest.raises(DataError, match="no inventory snapshot"):
        snapshot(wire)


def test_ids_are_asked_for_with_their_dot(bucket: Bucket, wire: Wire) -> None:
    metadata(bucket, "PMC113.1", "PMC1137.1", "PMC113.12", "PMC113.2")
    found = by_ids(wire, [(113, None)])
    assert versions(found) == ["113.1", "113.2", "113.12"]
    assert not found.notes


def test_ids_and_versions_that_are_not_there_are_told_one_by_one(bucket: Bucket, wire: Wire) -> None:
    metadata(bucket, "PMC1.1", "PMC1.2", "PMC2.1")
    found = by_ids(wire, [(9, None), (1, 2), (2, 7)])
    assert versions(found) == ["1.2"]
    assert found.notes == (
        "PMC9: the bucket has no such article",
        "PMC2.7: the bucket has no such version; it has 1",
    )


def test_a_list_of_more_than_one_page_is_read_to_its_end(bucket: Bucket, wire: Wire) -> None:
    for n in range(1005):
        bucket.put(f"many/{n:04d}", b"")
    assert len(list(listing(wire, "many/"))) == 1005


def test_no_bucket_is_told(bucket: Bucket) -> None:
    wire = Wire(bucket.endpoint + "-of-others", "me@example.org", patience=QUICK)
    with pytest.raises(DataError, match="there is no bucket at"):
        snapshot(wire)
    wire.close()


def test_the_inventory_rows_of_pmc_are_read(bucket: Bucket, wire: Wire, shared: Path) -> None:
    import gzip
    import hashlib

    body = gzip.compress((shared / "data" / "index" / "pmc_aws_inventory_sample.csv").read_bytes())
    bucket.put("data.csv.gz", body)
    files = [{"key": "data.csv.gz", "size": len(body), "MD5checksum": hashlib.md5(body).hexdigest()}]
    manifest = {"fileFormat": "CSV", "fileSchema": "Bucket, Key, LastModifiedDate, ETag", "files": files}
    bucket.put(f"{REPORTS}/{OLD}/manifest.json", json.dumps(manifest).encode())
    found = snapshot(wire)
    assert versions(found) == ["10000002.1", "10000003.1", "10000005.1"]
    assert found.table["etag"][0].as_py() == "f25d9c5f5b85338f62156faeedfc1e95"
