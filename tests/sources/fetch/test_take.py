"""XML first, then the images that figures refer to; and whatever happens in between."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import Busy, DataError
from roco.sources.archives.reader import STANDARD
from roco.sources.cloud import CloudSource
from roco.sources.fetch import ledger, verbs
from roco.sources.fetch.receipts import RECEIPTS
from roco.sources.fetch.referred import fits
from roco.sources.fetch.take import locked
from roco.sources.fetch.wire import Unreachable
from tests.bucket import Bucket, Fault, Proxy, url
from tests.sources.fetch.articles import OLD, image, options, put, tree, xml
from tests.sources.fetch.conftest import QUICK

PAGE = b"<!DOCTYPE html><html>Please log in</html>"


@pytest.fixture
def proxy(bucket: Bucket) -> Iterator[Proxy]:
    with Proxy(bucket.endpoint) as proxy:
        yield proxy


def fetch(folder: Path, endpoint: str, **more: Any) -> Any:
    verbs.plan(folder, options(endpoint, **more), patience=QUICK)
    return verbs.run(folder, patience=QUICK)


def of(key: str, bucket: Bucket, *names: str) -> dict[str, bytes]:
    return {f"{key}/{name}": bucket.get(f"{key}/{name}") for name in sorted((f"{key}.json", f"{key}.xml", *names))}


def test_no_table_no_supplement_and_no_video_is_fetched(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    bucket.inventory(OLD)
    taken = fetch(tmp_path, proxy.endpoint)
    assert tree(tmp_path) == of("PMC1.1", bucket, "f1.jpg", "f2.jpg")
    assert sorted(key for key in proxy.asked if key.startswith("PMC")) == [
        "PMC1.1/PMC1.1.xml", "PMC1.1/f1.jpg", "PMC1.1/f2.jpg",
    ]  # fmt: skip
    assert (taken.articles, taken.files, taken.problems) == (1, 3, [])
    first = min(i for i, (key, _) in enumerate(proxy.heads) if key.endswith(".jpg"))
    assert "PMC1.1/PMC1.1.xml" in [key for key, _ in proxy.heads[:first]]


def test_every_object_has_a_receipt(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    bucket.inventory(OLD)
    fetch(tmp_path, proxy.endpoint)
    receipts = {told["key"]: told for told in ledger.read(tmp_path / RECEIPTS)}
    assert sorted(receipts) == ["PMC1.1/PMC1.1.xml", "PMC1.1/f1.jpg", "PMC1.1/f2.jpg", "metadata/PMC1.1.json"]
    one = receipts["PMC1.1/f1.jpg"]
    assert sorted(one) == ["bytes", "etag", "key", "md5", "sha256", "snapshot", "time"]
    assert (one["bytes"], one["snapshot"], one["etag"]) == (len(image("PMC1", 1)), OLD, one["md5"])
    assert verbs.verify(tmp_path) == []


def test_all_versions_that_were_looked_at_are_told_beside_the_one_that_counts(
    bucket: Bucket, proxy: Proxy, tmp_path: Path
) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC1.2", is_pmc_openaccess=False, license_code="TDM")
    bucket.inventory(OLD)
    fetch(tmp_path, proxy.endpoint)
    told = of("PMC1.1", bucket, "f1.jpg", "f2.jpg")
    assert tree(tmp_path) == told | {"PMC1.2/PMC1.2.json": bucket.get("metadata/PMC1.2.json")}
    (row,) = CloudSource(path=tmp_path).listing(None).to_pylist()
    assert row["place"] == "PMC1.1"
    assert [v["state"] for v in json.loads(row["facts"])["versions"]] == ["closed", "open"]


def test_what_is_there_is_not_fetched_again(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    bucket.inventory(OLD)
    fetch(tmp_path, proxy.endpoint)
    proxy.forget()
    taken = verbs.run(tmp_path, patience=QUICK)
    assert (taken.there, taken.files, dict(proxy.asked)) == (1, 0, {})


def test_packs_are_listed_and_read_as_folders_are(bucket: Bucket, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("roco.sources.fetch.plan.PACK", 2)
    for n in (1, 2, 30, 4, 5):
        put(bucket, f"PMC{n}.1")
    put(bucket, "PMC4.2", is_manuscript=True)
    bucket.inventory(OLD)
    loose, packed = tmp_path / "loose", tmp_path / "packed"
    fetch(loose, bucket.endpoint)
    fetch(packed, bucket.endpoint, packs=True)
    assert sorted(tree(packed)) == [
        f"packs/00000{n}.PMC{a}-PMC{b}.{end}"
        for n, a, b in ((1, 1, 2), (2, 4, 5), (3, 30, 30))
        for end in ("index", "tar")
    ]  # fmt: skip
    one, other = CloudSource(path=loose), CloudSource(path=packed)
    rows, packed_rows = (source.listing(None).drop_columns(["stamp"]).to_pylist() for source in (one, other))
    assert rows == packed_rows
    for row in rows:
        a, b = one.open(row["place"]), other.open(row["place"])
        assert (a.files, a.xmls) == (b.files, b.xmls)
        assert [a.read(name) for name, _ in a.files] == [b.read(name) for name, _ in b.files]
        b.close()
    assert other.listing(other.listing(None)).to_pylist() == other.listing(None).to_pylist()
    assert verbs.verify(packed) == []


def test_any_tar_reader_unpacks_a_pack_to_folders(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    bucket.inventory(OLD)
    fetch(tmp_path / "loose", bucket.endpoint)
    fetch(tmp_path / "packed", bucket.endpoint, packs=True)
    (path,) = (tmp_path / "packed" / "packs").glob("*.tar")
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path / "out", filter="data")
    assert tree(tmp_path / "out") == tree(tmp_path / "loose")


def test_an_article_that_left_the_bucket_is_one_line_and_a_tombstone(
    bucket: Bucket, proxy: Proxy, tmp_path: Path
) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1")
    bucket.inventory(OLD)
    verbs.plan(tmp_path, options(proxy.endpoint), patience=QUICK)
    for key in bucket.names("PMC1.1/"):
        bucket.delete(key)
    taken = verbs.run(tmp_path, patience=QUICK)
    (line,) = taken.problems
    assert "PMC1.1/PMC1.1.xml: is gone (status 404)" in line
    assert "the plan was made before that" in line
    assert tree(tmp_path) == of("PMC2.1", bucket, "f1.jpg", "f2.jpg")
    again = verbs.run(tmp_path, patience=QUICK)
    assert (again.problems, again.gone_before, proxy.asked["PMC1.1/PMC1.1.xml"]) == ([], 1, 1)


def test_an_image_that_is_withheld_is_no_failure(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    bucket.inventory(OLD)
    bucket.delete("PMC1.1/f2.jpg")
    taken = fetch(tmp_path, proxy.endpoint)
    assert (taken.problems, taken.withheld) == ([], 1)
    assert tree(tmp_path) == of("PMC1.1", bucket, "f1.jpg")
    (row,) = [told for told in ledger.read(tmp_path / RECEIPTS) if "status" in told]
    assert (row["key"], row["status"]) == ("PMC1.1/f2.jpg", 404)
    assert verbs.verify(tmp_path) == []


def test_an_object_that_is_not_what_the_metadata_promise_fails_and_leaves_the_others_be(
    bucket: Bucket, proxy: Proxy, tmp_path: Path
) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1")
    bucket.inventory(OLD)
    proxy.rule = lambda key, n: Fault(change=True) if key == "PMC1.1/f2.jpg" else None
    taken = fetch(tmp_path, proxy.endpoint)
    (line,) = taken.problems
    assert "PMC1.1/f2.jpg: its MD5 is" in line
    assert taken.again
    assert tree(tmp_path) == of("PMC2.1", bucket, "f1.jpg", "f2.jpg")
    proxy.rule = lambda key, n: None
    proxy.forget()
    assert verbs.run(tmp_path, patience=QUICK).problems == []
    assert dict(proxy.asked) == {"PMC1.1/f2.jpg": 1}
    assert tree(tmp_path) == of("PMC1.1", bucket, "f1.jpg", "f2.jpg") | of("PMC2.1", bucket, "f1.jpg", "f2.jpg")


def test_a_bucket_that_changed_after_the_plan_is_told(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    bucket.inventory(OLD)
    verbs.plan(tmp_path, options(proxy.endpoint), patience=QUICK)
    put(bucket, "PMC1.1", text="another text")
    (line,) = verbs.run(tmp_path, patience=QUICK).problems
    assert "it was changed in the bucket after the plan was made" in line
    assert tree(tmp_path) == {}


def test_an_xml_that_cannot_be_read_or_is_anothers_comes_without_images(
    bucket: Bucket, proxy: Proxy, tmp_path: Path
) -> None:
    bucket.article("PMC1.1", b"<article><front>", {"f1.jpg": image(1)})
    bucket.article("PMC2.1", xml("PMC3", "f1.jpg"), {"f1.jpg": image(1)})
    bucket.inventory(OLD)
    assert fetch(tmp_path, proxy.endpoint).problems == []
    assert tree(tmp_path) == of("PMC1.1", bucket) | of("PMC2.1", bucket)


def test_what_only_the_xml_tells_is_left_out_once_and_for_all(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    bucket.article("PMC1.1", xml("PMC1", "f1.jpg", kind="research-article"), {"f1.jpg": image(1)})
    bucket.article("PMC2.1", xml("PMC2", "f1.jpg", year=1999), {"f1.jpg": image(2)}, citation=None)
    bucket.article("PMC3.1", xml("PMC3", "f1.jpg"), {"f1.jpg": image(3)})
    bucket.inventory(OLD)
    taken = fetch(tmp_path, proxy.endpoint, types=("case-report",), first_year=2010)
    assert taken.left == {"type": 1, "date": 1}
    assert tree(tmp_path) == of("PMC3.1", bucket, "f1.jpg")
    proxy.forget()
    assert verbs.run(tmp_path, patience=QUICK).left == {"type": 1, "date": 1}
    assert not proxy.asked
    assert fetch(tmp_path, proxy.endpoint, types=("research-article", "case-report")).articles == 2


@pytest.mark.parametrize("name", ["../../x.jpg", "a/b.jpg", ".hidden.jpg", "x" * 300 + ".jpg", "a\nb.jpg", "a\\b.jpg"])
def test_names_that_are_no_file_names_are_not_written(bucket: Bucket, proxy: Proxy, tmp_path: Path, name: str) -> None:
    assert not fits(name)
    text = xml("PMC1", "f1.jpg").replace(b"f1.jpg", name.replace("\n", "&#10;").encode())
    told = bucket.article("PMC1.1", text, {})
    bucket.metadata("PMC1.1", told | {"media_urls": [url(f"PMC1.1/{name}", b"x")]})
    bucket.inventory(OLD)
    fetch(tmp_path / "tree", proxy.endpoint)
    assert tree(tmp_path / "tree") == of("PMC1.1", bucket)


def test_a_full_disk_is_one_line_and_what_was_done_stays_done(
    bucket: Bucket, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(1, 7):
        put(bucket, f"PMC{n}.1")
    bucket.inventory(OLD)
    verbs.plan(tmp_path, options(proxy.endpoint), patience=QUICK)
    write, left = os.write, [6000]

    def full(fd: int, data: Any) -> int:
        left[0] -= len(data)
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data)

    with monkeypatch.context() as patch:
        patch.setattr("os.write", full)
        with pytest.raises(DataError, match="no space left"):
            verbs.run(tmp_path, patience=QUICK)
    assert verbs.run(tmp_path, patience=QUICK).problems == []
    assert max(proxy.full[key] for key in proxy.asked if key.startswith("PMC")) <= 2
    assert len(tree(tmp_path)) == 24
    assert verbs.verify(tmp_path) == []


@pytest.mark.parametrize("fault", [Fault(body=PAGE), Fault(reset=True)], ids=["a page", "resets"])
def test_a_network_that_fails_halfway_ends_with_a_line(
    bucket: Bucket, proxy: Proxy, tmp_path: Path, fault: Fault
) -> None:
    for n in range(1, 9):
        put(bucket, f"PMC{n}.1")
    bucket.inventory(OLD)
    verbs.plan(tmp_path, options(proxy.endpoint), patience=QUICK)
    proxy.rule = lambda key, n: fault if sum(proxy.asked.values()) > 30 else None
    if fault.reset:
        assert verbs.run(tmp_path, patience=QUICK).problems
    else:
        with pytest.raises(Unreachable, match="is there a proxy"):
            verbs.run(tmp_path, patience=QUICK)
    proxy.rule = lambda key, n: None
    assert verbs.run(tmp_path, patience=QUICK).problems == []
    assert len(tree(tmp_path)) == 32


def test_one_process_at_a_time_fetches_into_a_folder(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    bucket.inventory(OLD)
    verbs.plan(tmp_path, options(bucket.endpoint), patience=QUICK)
    with locked(tmp_path), pytest.raises(Busy, match="another process fetches"):
        verbs.run(tmp_path, patience=QUICK)


def test_no_more_connections_than_were_asked_for(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    for n in range(1, 20):
        put(bucket, f"PMC{n}.1")
    bucket.inventory(OLD)
    fetch(tmp_path, proxy.endpoint)
    assert proxy.most <= 4


STORM = [Fault(status=503, headers={"Retry-After": "0"}), Fault(status=500), Fault(cut=300), Fault(reset=True),
         Fault(length=5), Fault(change=True), Fault(body=PAGE), Fault(drip=0.0005)]  # fmt: skip


def test_a_storm_of_every_fault_changes_nothing_in_what_comes(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    for n in range(1, 16):
        put(bucket, f"PMC{n}.1")
    bucket.inventory(OLD)
    fetch(tmp_path / "calm", bucket.endpoint)
    chance = random.Random(7)
    proxy.rule = lambda key, n: chance.choice(STORM) if n <= 3 and chance.random() < 0.6 else None
    patience = replace(QUICK, first=1000, breaker=1000)
    verbs.plan(tmp_path / "storm", options(proxy.endpoint), patience=patience)
    assert verbs.run(tmp_path / "storm", patience=patience).problems == []
    assert tree(tmp_path / "storm") == tree(tmp_path / "calm")
    assert sum(proxy.asked.values()) > 100


@pytest.mark.slow
@pytest.mark.parametrize("packs", [False, True], ids=["folders", "packs"])
def test_killed_again_and_again_the_tree_is_the_same_and_only_what_was_in_flight_comes_twice(
    bucket: Bucket, proxy: Proxy, tmp_path: Path, packs: bool
) -> None:
    for n in range(1, 31):
        put(bucket, f"PMC{n}.1")
    bucket.inventory(OLD)
    fetch(tmp_path / "calm", bucket.endpoint, packs=packs)
    folder = tmp_path / "killed"
    proxy.rule = lambda key, n: Fault(drip=0.00001)  # slow enough to be killed in the middle of an object
    chance, kills = random.Random(3), 0
    more = ["--packs"] if packs else []
    for verb in (["plan", "--contact", "me@example.org", "--endpoint", proxy.endpoint, *more], ["run"]):
        command = [sys.executable, "-m", "roco", "fetch", verb[0], str(folder), *verb[1:], "--connections", "4"]
        while True:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                _, said = process.communicate(timeout=0.7 + chance.random() if kills < 8 else None)
                assert process.returncode == 0, said
                break
            except subprocess.TimeoutExpired:
                kills += 1
                process.send_signal(signal.SIGKILL)
                process.communicate()
                time.sleep(0.05)
    assert kills >= 2
    assert tree(folder) == tree(tmp_path / "calm")
    assert verbs.verify(folder) == []
    ranged = sum("Range" in head for _, head in proxy.heads)
    objects = [key for key in proxy.asked if key.startswith(("PMC", "metadata/"))]
    again = sum(proxy.asked[key] - 1 for key in objects)
    assert again <= 4 * kills + ranged


def test_stopped_by_the_user_it_says_how_to_go_on(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    for n in range(1, 30):
        put(bucket, f"PMC{n}.1")
    bucket.inventory(OLD)
    verbs.plan(tmp_path, options(proxy.endpoint), patience=QUICK)
    proxy.forget()
    proxy.rule = lambda key, n: Fault(drip=0.001)
    command = [sys.executable, "-m", "roco", "fetch", "run", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not proxy.heads:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert f"stopped; what was done stays done: roco fetch run {tmp_path}  goes on from here" in said
    assert "Traceback" not in said


def test_what_is_too_large_is_told_once_and_leaves_the_others_be(
    bucket: Bucket, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bucket, "PMC1.1", text="x" * 5000)
    put(bucket, "PMC2.1")
    bucket.inventory(OLD)
    monkeypatch.setattr("roco.sources.fetch.take.STANDARD", replace(STANDARD, xml=3000, member=1000))
    taken = fetch(tmp_path, proxy.endpoint, packs=True)
    (line,) = taken.problems
    assert "PMC1.1/PMC1.1.xml: is too large" in line
    assert taken.withheld == 2
    assert [name.rpartition(".")[2] for name in tree(tmp_path)] == ["index", "tar"]
    assert verbs.run(tmp_path, patience=QUICK).problems == []
