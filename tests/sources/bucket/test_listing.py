"""The listing of a bucket: the articles that `roco fetch` would download, stored for all later runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import DataError, SourceUnavailable, UsageError
from roco.base.schema import LISTING
from roco.core.spec import from_spec, to_spec
from roco.sources.bucket import catalog
from roco.sources.cloud import CloudSource
from roco.sources.fetch import commands
from tests.bucket import Bucket, Fault, Proxy
from tests.sources.bucket.conftest import MakeSource
from tests.sources.fetch.articles import NEW, OLD, options, put, xml
from tests.sources.fetch.conftest import QUICK


def articles(table: Any) -> list[str]:
    return list(table["article"].to_pylist())


@pytest.fixture
def filled(bucket: Bucket) -> Bucket:
    """Articles that are open, under another licence, retracted, closed, with two versions, and a manuscript."""
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1", license_code="CC BY-ND")
    put(bucket, "PMC3.1", is_retracted=True)
    put(bucket, "PMC4.1", is_pmc_openaccess=False)
    put(bucket, "PMC10.1")
    put(bucket, "PMC10.2", text="revised")
    put(bucket, "PMC11.1", is_manuscript=True)
    bucket.put_article("PMC12.1", b"<article", {"f1.jpg": b"x"})
    bucket.put_inventory(OLD)
    return bucket


def test_rows_and_packages_are_those_of_a_downloaded_folder(
    filled: Bucket, source: MakeSource, proxy: Proxy, tmp_path: Path
) -> None:
    commands.plan(tmp_path / "articles", options(proxy.endpoint))
    commands.run(tmp_path / "articles", policy=QUICK)
    on_disk, in_bucket = CloudSource(path=tmp_path / "articles"), source()
    listed, expected = in_bucket.listing(None), on_disk.listing(None)
    assert listed.schema == LISTING
    assert articles(listed) == ["PMC1", "PMC10", "PMC12"]
    assert listed["place"].to_pylist() == expected["place"].to_pylist()
    for row, row_on_disk in zip(listed.to_pylist(), expected.to_pylist(), strict=True):
        one, other = in_bucket.open(row["place"]), on_disk.open(row["place"])
        assert one.add_facts(row["facts"]) == row_on_disk["facts"]  # type: ignore[attr-defined]
        assert list(one.xmls) == list(other.xmls)
        assert [name for name, _ in one.files] == [name for name, _ in other.files]
        assert all(one.read(name) == other.read(name) for name, _ in one.files)


def test_a_stored_listing_is_read_without_the_bucket(
    filled: Bucket, source: MakeSource, proxy: Proxy, tmp_path: Path
) -> None:
    first = source().listing(None)
    put(filled, "PMC20.1")
    filled.put_inventory(NEW)
    proxy.rule = lambda key, n: Fault(reset=True)
    assert source().listing(first).equals(first)
    assert from_spec(to_spec(source())).listing(None).equals(first)


def test_another_snapshot_lists_the_bucket_again_and_downloads_only_new_metadata(
    filled: Bucket, source: MakeSource, proxy: Proxy
) -> None:
    first = source(snapshot="2026-11-20").listing(None)
    put(filled, "PMC20.1")
    filled.put_inventory(NEW)
    proxy.clear_records()
    second = source(snapshot="2026-11-21").listing(first)
    assert articles(second) == [*articles(first), "PMC20"]
    assert [key for key in proxy.requests if key.startswith("metadata/")] == ["metadata/PMC20.1.json"]
    assert source(snapshot="2026-11-20").listing(second).equals(first)


def test_an_article_with_another_licence_stays_listed_so_that_its_images_are_dropped_for_it(
    filled: Bucket, source: MakeSource
) -> None:
    first = source(snapshot="2026-11-20").listing(None)
    put(filled, "PMC1.1", license_code="CC BY-ND")
    filled.put_inventory(NEW)
    second = source(snapshot="2026-11-21").listing(first)
    assert articles(second) == articles(first)
    assert json.loads(second["facts"][0].as_py())["license"] == "CC BY-ND"
    assert second["digest"][0] != first["digest"][0]
    assert articles(source(snapshot="2026-11-21", retracted=True).listing(None)) == ["PMC10", "PMC12", "PMC3"]


def test_a_snapshot_that_lacks_many_articles_is_not_used(
    bucket: Bucket, source: MakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 5):
        put(bucket, f"PMC{number}.1")
    bucket.put_inventory(OLD)
    first = source(snapshot="2026-11-20").listing(None)
    for number in range(1, 4):
        bucket.delete(f"metadata/PMC{number}.1.json")
    bucket.put_inventory(NEW)
    monkeypatch.setattr(catalog, "MAX_REMOVED", 2)
    with pytest.raises(DataError, match="3 of 4 articles are missing"):
        source(snapshot="2026-11-21").listing(first)
    monkeypatch.setattr(catalog, "MAX_REMOVED", 3)
    assert articles(source(snapshot="2026-11-21").listing(first)) == ["PMC4"]


def test_a_bucket_that_cannot_be_reached_is_an_error_that_names_the_recipe(source: MakeSource) -> None:
    with pytest.raises(SourceUnavailable, match="cannot reach") as caught:
        source(endpoint="http://127.0.0.1:9/b").listing(None)
    assert "[source]" in caught.value.hint


@pytest.mark.parametrize("day", ["2026-13-40", "2026-11", "yesterday"])
def test_a_snapshot_is_a_day(source: MakeSource, day: str) -> None:
    with pytest.raises(UsageError, match="invalid day") as caught:
        source(snapshot=day).check()
    assert "2026-11-22" in caught.value.hint


def test_an_empty_list_of_ids_is_not_the_whole_bucket(source: MakeSource) -> None:
    with pytest.raises(UsageError, match="no PMCID"):
        source(ids=()).check()


def test_nothing_is_written_before_the_options_are_checked(source: MakeSource, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        source(contact="").listing(None)
    assert not (tmp_path / "state").exists()


def test_ids_are_listed_without_the_inventory(bucket: Bucket, source: MakeSource, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1")
    (tmp_path / "ids.txt").write_text("PMC2\nPMC7\n")
    assert articles(source(ids=("PMC1",)).listing(None)) == ["PMC1"]
    assert articles(source(ids=tmp_path / "ids.txt").listing(None)) == ["PMC2"]


def test_a_bucket_of_which_nothing_is_selected_is_an_error_with_the_reasons(bucket: Bucket, source: MakeSource) -> None:
    put(bucket, "PMC1.1", license_code="CC BY-ND")
    put(bucket, "PMC2.1", is_pmc_openaccess=False)
    bucket.put_inventory(OLD)
    with pytest.raises(DataError, match="closed 1, license 1"):
        source().listing(None)


def test_a_listing_with_a_flipped_bit_is_made_again(filled: Bucket, source: MakeSource, tmp_path: Path) -> None:
    first = source().listing(None)
    (path,) = (tmp_path / "state").glob("listing-*.parquet")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert source().listing(None).equals(first)


@pytest.mark.parametrize("pattern", ["catalog-*.arrow", "fetch/metadata/*.parquet"])
@pytest.mark.parametrize("damage", ["cut", "missing"])
def test_a_damaged_catalog_is_an_error_and_drops_no_article(
    filled: Bucket, source: MakeSource, tmp_path: Path, pattern: str, damage: str
) -> None:
    source().listing(None)
    (path,) = (tmp_path / "state").glob(pattern)
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match="missing or corrupt") as caught:
        _ = source().open("PMC1.1").files
    assert type(caught.value) is DataError


def test_metadata_of_another_article_are_never_used(filled: Bucket, source: MakeSource, tmp_path: Path) -> None:
    source().listing(None)
    bucket_source = source(ids=("PMC1",))
    bucket_source.listing(None)
    (of_ids,) = tmp_path.glob(f"state/catalog-{catalog.key_of(bucket_source)}.arrow")
    table = catalog.pa.ipc.open_file(of_ids).read_all()
    moved = table.set_column(2, "position", catalog.pa.array([1], catalog.pa.int64()))
    catalog._write_catalog(of_ids, moved, OLD)
    with pytest.raises(DataError, match="missing or corrupt"):
        _ = bucket_source.open("PMC1.1").files


def test_an_xml_of_another_article_has_no_images(bucket: Bucket, source: MakeSource) -> None:
    bucket.put_article("PMC1.1", xml("PMC2", "f1.jpg"), {"f1.jpg": b"x"})
    bucket.put_inventory(OLD)
    in_bucket = source()
    in_bucket.listing(None)
    assert [name for name, _ in in_bucket.open("PMC1.1").files] == ["PMC1.1.json", "PMC1.1.xml"]
