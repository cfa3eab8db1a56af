"""The client: one object over a network that fails in every way."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roco.base.errors import DataError
from roco.sources.fetch.client import BucketClient, Download
from roco.sources.fetch.errors import BucketUnreachable, DownloadFailed, ObjectUnavailable
from roco.sources.fetch.partial_download import PartialDownload
from roco.sources.fetch.response import retry_after_seconds
from roco.sources.fetch.retry import RetryPolicy
from tests.bucket import Bucket, Fault, Proxy, Rule
from tests.sources.fetch.conftest import QUICK

BODY = bytes(range(256)) * 400
MD5 = hashlib.md5(BODY).hexdigest()
KEY = "PMC1.1/f1.jpg"
LIMIT = 1 << 20
PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"


@pytest.fixture(scope="module")
def content(server: Bucket) -> Bucket:
    server.put(KEY, BODY)
    server.put("PMC1.1/empty.jpg", b"")
    server.put("PMC1.1/a b+c%20d&é.jpg", b"odd")
    return server


@pytest.fixture
def proxy(content: Bucket) -> Iterator[Proxy]:
    with Proxy(content.endpoint) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: Proxy) -> Iterator[BucketClient]:
    with connected(proxy) as client:
        yield client


@contextmanager
def connected(proxy: Proxy, policy: RetryPolicy = QUICK, **more: Any) -> Iterator[BucketClient]:
    client = BucketClient(proxy.endpoint, "me@example.org", policy=policy, **more)
    try:
        yield client
    finally:
        client.close()


def first(*faults: Fault) -> Rule:
    """Injects the faults one after the other, then none."""
    return lambda key, n: faults[n - 1] if n <= len(faults) else None


def always(fault: Fault) -> Rule:
    return lambda key, n: fault


def test_an_object_is_downloaded_with_its_digests(client: BucketClient, proxy: Proxy, tmp_path: Path) -> None:
    got = client.get(KEY, limit=LIMIT, md5=MD5, path=tmp_path / "f1.jpg")
    assert (tmp_path / "f1.jpg").read_bytes() == BODY
    assert got == Download(KEY, MD5, MD5, hashlib.sha256(BODY).hexdigest(), len(BODY), b"")
    assert client.get(KEY, limit=LIMIT).data == BODY
    assert [p.name for p in tmp_path.iterdir()] == ["f1.jpg"]


def test_every_request_has_the_mail_address(client: BucketClient, proxy: Proxy) -> None:
    client.get(KEY, limit=LIMIT)
    assert proxy.headers[0][1]["User-Agent"].startswith("roco/")
    assert "(mailto:me@example.org)" in proxy.headers[0][1]["User-Agent"]
    assert "Authorization" not in proxy.headers[0][1]


def test_keys_with_special_characters_are_quoted(client: BucketClient) -> None:
    assert client.get("PMC1.1/a b+c%20d&é.jpg", limit=LIMIT).data == b"odd"


def test_a_truncated_body_is_resumed(client: BucketClient, proxy: Proxy, tmp_path: Path) -> None:
    proxy.rule = first(Fault(cut=1000))
    client.get(KEY, limit=LIMIT, md5=MD5, path=tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    assert proxy.headers[1][1]["Range"] == "bytes=1000-"
    assert proxy.headers[1][1]["If-Range"] == f'"{MD5}"'


def test_the_partial_download_of_another_process_is_resumed(client: BucketClient, proxy: Proxy, tmp_path: Path) -> None:
    (tmp_path / f".f.{MD5}.part").write_bytes(BODY[:5000])
    client.get(KEY, limit=LIMIT, md5=MD5, path=tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    assert proxy.headers[0][1]["Range"] == "bytes=5000-"


def test_a_completely_received_partial_download_is_not_requested_again(
    client: BucketClient, proxy: Proxy, tmp_path: Path
) -> None:
    (tmp_path / f".f.{MD5}.part").write_bytes(BODY)
    client.get(KEY, limit=LIMIT, md5=MD5, path=tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    assert not proxy.headers


@pytest.mark.parametrize("left", [BODY, BODY + b"more"], ids=["full", "longer"])
def test_a_partial_download_that_cannot_be_resumed_starts_again(
    client: BucketClient, proxy: Proxy, tmp_path: Path, left: bytes
) -> None:
    (tmp_path / f".f.{MD5}.part").write_bytes(left)
    client.get(KEY, limit=LIMIT, path=tmp_path / "f")  # without an MD5 only the server can notice
    assert (tmp_path / "f").read_bytes() == BODY


def test_the_download_of_a_changed_object_starts_again(client: BucketClient, proxy: Proxy, tmp_path: Path) -> None:
    (tmp_path / f".f.{'0' * 32}.part").write_bytes(b"of the previous object")
    client.get(KEY, limit=LIMIT, md5=MD5, path=tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    assert len(proxy.headers) == 1


def test_another_byte_range_than_requested_is_not_appended(client: BucketClient, proxy: Proxy, tmp_path: Path) -> None:
    (tmp_path / f".f.{MD5}.part").write_bytes(BODY[:5000])
    wrong = Fault(206, {"ETag": f'"{MD5}"', "Content-Range": f"bytes 0-99/{len(BODY)}"}, BODY[:100])
    proxy.rule = first(wrong)
    client.get(KEY, limit=LIMIT, path=tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500), Fault(status=408), Fault(status=429), Fault(status=503), Fault(status=400),
        Fault(reset=True), Fault(cut=0), Fault(cut=77), Fault(length=10), Fault(change=True), Fault(body=PAGE),
        Fault(body=b""), Fault(status=302, headers={"Location": "http://login.example/"}),
        Fault(status=403, headers={"Content-Type": "text/html; charset=utf-8"}, body=PAGE),
    ],
    ids=lambda f: str({k: v for k, v in vars(f).items() if v})[:40],
)  # fmt: skip
def test_a_request_that_fails_once_is_repeated(
    client: BucketClient, proxy: Proxy, tmp_path: Path, fault: Fault
) -> None:
    proxy.rule = first(fault)
    client.get(KEY, limit=LIMIT, md5=MD5, path=tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    assert proxy.requests[KEY] == (1 if fault.length else 2)  # the body was complete, only Content-Length was wrong


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(status=500), "status 500"),
        (Fault(change=True), f"expected {MD5}"),
        (Fault(reset=True), "connection lost"),
        (Fault(cut=0), "connection lost"),
        (Fault(body=b""), "the response is empty"),
    ],
)
def test_a_request_that_always_fails_stops_with_the_reason(
    client: BucketClient, proxy: Proxy, fault: Fault, reason: str
) -> None:
    proxy.rule = always(fault)
    with pytest.raises(DownloadFailed, match=reason):
        client.get(KEY, limit=LIMIT, md5=MD5)
    assert proxy.requests[KEY] == QUICK.max_failed


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_unavailable_object_is_requested_once(client: BucketClient, proxy: Proxy, status: int) -> None:
    proxy.rule = always(Fault(status=status, headers={"Content-Type": "application/xml"}, body=b"<Error/>"))
    with pytest.raises(ObjectUnavailable):
        client.get(KEY, limit=LIMIT)
    assert proxy.requests[KEY] == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(body=PAGE),
        Fault(body=b"\n <html>"),
        Fault(status=404, headers={"Content-Type": "text/html"}, body=PAGE),
        Fault(status=307, headers={"Location": "https://login.example/"}),
    ],
    ids=["page", "short page", "page for 404", "redirect"],
)
def test_html_pages_and_redirects_of_a_proxy_end_the_download(client: BucketClient, proxy: Proxy, fault: Fault) -> None:
    proxy.rule = always(fault)
    with pytest.raises(BucketUnreachable, match="is there a proxy"):
        client.get(KEY, limit=LIMIT)
    assert proxy.requests[KEY] == QUICK.max_unreachable_at_start


def test_an_object_that_is_an_html_page_is_accepted_by_its_md5(client: BucketClient, content: Bucket) -> None:
    content.put("PMC1.1/s1.jpg", PAGE)
    assert client.get("PMC1.1/s1.jpg", limit=LIMIT, md5=hashlib.md5(PAGE).hexdigest()).data == PAGE


def test_an_unreachable_server_is_reported_after_few_tries() -> None:
    client = BucketClient("http://127.0.0.1:9", "me@example.org", policy=QUICK)
    with pytest.raises(BucketUnreachable, match=r"cannot reach 127\.0\.0\.1:9"):
        client.get(KEY, limit=LIMIT)
    assert client.requests == QUICK.max_unreachable_at_start
    client.close()


def test_throttled_requests_have_a_limit_of_their_own(proxy: Proxy) -> None:
    proxy.rule = first(*[Fault(status=503)] * 8, Fault(status=500))
    with connected(proxy, replace(QUICK, max_failed=2, max_throttled=9)) as client:
        assert client.get(KEY, limit=LIMIT).data == BODY
    proxy.rule = always(Fault(status=429))
    with connected(proxy, replace(QUICK, max_throttled=3)) as client, pytest.raises(DownloadFailed, match="3 tries"):
        client.get(KEY, limit=LIMIT)


def pauses(proxy: Proxy, draw: float, policy: RetryPolicy, *faults: Fault) -> list[float]:
    proxy.rule = first(*faults)
    slept: list[float] = []
    with connected(proxy, policy, sleep=slept.append, draw=lambda: draw, now=lambda: 0.0) as client:
        client.get(KEY, limit=LIMIT)
    return slept


def test_pauses_grow_up_to_a_limit_and_are_random(proxy: Proxy) -> None:
    policy = RetryPolicy(base_pause=0.5, max_pause=3.0, max_failed=9)
    faults = [Fault(status=500)] * 5
    assert pauses(proxy, 1.0, policy, *faults) == [1.0, 2.0, 3.0, 3.0, 3.0]
    proxy.clear_records()
    assert pauses(proxy, 0.25, policy, *faults) == [0.25, 0.5, 0.75, 0.75, 0.75]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("100000", 300), ("soon", 0), ("-3", 0), ("", 0),
     ("Thu, 01 Jan 1970 00:16:40 GMT", 40), ("Thu, 01 Jan 1970 00:00:01 GMT", 0)],
)  # fmt: skip
def test_retry_after_is_a_number_or_a_date(header: str, seconds: float) -> None:
    assert retry_after_seconds(header, time=960.0) == seconds


def test_the_pause_is_at_least_retry_after(proxy: Proxy) -> None:
    slept = pauses(proxy, 0.0, QUICK, Fault(status=503, headers={"Retry-After": "7"}))
    assert slept[0] == 7.0


def test_a_throttled_request_holds_back_all_others(proxy: Proxy) -> None:
    later = Fault(status=503, headers={"Retry-After": "5"})
    proxy.rule = lambda key, n: later if key == KEY and n == 1 else None
    slept: list[float] = []
    with connected(proxy, QUICK, sleep=slept.append, draw=lambda: 0.0, now=lambda: 100.0) as client:
        client.get(KEY, limit=LIMIT)
        slept.clear()
        client.get("PMC1.1/empty.jpg", limit=LIMIT, md5=hashlib.md5().hexdigest())
    assert slept == [5.0]


def test_a_slow_connection_is_closed_and_the_download_resumed(proxy: Proxy, tmp_path: Path) -> None:
    clock = [0.0]

    def now() -> float:
        """Advances in the first request only, 100 s for each piece."""
        clock[0] += 100.0 if len(proxy.headers) == 1 else 0.0
        return clock[0]

    slow = replace(QUICK, idle_timeout=30.0, min_speed=1e9)
    with connected(proxy, slow, now=now, sleep=lambda seconds: None) as client:
        client.get(KEY, limit=LIMIT, md5=MD5, path=tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    assert len(proxy.headers) == 2
    assert 0 < int(proxy.headers[1][1]["Range"].removeprefix("bytes=").removesuffix("-")) < len(BODY)


def test_an_object_above_the_limit_is_not_downloaded(client: BucketClient, proxy: Proxy) -> None:
    with pytest.raises(ObjectUnavailable, match="larger than the limit"):
        client.get(KEY, limit=1000)
    assert client.bytes == 0


def test_there_are_never_more_than_64_connections() -> None:
    client = BucketClient("http://127.0.0.1:9", "me@example.org", connections=1000)
    assert client.connections == 64
    client.close()


def test_the_receipt_is_written_before_the_file_is_renamed(client: BucketClient, tmp_path: Path) -> None:
    exists: list[bool] = []
    look: Callable[[Download], object] = lambda download: exists.append((tmp_path / "f").exists())  # noqa: E731
    client.get(KEY, limit=LIMIT, path=tmp_path / "f", before_rename=look)
    assert exists == [False]


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["cut", "reset", "500", "503", "page", "wrong"]), max_size=5), st.integers(0, 102_399))
def test_after_any_sequence_of_faults_the_bytes_are_the_objects(
    proxy: Proxy, tmp_path: Path, faults: list[str], cut: int
) -> None:
    kinds = {
        "cut": Fault(cut=cut), "reset": Fault(reset=True), "500": Fault(status=500), "503": Fault(status=503),
        "page": Fault(body=PAGE), "wrong": Fault(change=True),
    }  # fmt: skip
    proxy.clear_records()
    proxy.rule = first(*(kinds[name] for name in faults))
    (tmp_path / "f").unlink(missing_ok=True)
    with connected(proxy, replace(QUICK, max_unreachable_at_start=9)) as client:
        got = client.get(KEY, limit=LIMIT, md5=MD5, path=tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    assert got.sha256 == hashlib.sha256(BODY).hexdigest()
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_partial_download_without_a_usable_etag_is_deleted(tmp_path: Path) -> None:
    for etag in ("", "../../x", "a" * 200):
        partial = PartialDownload(tmp_path / "f")
        partial.start(etag)
        partial.append(b"half")
        partial.close()
        assert not list(tmp_path.iterdir())


def test_of_two_partial_downloads_the_newer_is_resumed(tmp_path: Path) -> None:
    for etag, text, mtime in (("aa", b"old", 1), ("bb", b"new", 2)):
        path = tmp_path / f".f.{etag}.part"
        path.write_bytes(text)
        os.utime(path, (mtime, mtime))
    partial = PartialDownload(tmp_path / "f")
    assert (partial.etag, partial.size, partial.md5) == ("bb", 3, hashlib.md5(b"new").hexdigest())
    partial.close()
    assert [p.name for p in tmp_path.iterdir()] == [".f.bb.part"]


def test_download_errors_are_data_errors() -> None:
    assert all(issubclass(kind, DataError) for kind in (ObjectUnavailable, DownloadFailed, BucketUnreachable))
