"""`roco fetch plan`: articles are selected by their metadata, and nothing else is downloaded."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import DataError, UsageError
from roco.base.sealed_tables import read_table
from roco.sources.fetch import commands
from roco.sources.fetch.errors import DownloadFailed
from roco.sources.fetch.make_plan import ArticleSize, estimate
from roco.sources.fetch.metadata_cache import MetadataCache
from roco.sources.fetch.plan import Estimate, Plan, plan_path, read_plan, write_plan
from tests.bucket import Bucket, Fault, Proxy
from tests.sources.fetch.articles import OLD, options, put
from tests.sources.fetch.conftest import QUICK


def chosen(folder: Path) -> dict[int, dict[str, Any]]:
    return {row["number"]: row for row in read_plan(folder).table.to_pylist() if row["chosen"]}


def test_planning_downloads_metadata_only(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1")
    bucket.put_inventory(OLD)
    with Proxy(bucket.endpoint) as proxy:
        plan = commands.plan(tmp_path, options(proxy.endpoint), policy=QUICK)
        downloaded = [key for key in proxy.requests if not key.startswith(("?", "inventory-reports/", "metadata/"))]
    assert downloaded == []
    assert plan.summary.wanted == plan.summary.to_download == 2
    # XML and three images of each: only the XML shows which of these belong to figures.
    assert plan.summary.estimate.files == 8
    assert plan.summary.estimate.bytes == sum(
        len(bucket.get(key)) for key in bucket.names("PMC") if key.endswith((".xml", ".jpg"))
    )


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        ({}, None),
        ({"license_code": "CC BY-NC"}, None),
        ({"license_code": "CC BY-ND"}, "license"),
        ({"license_code": None}, "license"),
        ({"license_code": "TDM"}, "license"),
        ({"is_pmc_openaccess": False}, "closed"),
        ({"is_pmc_openaccess": None}, "closed"),
        ({"is_retracted": True}, "retracted"),
        ({"is_manuscript": True}, "manuscript"),
        ({"is_historical_ocr": True}, "ocr"),
        ({"citation": "J. 2015 Apr 3"}, "date"),
        ({"citation": "J. 2024"}, "date"),
        ({"citation": "J Appl Physiol (1985). 2020 Jan 15; 118(2):103-10"}, None),
        ({"citation": "in press"}, None),  # decided by the XML
        ({"pmcid": "PMC77"}, "metadata"),
    ],
    ids=str,
)
def test_an_article_is_excluded_for_a_reason(bucket: Bucket, tmp_path: Path, meta: Any, reason: str | None) -> None:
    put(bucket, "PMC1.1", **meta)
    bucket.put_inventory(OLD)
    plan = commands.plan(tmp_path, options(bucket.endpoint, first_year=2016, last_year=2022), policy=QUICK)
    row = chosen(tmp_path)[1]
    assert (row["state"], row["reason"]) == ("excluded" if reason else "wanted", reason)
    assert plan.summary.excluded == ({reason: 1} if reason else {})


def test_excluded_articles_can_be_included(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "PMC1.1", is_retracted=True)
    put(bucket, "PMC2.1", is_manuscript=True)
    put(bucket, "PMC3.1", license_code="CC0")
    bucket.put_inventory(OLD)
    wanted = options(bucket.endpoint, retracted=True, manuscripts=True, licenses=("CC-BY", "CC0"))
    assert commands.plan(tmp_path, wanted, policy=QUICK).summary.wanted == 3


def test_the_newest_open_version_represents_its_article(bucket: Bucket, tmp_path: Path) -> None:
    for version in (2, 9, 10):
        put(bucket, f"PMC1.{version}")
    put(bucket, "PMC2.1")
    put(bucket, "PMC2.2", is_pmc_openaccess=False, license_code="TDM", is_manuscript=True)
    put(bucket, "PMC3.1")
    put(bucket, "PMC3.2", is_pmc_openaccess=False, is_retracted=True)
    bucket.put_inventory(OLD)
    commands.plan(tmp_path, options(bucket.endpoint), policy=QUICK)
    rows = chosen(tmp_path)
    assert [rows[n]["version"] for n in (1, 2, 3)] == [10, 1, 1]
    # a retraction in a newer version applies to the older one
    assert [rows[n]["reason"] for n in (1, 2, 3)] == [None, None, "retracted"]


def test_cached_metadata_are_not_downloaded_again(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1")
    bucket.put_inventory(OLD)
    with Proxy(bucket.endpoint) as proxy:
        commands.plan(tmp_path, options(proxy.endpoint), policy=QUICK)
        proxy.clear_records()
        put(bucket, "PMC2.1", license_code="CC BY-ND")
        put(bucket, "PMC3.1")
        bucket.put_inventory("2026-11-22T01-00Z")
        commands.plan(tmp_path, options(proxy.endpoint), policy=QUICK)
        requested = sorted(key for key in proxy.requests if key.startswith("metadata/"))
    assert requested == ["metadata/PMC2.1.json", "metadata/PMC3.1.json"]
    assert chosen(tmp_path)[2]["license"] == "CC-BY-ND"


@pytest.mark.parametrize(
    "text", ["{", "[" * 100_000, '{"rows": "' + "x" * 300 + '"}', '{"rows": "../x"}', "[]", '{"rows": 7}']
)
def test_a_damaged_plan_is_one_error(tmp_path: Path, text: str) -> None:
    plan_path(tmp_path).parent.mkdir()
    plan_path(tmp_path).write_text(text)
    with pytest.raises(DataError) as caught:
        read_plan(tmp_path)
    assert "plan" in caught.value.message and "roco fetch plan" in caught.value.hint


def test_an_interrupted_plan_keeps_the_downloaded_metadata(bucket: Bucket, tmp_path: Path) -> None:
    for n in range(1, 9):
        put(bucket, f"PMC{n}.1")
    bucket.put_inventory(OLD)
    with Proxy(bucket.endpoint) as proxy:
        proxy.rule = lambda key, n: Fault(status=500) if key == "metadata/PMC5.1.json" else None
        with pytest.raises(DownloadFailed, match=r"PMC5\.1\.json: status 500"):
            commands.plan(tmp_path, options(proxy.endpoint), policy=QUICK)
        with pytest.raises(DataError, match="no plan in"):
            read_plan(tmp_path)
        proxy.clear_records()
        proxy.rule = lambda key, n: None
        assert commands.plan(tmp_path, options(proxy.endpoint), policy=QUICK).summary.wanted == 8
        assert [key for key in proxy.requests if key.startswith("metadata/")] == ["metadata/PMC5.1.json"]


def test_an_article_without_metadata_in_the_bucket_is_excluded(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1")
    bucket.put_inventory(OLD)
    bucket.delete("metadata/PMC2.1.json")
    plan = commands.plan(tmp_path, options(bucket.endpoint), policy=QUICK)
    assert (plan.summary.wanted, plan.summary.excluded) == (1, {"metadata": 1})
    assert chosen(tmp_path)[2]["detail"] == "metadata: not in the bucket (status 404)"


def test_the_size_of_many_articles_is_estimated_from_a_sample(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roco.sources.fetch.make_plan.MAX_SAMPLE", 3)
    for n in range(1, 10):
        put(bucket, f"PMC{n}.1")
    bucket.put_inventory(OLD)
    plan = commands.plan(tmp_path, options(bucket.endpoint), policy=QUICK)
    assert (plan.summary.estimate.sampled, plan.summary.estimate.files) == (3, 36)


def test_a_corrupt_plan_is_an_error(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    bucket.put_inventory(OLD)
    commands.plan(tmp_path, options(bucket.endpoint), policy=QUICK)
    (rows,) = (tmp_path / "fetch").glob("plan-*.parquet")
    rows.write_bytes(rows.read_bytes()[:-9])
    with pytest.raises(DataError, match="corrupt file") as err:
        commands.run(tmp_path, policy=QUICK)
    assert "roco fetch plan" in err.value.hint


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["PMC12"], ((12, None),)),
        (["12", "pmc0013.4"], ((12, None), (13, 4))),
        (["PMC1,PMC2.1", "PMC1"], ((1, None), (2, 1))),
    ],
)
def test_ids_are_parsed(words: list[str], ids: object) -> None:
    assert commands.parse_ids(words) == ids


def test_ids_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "ids.csv"
    path.write_text("\ufeffPMCID,title\nPMC1,a\n\n# a comment\nPMC2.3\n", encoding="utf-8")
    assert commands.parse_ids([str(path)]) == ((1, None), (2, 3))
    path.write_text("PMC1\nhello\n")
    with pytest.raises(DataError, match=r"invalid PMCID 'hello' .*line 2"):
        commands.parse_ids([str(path)])
    with pytest.raises(UsageError, match="neither a PMCID nor a file: 'nothing'"):
        commands.parse_ids(["nothing"])


@pytest.mark.parametrize("contact", ["", "me", "me@example.org\r\nX: y", "a b@c", "<me@example.org>"])
def test_an_invalid_mail_address_is_rejected(tmp_path: Path, contact: str) -> None:
    with pytest.raises(UsageError, match="invalid mail address"):
        commands.plan(tmp_path, replace(options("http://127.0.0.1:9"), contact=contact), policy=QUICK)


def test_invalid_metadata_exclude_their_article_and_the_others_are_planned(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    for n, body in ((2, b"x" * (2 << 20)), (3, b""), (4, b"[" * 100_000), (5, b"\xff\xfe")):
        bucket.put(f"metadata/PMC{n}.1.json", body)
    bucket.put_inventory(OLD)
    plan = commands.plan(tmp_path, options(bucket.endpoint), policy=QUICK)
    assert (plan.summary.wanted, plan.summary.excluded) == (1, {"metadata": 4})
    assert chosen(tmp_path)[2]["detail"] == "metadata: larger than the limit (status 413)"
    assert chosen(tmp_path)[3]["detail"] == "metadata: not JSON"


@pytest.mark.parametrize(
    "command", [lambda folder: commands.plan(folder, options("http://127.0.0.1:9")), commands.run, commands.verify]
)
def test_a_file_instead_of_a_folder_is_an_error(tmp_path: Path, command: Any) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError):
        command(tmp_path / "file")


class Killed(BaseException):
    """Stands for the end of the process."""


def kill_at(monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    """Makes the n-th rename or deletion raise Killed instead; those before it are done."""
    remaining = [n]

    def killing(operation: Any) -> Any:
        def operate(*args: Any, **more: Any) -> Any:
            remaining[0] -= 1
            if remaining[0] < 0:
                raise Killed
            return operation(*args, **more)

        return operate

    monkeypatch.setattr(os, "replace", killing(os.replace))
    monkeypatch.setattr(Path, "unlink", killing(Path.unlink))


def test_a_kill_at_any_write_leaves_the_old_plan_or_the_new_one(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bucket, "PMC1.1")
    bucket.put_inventory(OLD)
    old = commands.plan(tmp_path, options(bucket.endpoint), policy=QUICK)
    new = Plan(old.options, replace(old.summary, wanted=0), old.table.slice(0, 0))
    found = []
    n_writes = 0
    killed = True
    while killed:
        write_plan(tmp_path, old)
        with monkeypatch.context() as patch:
            kill_at(patch, n_writes)
            try:
                write_plan(tmp_path, new)
                killed = False
            except Killed:
                n_writes += 1
        plan = read_plan(tmp_path)  # raises if the main file names rows that do not exist
        assert plan in (old, new)
        found.append(plan == new)
    # The rows twice (written, named), then the main file; after it the new plan is in place.
    assert found == [False, False, False, True, True]


def test_writing_a_plan_removes_the_rows_of_the_previous_one(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    bucket.put_inventory(OLD)
    plan = commands.plan(tmp_path, options(bucket.endpoint), policy=QUICK)
    write_plan(tmp_path, plan._replace(table=plan.table.slice(0, 0)))
    assert len(list((tmp_path / "fetch").glob("plan-*.parquet"))) == 1


def test_the_time_is_limited_by_requests_or_by_bandwidth() -> None:
    small = [ArticleSize(files=10, bytes=1000)]
    assert estimate(small, 3, 5.0) == Estimate(files=30, bytes=3000, sampled=1, requests_per_second=5, seconds=6)
    large = [ArticleSize(files=1, bytes=25_000_000), ArticleSize(files=1, bytes=75_000_000)]
    assert estimate(large, 4, 5.0).seconds == 16
    assert estimate([], 0, 5.0).seconds == 0


def test_only_four_shards_are_kept_in_memory(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roco.sources.fetch.metadata_cache.VERSIONS_PER_SHARD", 1)
    for n in range(1, 7):
        put(bucket, f"PMC{n}.1")
    bucket.put_inventory(OLD)
    commands.plan(tmp_path, options(bucket.endpoint), policy=QUICK)
    cache = MetadataCache(tmp_path / "fetch" / "metadata")
    assert len(cache.shards) == 6
    read: list[str] = []

    def count_reads(path: Path) -> Any:
        read.append(path.name)
        return read_table(path)

    monkeypatch.setattr("roco.sources.fetch.metadata_cache.read_table", count_reads)
    for shard in (0, 1, 2, 3, 0, 4, 0, 1):
        assert cache.read(shard << 32).status == 200
    # Shard 1 was used least recently when shard 4 was read, shard 0 was not.
    assert [name[5] for name in read] == ["1", "2", "3", "4", "5", "2"]
