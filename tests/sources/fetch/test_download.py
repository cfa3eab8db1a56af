"""`roco fetch run`: XML first, then the images of figures; and every interruption of it."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import Busy, DataError
from roco.sources.archives.reader import STANDARD
from roco.sources.cloud import CloudSource
from roco.sources.fetch import commands
from roco.sources.fetch.articles_folder import locked
from roco.sources.fetch.download import DownloadResult
from roco.sources.fetch.errors import BucketUnreachable
from roco.sources.fetch.figure_files import figure_files, is_file_name
from roco.sources.fetch.json_log import read_log
from roco.sources.fetch.receipts import RECEIPTS
from roco.sources.jats.article import Article
from roco.sources.jats.figures import Figure
from tests.bucket import Bucket, Fault, Proxy, kill_after_responses, roco_command, url
from tests.recorder import Recorder
from tests.sources.fetch.articles import OLD, files_of, image, options, put, xml
from tests.sources.fetch.conftest import QUICK


class Killed(BaseException):
    """Stands for the end of the process."""


PAGE = b"<!DOCTYPE html><html>Please log in</html>"


def plan_and_run(folder: Path, endpoint: str, **more: Any) -> DownloadResult:
    commands.plan(folder, options(endpoint, **more), policy=QUICK)
    return commands.run(folder, policy=QUICK)


def objects(bucket: Bucket, key: str, *names: str) -> dict[str, bytes]:
    """Returns metadata, XML and further objects of a version, by key."""
    return {f"{key}/{name}": bucket.get(f"{key}/{name}") for name in sorted((f"{key}.json", f"{key}.xml", *names))}


def test_tables_supplements_and_videos_are_not_downloaded(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    bucket.put_inventory(OLD)
    result = plan_and_run(tmp_path, proxy.endpoint)
    assert files_of(tmp_path) == objects(bucket, "PMC1.1", "f1.jpg", "f2.jpg")
    assert sorted(key for key in proxy.requests if key.startswith("PMC")) == [
        "PMC1.1/PMC1.1.xml", "PMC1.1/f1.jpg", "PMC1.1/f2.jpg",
    ]  # fmt: skip
    assert (result.articles, result.files, result.problems) == (1, 3, [])
    first_image = min(i for i, (key, _) in enumerate(proxy.headers) if key.endswith(".jpg"))
    assert "PMC1.1/PMC1.1.xml" in [key for key, _ in proxy.headers[:first_image]]


def test_every_object_has_a_receipt(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    bucket.put_inventory(OLD)
    plan_and_run(tmp_path, proxy.endpoint)
    receipts = {record["key"]: record for record in read_log(tmp_path / RECEIPTS, dict)}
    assert sorted(receipts) == ["PMC1.1/PMC1.1.xml", "PMC1.1/f1.jpg", "PMC1.1/f2.jpg", "metadata/PMC1.1.json"]
    receipt = receipts["PMC1.1/f1.jpg"]
    assert sorted(receipt) == ["bytes", "etag", "key", "md5", "sha256", "snapshot", "time"]
    assert (receipt["bytes"], receipt["snapshot"], receipt["etag"]) == (len(image("PMC1", 1)), OLD, receipt["md5"])
    assert commands.verify(tmp_path) == []


def test_the_metadata_of_all_versions_are_stored_beside_the_chosen_one(
    bucket: Bucket, proxy: Proxy, tmp_path: Path
) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC1.2", is_pmc_openaccess=False, license_code="TDM")
    bucket.put_inventory(OLD)
    plan_and_run(tmp_path, proxy.endpoint)
    chosen = objects(bucket, "PMC1.1", "f1.jpg", "f2.jpg")
    assert files_of(tmp_path) == chosen | {"PMC1.2/PMC1.2.json": bucket.get("metadata/PMC1.2.json")}
    (row,) = CloudSource(path=tmp_path).listing(None).to_pylist()
    assert row["place"] == "PMC1.1"
    assert [v["state"] for v in json.loads(row["facts"])["versions"]] == ["closed", "open"]


def test_articles_in_the_folder_are_not_downloaded_again(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    bucket.put_inventory(OLD)
    plan_and_run(tmp_path, proxy.endpoint)
    proxy.clear_records()
    result = commands.run(tmp_path, policy=QUICK)
    assert (result.present, result.files, dict(proxy.requests)) == (1, 0, {})


def test_packs_are_listed_and_read_like_folders(bucket: Bucket, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("roco.sources.fetch.plan_rows.ARTICLES_PER_PACK", 2)
    for n in (1, 2, 30, 4, 5):
        put(bucket, f"PMC{n}.1")
    put(bucket, "PMC4.2", is_manuscript=True)
    bucket.put_inventory(OLD)
    loose, packed = tmp_path / "loose", tmp_path / "packed"
    plan_and_run(loose, bucket.endpoint)
    plan_and_run(packed, bucket.endpoint, packs=True)
    assert sorted(files_of(packed)) == [
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
    recorder = Recorder()
    assert commands.verify(packed, recorder) == []
    assert recorder.totals["articles"] == recorder.done["articles"] > 0


def test_any_tar_reader_unpacks_a_pack_to_folders(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    bucket.put_inventory(OLD)
    plan_and_run(tmp_path / "loose", bucket.endpoint)
    plan_and_run(tmp_path / "packed", bucket.endpoint, packs=True)
    (path,) = (tmp_path / "packed" / "packs").glob("*.tar")
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path / "out", filter="data")
    assert files_of(tmp_path / "out") == files_of(tmp_path / "loose")


def test_an_article_removed_from_the_bucket_is_one_problem_and_not_requested_again(
    bucket: Bucket, proxy: Proxy, tmp_path: Path
) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1")
    bucket.put_inventory(OLD)
    commands.plan(tmp_path, options(proxy.endpoint), policy=QUICK)
    for key in bucket.names("PMC1.1/"):
        bucket.delete(key)
    result = commands.run(tmp_path, policy=QUICK)
    (line,) = result.problems
    assert "PMC1.1/PMC1.1.xml: not in the bucket (status 404)" in line
    assert "removed after the plan was made" in line
    assert files_of(tmp_path) == objects(bucket, "PMC2.1", "f1.jpg", "f2.jpg")
    again = commands.run(tmp_path, policy=QUICK)
    assert (again.problems, again.unavailable_before, proxy.requests["PMC1.1/PMC1.1.xml"]) == ([], 1, 1)


def test_an_image_missing_in_the_bucket_is_counted_and_is_not_a_problem(
    bucket: Bucket, proxy: Proxy, tmp_path: Path
) -> None:
    put(bucket, "PMC1.1")
    bucket.put_inventory(OLD)
    bucket.delete("PMC1.1/f2.jpg")
    result = plan_and_run(tmp_path, proxy.endpoint)
    assert (result.problems, result.missing_images) == ([], 1)
    assert files_of(tmp_path) == objects(bucket, "PMC1.1", "f1.jpg")
    (row,) = [record for record in read_log(tmp_path / RECEIPTS, dict) if "status" in record]
    assert (row["key"], row["status"]) == ("PMC1.1/f2.jpg", 404)
    assert commands.verify(tmp_path) == []


def test_a_corrupt_object_fails_its_article_and_no_other(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    put(bucket, "PMC2.1")
    bucket.put_inventory(OLD)
    proxy.rule = lambda key, n: Fault(change=True) if key == "PMC1.1/f2.jpg" else None
    result = plan_and_run(tmp_path, proxy.endpoint)
    (line,) = result.problems
    assert "PMC1.1/f2.jpg: MD5 is" in line
    assert result.incomplete
    assert files_of(tmp_path) == objects(bucket, "PMC2.1", "f1.jpg", "f2.jpg")
    proxy.rule = lambda key, n: None
    proxy.clear_records()
    assert commands.run(tmp_path, policy=QUICK).problems == []
    assert dict(proxy.requests) == {"PMC1.1/f2.jpg": 1}
    assert files_of(tmp_path) == objects(bucket, "PMC1.1", "f1.jpg", "f2.jpg") | objects(
        bucket, "PMC2.1", "f1.jpg", "f2.jpg"
    )


def test_an_article_changed_after_the_plan_is_reported(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    bucket.put_inventory(OLD)
    commands.plan(tmp_path, options(proxy.endpoint), policy=QUICK)
    put(bucket, "PMC1.1", text="another text")
    (line,) = commands.run(tmp_path, policy=QUICK).problems
    assert "changed in the bucket after the plan was made" in line
    assert files_of(tmp_path) == {}


def test_an_article_with_invalid_xml_or_the_xml_of_another_article_is_stored_without_images(
    bucket: Bucket, proxy: Proxy, tmp_path: Path
) -> None:
    bucket.put_article("PMC1.1", b"<article><front>", {"f1.jpg": image(1)})
    bucket.put_article("PMC2.1", xml("PMC3", "f1.jpg"), {"f1.jpg": image(1)})
    bucket.put_inventory(OLD)
    assert plan_and_run(tmp_path, proxy.endpoint).problems == []
    assert files_of(tmp_path) == objects(bucket, "PMC1.1") | objects(bucket, "PMC2.1")


def test_an_article_excluded_by_its_xml_is_not_requested_again(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    bucket.put_article("PMC1.1", xml("PMC1", "f1.jpg", kind="research-article"), {"f1.jpg": image(1)})
    bucket.put_article("PMC2.1", xml("PMC2", "f1.jpg", year=1999), {"f1.jpg": image(2)}, citation=None)
    bucket.put_article("PMC3.1", xml("PMC3", "f1.jpg"), {"f1.jpg": image(3)})
    bucket.put_inventory(OLD)
    result = plan_and_run(tmp_path, proxy.endpoint, types=("case-report",), first_year=2010)
    assert result.excluded == {"type": 1, "date": 1}
    assert files_of(tmp_path) == objects(bucket, "PMC3.1", "f1.jpg")
    proxy.clear_records()
    assert commands.run(tmp_path, policy=QUICK).excluded == {"type": 1, "date": 1}
    assert not proxy.requests
    assert plan_and_run(tmp_path, proxy.endpoint, types=("research-article", "case-report")).articles == 2


@pytest.mark.parametrize("name", ["../../x.jpg", "a/b.jpg", ".hidden.jpg", "x" * 300 + ".jpg", "a\nb.jpg", "a\\b.jpg"])
def test_names_that_are_not_valid_file_names_are_not_written(
    bucket: Bucket, proxy: Proxy, tmp_path: Path, name: str
) -> None:
    assert not is_file_name(name)
    text = xml("PMC1", "f1.jpg").replace(b"f1.jpg", name.replace("\n", "&#10;").encode())
    metadata = bucket.put_article("PMC1.1", text, {})
    bucket.put_metadata("PMC1.1", metadata | {"media_urls": [url(f"PMC1.1/{name}", b"x")]})
    bucket.put_inventory(OLD)
    plan_and_run(tmp_path / "articles", proxy.endpoint)
    assert files_of(tmp_path / "articles") == objects(bucket, "PMC1.1")


def test_both_images_are_downloaded_of_two_figures_that_differ_in_the_extension() -> None:
    figures = (Figure("f1", hrefs=("a.gif",)), Figure("f2", hrefs=("a.jpg",)))
    assert figure_files(Article(figures=figures), ["a.gif", "a.jpg", "b.jpg"]) == ["a.gif", "a.jpg"]
    assert figure_files(Article(figures=figures[:1]), ["a.gif", "a.jpg"]) == ["a.jpg"]


def test_a_full_disk_is_one_error_and_the_download_resumes(
    bucket: Bucket, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(1, 7):
        put(bucket, f"PMC{n}.1")
    bucket.put_inventory(OLD)
    commands.plan(tmp_path, options(proxy.endpoint), policy=QUICK)
    write, free = os.write, [6000]

    def full(fd: int, data: Any) -> int:
        free[0] -= len(data)
        if free[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data)

    with monkeypatch.context() as patch:
        patch.setattr("os.write", full)
        with pytest.raises(DataError, match="no space left"):
            commands.run(tmp_path, policy=QUICK)
    assert commands.run(tmp_path, policy=QUICK).problems == []
    assert max(proxy.complete[key] for key in proxy.requests if key.startswith("PMC")) <= 2
    assert len(files_of(tmp_path)) == 24
    assert commands.verify(tmp_path) == []


@pytest.mark.parametrize("fault", [Fault(body=PAGE), Fault(reset=True)], ids=["a page", "resets"])
def test_a_network_failure_halfway_is_reported_and_the_download_resumes(
    bucket: Bucket, proxy: Proxy, tmp_path: Path, fault: Fault
) -> None:
    for n in range(1, 9):
        put(bucket, f"PMC{n}.1")
    bucket.put_inventory(OLD)
    commands.plan(tmp_path, options(proxy.endpoint), policy=QUICK)
    proxy.rule = lambda key, n: fault if sum(proxy.requests.values()) > 30 else None
    if fault.reset:
        assert commands.run(tmp_path, policy=QUICK).problems
    else:
        with pytest.raises(BucketUnreachable, match="is there a proxy"):
            commands.run(tmp_path, policy=QUICK)
    proxy.rule = lambda key, n: None
    assert commands.run(tmp_path, policy=QUICK).problems == []
    assert len(files_of(tmp_path)) == 32


def test_a_folder_is_locked_for_one_process(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "PMC1.1")
    bucket.put_inventory(OLD)
    commands.plan(tmp_path, options(bucket.endpoint), policy=QUICK)
    with locked(tmp_path), pytest.raises(Busy, match="another process is downloading"):
        commands.run(tmp_path, policy=QUICK)


def test_there_are_no_more_requests_in_flight_than_connections(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    for n in range(1, 20):
        put(bucket, f"PMC{n}.1")
    bucket.put_inventory(OLD)
    plan_and_run(tmp_path, proxy.endpoint)
    assert proxy.max_in_flight <= 4


STORM = [Fault(status=503, headers={"Retry-After": "0"}), Fault(status=500), Fault(cut=300), Fault(reset=True),
         Fault(length=5), Fault(change=True), Fault(body=PAGE)]  # fmt: skip


@pytest.mark.slow
def test_random_faults_of_all_kinds_change_no_byte(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    for n in range(1, 16):
        put(bucket, f"PMC{n}.1")
    bucket.put_inventory(OLD)
    plan_and_run(tmp_path / "calm", bucket.endpoint)
    chance = random.Random(7)
    proxy.rule = lambda key, n: chance.choice(STORM) if n <= 3 and chance.random() < 0.6 else None
    policy = replace(QUICK, max_unreachable_at_start=1000, max_unreachable=1000)
    commands.plan(tmp_path / "storm", options(proxy.endpoint), policy=policy)
    assert commands.run(tmp_path / "storm", policy=policy).problems == []
    assert files_of(tmp_path / "storm") == files_of(tmp_path / "calm")
    assert sum(proxy.requests.values()) > 100


@pytest.mark.slow
@pytest.mark.parametrize("packs", [False, True], ids=["folders", "packs"])
def test_after_kills_the_files_are_the_same_and_only_objects_in_flight_are_requested_twice(
    bucket: Bucket, proxy: Proxy, tmp_path: Path, packs: bool
) -> None:
    connections = 4
    for n in range(1, 31):
        put(bucket, f"PMC{n}.1")
    bucket.put_inventory(OLD)
    plan_and_run(tmp_path / "undisturbed", bucket.endpoint, packs=packs)
    folder = tmp_path / "killed"
    address = ["--contact", "me@example.org", "--endpoint", proxy.endpoint]
    options = ["--connections", str(connections)]
    plan = roco_command("fetch", "plan", str(folder), *address, *options, *(["--packs"] if packs else []))
    run = roco_command("fetch", "run", str(folder), *options)
    kills = 0
    for command, moments in ((plan, (1, 8, 20)), (run, (1, 7, 16, 30))):
        for responses in moments:
            assert kill_after_responses(command, proxy, responses)
            kills += 1
        subprocess.run(command, check=True, capture_output=True)
    assert files_of(folder) == files_of(tmp_path / "undisturbed")
    assert commands.verify(folder) == []
    resumed = sum("Range" in headers for _, headers in proxy.headers)
    repeated = sum(n - 1 for key, n in proxy.requests.items() if key.startswith(("PMC", "metadata/")))
    assert repeated <= connections * kills + resumed


@pytest.mark.slow
def test_a_kill_at_any_rename_leaves_a_folder_that_the_next_run_completes(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in (1, 2):
        put(bucket, f"PMC{n}.1")
    bucket.put_inventory(OLD)
    plan_and_run(tmp_path / "undisturbed", bucket.endpoint, packs=True)
    expected = files_of(tmp_path / "undisturbed")
    rename = os.replace
    n_renames = 0
    killed = True
    while killed:
        folder = tmp_path / f"killed-{n_renames}"
        commands.plan(folder, options(bucket.endpoint, packs=True), policy=QUICK)
        remaining = [n_renames]

        def replace_or_die(source: Any, target: Any, remaining: list[int] = remaining) -> None:
            remaining[0] -= 1
            if remaining[0] < 0:
                raise Killed
            rename(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", replace_or_die)
            try:
                commands.run(folder, policy=QUICK)
                killed = False
            except Killed:
                n_renames += 1
        assert commands.run(folder, policy=QUICK).problems == []
        assert files_of(folder) == expected
        assert commands.verify(folder) == []
    assert n_renames > 8


def test_an_interrupted_download_prints_how_to_resume(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    for n in range(1, 10):
        put(bucket, f"PMC{n}.1")
    bucket.put_inventory(OLD)
    commands.plan(tmp_path, options(proxy.endpoint), policy=QUICK)
    proxy.pause_after(10)
    process = subprocess.Popen(
        roco_command("fetch", "run", str(tmp_path)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    proxy.paused.wait()
    process.send_signal(signal.SIGINT)
    proxy.resume()
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert "run the same command again to resume" in stderr
    assert "Traceback" not in stderr


def test_a_file_above_the_limit_is_reported_once_and_stops_no_other_article(
    bucket: Bucket, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bucket, "PMC1.1", text="x" * 5000)
    put(bucket, "PMC2.1")
    bucket.put_inventory(OLD)
    monkeypatch.setattr("roco.sources.fetch.article_download.STANDARD", replace(STANDARD, xml=3000, member=1000))
    result = plan_and_run(tmp_path, proxy.endpoint, packs=True)
    (line,) = result.problems
    assert "PMC1.1/PMC1.1.xml: larger than the limit (status 413)" in line
    assert result.missing_images == 2
    assert [name.rpartition(".")[2] for name in files_of(tmp_path)] == ["index", "tar"]
    assert commands.run(tmp_path, policy=QUICK).problems == []
