"""Reading files of a bucket: verified bytes whatever the network does; a reason only for what the bucket contains."""

from __future__ import annotations

import dataclasses
import gc
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from roco.base.errors import RejectedInput, SourceUnavailable
from roco.core.source import Wanted
from roco.sources.bucket import reader
from roco.sources.bucket.source import BucketSource
from tests.bucket import Bucket, Fault, Proxy, url
from tests.sources.bucket.conftest import MakeSource
from tests.sources.fetch.articles import OLD, image, put, xml

XML, F1 = "PMC1.1/PMC1.1.xml", "PMC1.1/f1.jpg"
HTML = b"<html><body>Sign in to the network</body></html>"


@pytest.fixture
def listed(bucket: Bucket, source: MakeSource) -> BucketSource:
    """A source whose bucket was listed."""
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1")
    bucket.put_inventory(OLD)
    made = source()
    made.listing(None)
    return made


def receipts(source: BucketSource) -> list[dict[str, object]]:
    (path,) = source.state.glob("fetch/receipts-*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=503, headers={"Retry-After": "0"}),
        Fault(status=500),
        Fault(reset=True),
        Fault(cut=10),
        Fault(change=True),
        Fault(body=HTML),
        Fault(status=404, headers={"Content-Type": "text/html"}, body=HTML),
        Fault(status=302, headers={"Location": "http://portal.example/"}),
        Fault(body=b""),
    ],
    ids=str,
)
def test_what_arrives_after_faults_are_the_bytes_of_the_bucket(
    listed: BucketSource, proxy: Proxy, fault: Fault
) -> None:
    proxy.rule = lambda key, n: fault if n <= 2 else None
    package = listed.open("PMC1.1")
    assert package.read("PMC1.1.xml") == xml("PMC1", "f1.jpg", "f2")
    assert package.read("f1.jpg") == image("PMC1", 1)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=503),
        Fault(status=500),
        Fault(reset=True),
        Fault(cut=10),
        Fault(change=True),
        Fault(body=HTML),
        Fault(status=404, headers={"Content-Type": "text/html"}, body=HTML),
        Fault(body=b""),
    ],
    ids=str,
)
def test_a_fault_that_does_not_end_is_an_error_of_the_run_and_no_reason_of_a_figure(
    listed: BucketSource, proxy: Proxy, fault: Fault
) -> None:
    proxy.rule = lambda key, n: fault
    with pytest.raises(SourceUnavailable, match="cannot read s3://pmc-oa-opendata"):
        listed.open("PMC1.1").read("f1.jpg")
    proxy.rule = lambda key, n: None
    assert listed.open("PMC1.1").read("f1.jpg") == image("PMC1", 1)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_object_that_only_the_bucket_lacks_is_a_reason_of_its_figure(
    listed: BucketSource, proxy: Proxy, status: int
) -> None:
    proxy.rule = lambda key, n: Fault(status=status) if key == F1 else None
    with pytest.raises(RejectedInput, match=f"f1.jpg'?: .*status {status}"):
        listed.open("PMC1.1").read("f1.jpg")
    assert proxy.requests[F1] == 1
    assert [line["status"] for line in receipts(listed) if line["key"] == F1] == [status]


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_bucket_that_answers_nothing_else_is_an_error_of_the_run(
    listed: BucketSource, proxy: Proxy, status: int
) -> None:
    proxy.rule = lambda key, n: Fault(status=status, body=b"<Error><Code>NoSuchBucket</Code></Error>")
    with pytest.raises(SourceUnavailable):
        listed.open("PMC1.1").read("f1.jpg")


def test_an_image_above_the_size_limit_is_a_reason_of_its_figure(listed: BucketSource, proxy: Proxy) -> None:
    proxy.rule = lambda key, n: Fault(length=1 << 40) if key == F1 else None
    with pytest.raises(RejectedInput, match="larger than the limit"):
        listed.open("PMC1.1").read("f1.jpg")


def test_an_object_that_changed_after_the_listing_is_a_reason_of_its_figure(
    listed: BucketSource, bucket: Bucket, proxy: Proxy
) -> None:
    bucket.put(F1, image("other"))
    with pytest.raises(RejectedInput, match="md5 does not match"):
        listed.open("PMC1.1").read("f1.jpg")


def test_a_changed_object_whose_etag_is_no_md5_is_tried_as_often_as_any_other(
    listed: BucketSource, bucket: Bucket, proxy: Proxy
) -> None:
    bucket.put(F1, image("other"))
    proxy.rule = lambda key, n: Fault(headers={"ETag": '"0123456789abcdef0123456789abcdef-2"'})
    with pytest.raises(RejectedInput, match="md5 does not match"):
        listed.open("PMC1.1").read("f1.jpg")
    assert proxy.requests[F1] == 6


def test_an_image_without_md5_in_the_metadata_is_verified_by_its_etag(
    bucket: Bucket, source: MakeSource, proxy: Proxy
) -> None:
    bare = url("PMC1.1/f1.jpg", b"").partition("?")[0]
    bucket.put_article("PMC1.1", xml("PMC1", "f1.jpg"), {"f1.jpg": image(1)}, media_urls=[bare])
    bucket.put_inventory(OLD)
    made = source()
    made.listing(None)
    proxy.rule = lambda key, n: Fault(change=True) if n == 1 else None
    assert made.open("PMC1.1").read("f1.jpg") == image(1)


@pytest.mark.parametrize("name", ["../PMC2.1/f1.jpg", "other.jpg", "", "PMC2.1.xml"])
def test_a_file_that_the_metadata_do_not_list_is_not_requested(listed: BucketSource, proxy: Proxy, name: str) -> None:
    proxy.clear_records()
    with pytest.raises(RejectedInput):
        listed.open("PMC1.1").read(name)
    assert not proxy.requests


def test_opening_a_version_and_reading_an_image_do_not_request_its_xml(listed: BucketSource, proxy: Proxy) -> None:
    proxy.clear_records()
    listed.open("PMC1.1").read("f1.jpg")
    assert list(proxy.requests) == [F1]


def test_announced_files_are_downloaded_at_the_same_time_and_once(listed: BucketSource, proxy: Proxy) -> None:
    proxy.clear_records()
    together = threading.Barrier(4, timeout=60)
    proxy.rule = wait_for(together)
    names = ("PMC1.1.xml", "f1.jpg", "f2.jpg", "PMC2.1.xml")
    listed.expect([Wanted("PMC2.1" if "PMC2" in name else "PMC1.1", name) for name in names])
    package = listed.open("PMC1.1")
    assert [package.read(name) for name in names[:3]] == [xml("PMC1", "f1.jpg", "f2"), image("PMC1", 1),
                                                          image("PMC1", 2)]  # fmt: skip
    assert listed.open("PMC2.1").read("PMC2.1.xml") == xml("PMC2", "f1.jpg", "f2")
    assert proxy.max_in_flight == 4
    assert set(proxy.requests.values()) == {1}


def wait_for(barrier: threading.Barrier) -> Callable[[str, int], Fault | None]:
    """Returns a rule that holds each response back until as many requests have arrived as the barrier has parties."""

    def rule(key: str, n: int) -> Fault | None:
        barrier.wait()
        return None

    return rule


def test_a_place_stands_for_its_xml_in_an_announcement(listed: BucketSource, proxy: Proxy) -> None:
    proxy.clear_records()
    listed.expect([Wanted("PMC1.1", None)])
    listed.expect([])
    listed.expect([Wanted("PMC1.1", None), Wanted("PMC2.1", None)])
    assert [listed.open(place).read(f"{place}.xml") for place in ("PMC1.1", "PMC2.1")]
    assert "f1.jpg" not in "".join(proxy.requests)


def test_a_file_that_does_not_arrive_in_time_is_an_error_of_the_run(
    listed: BucketSource, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "READ_WITHIN", 0.2)
    proxy.pause_after(1)
    with pytest.raises(SourceUnavailable, match="not downloaded within"):
        listed.open("PMC1.1").read("f1.jpg")
    proxy.resume()
    monkeypatch.setattr(reader, "READ_WITHIN", 600.0)
    assert listed.open("PMC1.1").read("f1.jpg") == image("PMC1", 1)


def test_files_arrive_before_the_engine_takes_the_worker_for_stalled() -> None:
    from roco.core.execute import STALL

    assert reader.READ_WITHIN < STALL


def test_every_object_has_a_receipt_with_the_snapshot(listed: BucketSource) -> None:
    package = listed.open("PMC1.1")
    package.read("PMC1.1.xml")
    package.read("f1.jpg")
    lines = receipts(listed)
    assert [line["key"] for line in lines] == [XML, F1]
    assert {line["snapshot"] for line in lines} == {OLD}
    assert lines[1]["bytes"] == len(image("PMC1", 1))
    in_listing = [json.loads(line)["key"] for line in (listed.state / "fetch/receipts.jsonl").read_text().splitlines()]
    assert sorted(in_listing) == ["metadata/PMC1.1.json", "metadata/PMC2.1.json"]


def test_requests_are_not_signed_and_name_the_contact(listed: BucketSource, proxy: Proxy) -> None:
    listed.open("PMC1.1").read("f1.jpg")
    for _, headers in proxy.headers:
        assert not {"authorization", "x-amz-date", "cookie"} & {name.lower() for name in headers}
        assert "mailto:me@example.org" in headers["User-Agent"]


def test_a_place_that_is_no_version_is_refused(listed: BucketSource) -> None:
    for place in ("PMC1", "../PMC1.1", "1/PMC1.1", ""):
        with pytest.raises(RejectedInput):
            listed.open(place)


def test_no_file_of_an_article_is_written(listed: BucketSource, tmp_path: Path) -> None:
    package = listed.open("PMC1.1")
    package.read("PMC1.1.xml")
    package.read("f1.jpg")
    names = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert names <= {".parquet", ".arrow", ".jsonl", ""}


def test_a_source_that_is_forgotten_closes_its_connections_before_anything_else_is_finalized(
    listed: BucketSource, proxy: Proxy
) -> None:
    stopped: list[bool] = []

    class Witness:
        """Notes, when it is finalized, whether the downloads were stopped."""

        def __init__(self, source: BucketSource) -> None:
            self.source = source

        def __del__(self) -> None:
            stopped.append(client.stop.is_set())

    source = BucketSource(**{field.name: getattr(listed, field.name) for field in dataclasses.fields(listed)})
    source.__dict__["earlier"] = Witness(source)
    source.open("PMC1.1").read("PMC1.1.xml")
    source.__dict__["later"] = Witness(source)
    client = source._reader._downloads._client  # type: ignore[union-attr]
    del source
    gc.collect()
    assert stopped == [True, True]
