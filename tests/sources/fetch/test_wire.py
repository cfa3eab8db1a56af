"""One object over a network that does whatever networks do."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roco.base.errors import DataError
from roco.sources.fetch.body import Body
from roco.sources.fetch.wire import Failed, Gone, Got, Patience, Unreachable, Wire
from tests.bucket import Bucket, Fault, Proxy, Rule
from tests.sources.fetch.conftest import QUICK

BODY = bytes(range(256)) * 400
MD5 = hashlib.md5(BODY).hexdigest()
KEY = "PMC1.1/f1.jpg"
LIMIT = 1 << 20
PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"


@pytest.fixture(scope="module")
def full(server: Bucket) -> Bucket:
    server.put(KEY, BODY)
    server.put("PMC1.1/empty.jpg", b"")
    server.put("PMC1.1/a b+c%20d&é.jpg", b"odd")
    return server


@pytest.fixture
def proxy(full: Bucket) -> Iterator[Proxy]:
    with Proxy(full.endpoint) as proxy:
        yield proxy


@pytest.fixture
def wire(proxy: Proxy) -> Iterator[Wire]:
    with closing_wire(proxy) as wire:
        yield wire


class closing_wire:
    def __init__(self, proxy: Proxy, patience: Patience = QUICK, **more: Any) -> None:
        self.wire = Wire(proxy.endpoint, "me@example.org", patience=patience, **more)

    def __enter__(self) -> Wire:
        return self.wire

    def __exit__(self, *_: object) -> None:
        self.wire.close()


def first(*faults: Fault) -> Rule:
    """The faults one after the other, then none."""
    return lambda key, n: faults[n - 1] if n <= len(faults) else None


def always(fault: Fault) -> Rule:
    return lambda key, n: fault


def test_an_object_comes_in_full_with_its_digests(wire: Wire, proxy: Proxy, tmp_path: Path) -> None:
    got = wire.get(KEY, limit=LIMIT, md5=MD5, part=tmp_path / "f1.jpg")
    assert (tmp_path / "f1.jpg").read_bytes() == BODY
    assert got == Got(KEY, MD5, MD5, hashlib.sha256(BODY).hexdigest(), len(BODY), b"")
    assert wire.get(KEY, limit=LIMIT).data == BODY
    assert [p.name for p in tmp_path.iterdir()] == ["f1.jpg"]


def test_every_request_says_who_asks(wire: Wire, proxy: Proxy) -> None:
    wire.get(KEY, limit=LIMIT)
    assert proxy.heads[0][1]["User-Agent"].startswith("roco/")
    assert "(mailto:me@example.org)" in proxy.heads[0][1]["User-Agent"]
    assert "Authorization" not in proxy.heads[0][1]


def test_names_with_odd_characters_are_asked_for_as_they_are(wire: Wire) -> None:
    assert wire.get("PMC1.1/a b+c%20d&é.jpg", limit=LIMIT).data == b"odd"


def test_a_body_that_is_cut_is_gone_on_with(wire: Wire, proxy: Proxy, tmp_path: Path) -> None:
    proxy.rule = first(Fault(cut=1000))
    wire.get(KEY, limit=LIMIT, md5=MD5, part=tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    assert proxy.heads[1][1]["Range"] == "bytes=1000-"
    assert proxy.heads[1][1]["If-Range"] == f'"{MD5}"'


def test_what_another_process_left_is_gone_on_with(wire: Wire, proxy: Proxy, tmp_path: Path) -> None:
    (tmp_path / f".f.{MD5}.part").write_bytes(BODY[:5000])
    wire.get(KEY, limit=LIMIT, md5=MD5, part=tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    assert proxy.heads[0][1]["Range"] == "bytes=5000-"


def test_what_was_there_in_full_is_not_asked_for_again(wire: Wire, proxy: Proxy, tmp_path: Path) -> None:
    (tmp_path / f".f.{MD5}.part").write_bytes(BODY)
    wire.get(KEY, limit=LIMIT, md5=MD5, part=tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    assert not proxy.heads


@pytest.mark.parametrize("left", [BODY, BODY + b"more"], ids=["full", "longer"])
def test_a_range_that_cannot_be_had_is_begun_anew(wire: Wire, proxy: Proxy, tmp_path: Path, left: bytes) -> None:
    (tmp_path / f".f.{MD5}.part").write_bytes(left)
    wire.get(KEY, limit=LIMIT, part=tmp_path / "f")  # no MD5 is promised, so that only the server can tell
    assert (tmp_path / "f").read_bytes() == BODY


def test_an_object_that_changed_meanwhile_is_begun_anew(wire: Wire, proxy: Proxy, tmp_path: Path) -> None:
    (tmp_path / f".f.{'0' * 32}.part").write_bytes(b"of another time")
    wire.get(KEY, limit=LIMIT, md5=MD5, part=tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    assert len(proxy.heads) == 1


def test_another_part_than_was_asked_for_is_not_put_behind_what_is_there(
    wire: Wire, proxy: Proxy, tmp_path: Path
) -> None:
    (tmp_path / f".f.{MD5}.part").write_bytes(BODY[:5000])
    wrong = Fault(206, {"ETag": f'"{MD5}"', "Content-Range": f"bytes 0-99/{len(BODY)}"}, BODY[:100])
    proxy.rule = first(wrong)
    wire.get(KEY, limit=LIMIT, part=tmp_path / "f")
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
def test_what_fails_once_is_tried_again(wire: Wire, proxy: Proxy, tmp_path: Path, fault: Fault) -> None:
    proxy.rule = first(fault)
    wire.get(KEY, limit=LIMIT, md5=MD5, part=tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    assert proxy.asked[KEY] == (1 if fault.length else 2)  # all came, and the promised rest was none


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(status=500), "status 500"),
        (Fault(change=True), f"{MD5} was promised"),
        (Fault(reset=True), "the connection broke off"),
        (Fault(cut=0), "the connection broke off"),
        (Fault(body=b""), "it is empty"),
    ],
)
def test_what_fails_always_is_given_up_with_its_reason(wire: Wire, proxy: Proxy, fault: Fault, said: str) -> None:
    proxy.rule = always(fault)
    with pytest.raises(Failed, match=said):
        wire.get(KEY, limit=LIMIT, md5=MD5)
    assert proxy.asked[KEY] == QUICK.failed


@pytest.mark.parametrize("status", [403, 404, 410])
def test_what_is_gone_is_asked_for_once(wire: Wire, proxy: Proxy, status: int) -> None:
    proxy.rule = always(Fault(status=status, headers={"Content-Type": "application/xml"}, body=b"<Error/>"))
    with pytest.raises(Gone):
        wire.get(KEY, limit=LIMIT)
    assert proxy.asked[KEY] == 1


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
def test_a_proxy_that_answers_pages_ends_the_work_with_a_line(wire: Wire, proxy: Proxy, fault: Fault) -> None:
    proxy.rule = always(fault)
    with pytest.raises(Unreachable, match="is there a proxy"):
        wire.get(KEY, limit=LIMIT)
    assert proxy.asked[KEY] == QUICK.first


def test_a_page_that_is_the_object_is_taken(wire: Wire, full: Bucket) -> None:
    full.put("PMC1.1/s1.jpg", PAGE)
    assert wire.get("PMC1.1/s1.jpg", limit=LIMIT, md5=hashlib.md5(PAGE).hexdigest()).data == PAGE


def test_without_a_network_it_says_so_after_few_tries() -> None:
    wire = Wire("http://127.0.0.1:9", "me@example.org", patience=QUICK)
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9 cannot be reached"):
        wire.get(KEY, limit=LIMIT)
    assert wire.requests == QUICK.first
    wire.close()


def test_who_is_asked_to_come_later_has_a_budget_of_his_own(proxy: Proxy) -> None:
    proxy.rule = first(*[Fault(status=503)] * 8, Fault(status=500))
    with closing_wire(proxy, replace(QUICK, failed=2, throttled=9)) as wire:
        assert wire.get(KEY, limit=LIMIT).data == BODY
    proxy.rule = always(Fault(status=429))
    with closing_wire(proxy, replace(QUICK, throttled=3)) as wire, pytest.raises(Failed, match="3 tries"):
        wire.get(KEY, limit=LIMIT)


def pauses(proxy: Proxy, chance: float, patience: Patience, *faults: Fault) -> list[float]:
    proxy.rule = first(*faults)
    slept: list[float] = []
    with closing_wire(proxy, patience, sleep=slept.append, chance=lambda: chance, now=lambda: 0.0) as wire:
        wire.get(KEY, limit=LIMIT)
    return slept


def test_pauses_grow_to_a_cap_and_are_drawn_below_it(proxy: Proxy) -> None:
    patience = Patience(base=0.5, cap=3.0, failed=9)
    faults = [Fault(status=500)] * 5
    assert pauses(proxy, 1.0, patience, *faults) == [1.0, 2.0, 3.0, 3.0, 3.0]
    proxy.forget()
    assert pauses(proxy, 0.25, patience, *faults) == [0.25, 0.5, 0.75, 0.75, 0.75]


@pytest.mark.parametrize(("told", "at_least", "at_most"), [
    ("7", 7, 7), ("100000", 300, 300), ("soon", 0, 0.01), ("-3", 0, 0.01), (None, 30, 40),
])  # fmt: skip
def test_retry_after_is_heeded(proxy: Proxy, told: str | None, at_least: float, at_most: float) -> None:
    said = formatdate(time.time() + 40, usegmt=True) if told is None else told
    slept = pauses(proxy, 0.0, QUICK, Fault(status=503, headers={"Retry-After": said}))
    assert at_least <= slept[0] <= at_most


def test_who_was_asked_to_wait_holds_back_all_others(proxy: Proxy) -> None:
    later = Fault(status=503, headers={"Retry-After": "5"})
    proxy.rule = lambda key, n: later if key == KEY and n == 1 else None
    slept: list[float] = []
    with closing_wire(proxy, QUICK, sleep=slept.append, chance=lambda: 0.0, now=lambda: 100.0) as wire:
        wire.get(KEY, limit=LIMIT)
        slept.clear()
        wire.get("PMC1.1/empty.jpg", limit=LIMIT, md5=hashlib.md5().hexdigest())
    assert slept == [5.0]


def test_a_drip_is_given_up_and_gone_on_with(proxy: Proxy, tmp_path: Path) -> None:
    proxy.rule = first(Fault(drip=0.02))
    with closing_wire(proxy, replace(QUICK, idle=0.3, slow=10_000)) as wire:
        wire.get(KEY, limit=LIMIT, md5=MD5, part=tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    assert proxy.heads[1][1]["Range"] != "bytes=0-"


def test_what_is_too_large_is_not_taken(wire: Wire, proxy: Proxy) -> None:
    with pytest.raises(Gone, match="is too large"):
        wire.get(KEY, limit=1000)
    assert wire.bytes == 0


def test_never_more_than_64_connections() -> None:
    wire = Wire("http://127.0.0.1:9", "me@example.org", connections=1000)
    assert wire.connections == 64
    wire.close()


def test_the_receipt_is_written_before_the_file_has_its_name(wire: Wire, tmp_path: Path) -> None:
    seen: list[bool] = []
    look: Callable[[Got], object] = lambda got: seen.append((tmp_path / "f").exists())  # noqa: E731
    wire.get(KEY, limit=LIMIT, part=tmp_path / "f", before=look)
    assert seen == [False]


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["cut", "reset", "500", "503", "page", "wrong"]), max_size=5), st.integers(0, 102_399))
def test_whatever_happens_on_the_way_the_bytes_are_the_objects(
    proxy: Proxy, tmp_path: Path, faults: list[str], cut: int
) -> None:
    kinds = {
        "cut": Fault(cut=cut), "reset": Fault(reset=True), "500": Fault(status=500), "503": Fault(status=503),
        "page": Fault(body=PAGE), "wrong": Fault(change=True),
    }  # fmt: skip
    proxy.forget()
    proxy.rule = first(*(kinds[name] for name in faults))
    (tmp_path / "f").unlink(missing_ok=True)
    with closing_wire(proxy, replace(QUICK, first=9)) as wire:
        got = wire.get(KEY, limit=LIMIT, md5=MD5, part=tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    assert got.sha256 == hashlib.sha256(BODY).hexdigest()
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_body_without_a_usable_etag_is_not_kept(tmp_path: Path) -> None:
    for etag in ("", "../../x", "a" * 200):
        body = Body(tmp_path / "f")
        body.begin(etag)
        body.write(b"half")
        body.close()
        assert not list(tmp_path.iterdir())


def test_of_two_beginnings_the_newer_is_gone_on_with(tmp_path: Path) -> None:
    for name, text, when in (("aa", b"old", 1), ("bb", b"new", 2)):
        path = tmp_path / f".f.{name}.part"
        path.write_bytes(text)
        os.utime(path, (when, when))
    body = Body(tmp_path / "f")
    assert (body.etag, body.size, body.md5) == ("bb", 3, hashlib.md5(b"new").hexdigest())
    body.close()
    assert [p.name for p in tmp_path.iterdir()] == [".f.bb.part"]


def test_errors_are_of_the_one_tree() -> None:
    assert all(issubclass(kind, DataError) for kind in (Gone, Failed, Unreachable))
