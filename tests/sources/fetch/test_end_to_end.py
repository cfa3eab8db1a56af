"""From an empty folder to a release with three commands, and to the release of the next year; on composed articles."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest

import roco
from tests.bucket import Bucket, Fault, Proxy, kill_after_responses, roco_command, serving, url

pytestmark = [pytest.mark.shared, pytest.mark.slow]


def command(*words: object, cwd: Path | None = None) -> str:
    """Runs a command of roco and returns what it prints."""
    done = subprocess.run(roco_command(*map(str, words)), capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def release_of(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def digests(folder: Path) -> dict[str, str]:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and "fetch" not in p.relative_to(folder).parts)
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def bucket(composed: Path) -> Iterator[Bucket]:
    with serving() as bucket:
        bucket.put_tree(composed / "cloud")
        bucket.put_inventory("2026-11-20T01-00Z")
        yield bucket


@pytest.fixture(scope="module")
def undisturbed(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the three commands of the README were run."""
    here = tmp_path_factory.mktemp("undisturbed")
    output = command(
        "fetch", "plan", "articles", "--endpoint", bucket.endpoint, "--contact", "me@example.org", cwd=here
    )
    assert "next: roco fetch run articles" in output
    assert "next: roco run articles.toml" in command("fetch", "run", "articles", cwd=here)
    command("run", "articles.toml", "--workers", 0, cwd=here)
    return here


def test_three_commands_build_the_release_of_the_whole_bucket(
    undisturbed: Path, composed: Path, tmp_path: Path
) -> None:
    assert command("verify", undisturbed / "articles-run" / "release").startswith("OK: ")
    recipe = tmp_path / "all.toml"
    recipe.write_text(
        f'[run]\nfolder = "run"\nbase = "rocov2"\n[source]\nkind = "cloud"\npath = "{composed / "cloud"}"\n'
    )
    roco.load_recipe(recipe).run(workers=0)
    columns = ["id", "image_key", "figure_id", "caption", "concepts", "license", "split"]
    one, other = (pq.read_table(run / "release" / "figures.parquet", columns=columns)
                  for run in (undisturbed / "articles-run", tmp_path / "run"))  # fmt: skip
    assert one.to_pylist() == other.to_pylist()
    assert len(one) > 50


def test_packs_give_the_same_release(bucket: Bucket, undisturbed: Path, tmp_path: Path) -> None:
    plan = ("fetch", "plan", "articles", "--endpoint", bucket.endpoint, "--contact", "me@example.org", "--packs")
    command(*plan, cwd=tmp_path)
    command("fetch", "run", "articles", cwd=tmp_path)
    command("run", "articles.toml", "--workers", 0, cwd=tmp_path)
    assert release_of(tmp_path / "articles-run" / "release") == release_of(undisturbed / "articles-run" / "release")


def test_a_run_straight_from_the_bucket_gives_the_same_release(
    bucket: Bucket, undisturbed: Path, tmp_path: Path
) -> None:
    with Proxy(bucket.endpoint) as proxy:
        proxy.rule = lambda key, n: Fault(status=503, headers={"Retry-After": "0"}) if n == 1 and "7" in key else None
        (tmp_path / "direct.toml").write_text(
            '[run]\nfolder = "run"\nbase = "rocov2"\n[source]\nkind = "cloud"\npath = "s3://pmc-oa-opendata"\n'
            f'endpoint = "{proxy.endpoint}"\ncontact = "me@example.org"\n'
        )
        run = roco_command("run", "direct.toml", "--workers", "1")
        for responses in (150, 60):
            assert kill_after_responses(run, proxy, responses, cwd=tmp_path)
        subprocess.run(run, cwd=tmp_path, check=True, capture_output=True)
    assert release_of(tmp_path / "run" / "release") == release_of(undisturbed / "articles-run" / "release")


def test_after_kills_the_articles_and_the_release_have_the_same_bytes(
    bucket: Bucket, undisturbed: Path, tmp_path: Path
) -> None:
    kills = 0
    with Proxy(bucket.endpoint) as proxy:
        plan = roco_command("fetch", "plan", "articles", "--endpoint", proxy.endpoint, "--contact", "me@example.org")
        download = roco_command("fetch", "run", "articles")
        for fetch, moments in ((plan, (3, 50)), (download, (1, 40, 100))):
            for responses in moments:
                assert kill_after_responses(fetch, proxy, responses, cwd=tmp_path)
                kills += 1
            subprocess.run(fetch, cwd=tmp_path, check=True, capture_output=True)
        sent = [n for key, n in proxy.complete.items() if key.startswith(("PMC", "metadata/"))]
    assert sum(n - 1 for n in sent) <= 16 * kills
    run = roco_command("run", "articles.toml", "--workers", "0")
    for n_files in (2, 4):
        kill_after_files(run, tmp_path / "articles-run", n_files, tmp_path)
    subprocess.run(run, cwd=tmp_path, check=True, capture_output=True)
    assert digests(tmp_path / "articles") == digests(undisturbed / "articles")
    assert release_of(tmp_path / "articles-run" / "release") == release_of(undisturbed / "articles-run" / "release")


def kill_after_files(command: list[str], folder: Path, n: int, cwd: Path) -> None:
    """Runs a command and kills it as soon as a folder contains n files, unless it has finished before."""
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len([path for path in folder.rglob("*") if path.is_file()]) < n:
        time.sleep(0.01)
    process.kill()
    process.wait()


# --- the release of the next year --------------------------------------------------------------------------


class Year(NamedTuple):
    here: Path
    old: Path
    new: Path
    changes: dict[str, list[str]]
    downloaded: list[str]
    measured: dict[str, int]
    difference: dict[str, Any]


def figures(release: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(release / "figures.parquet").to_pylist()
    return rows


@pytest.fixture(scope="module")
def year(composed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    """90 articles in the first year, 120 in the second; some of the first year have changed."""
    here = tmp_path_factory.mktemp("year")
    cloud = composed / "cloud"
    keys = sorted(path.name for path in cloud.glob("PMC*"))
    with serving() as bucket, Proxy(bucket.endpoint) as proxy:
        for key in keys[:90]:
            put(bucket, cloud, key)
        bucket.put_inventory("2025-11-20T01-00Z")
        command("fetch", "plan", "articles", "--endpoint", proxy.endpoint, "--contact", "me@example.org", cwd=here)
        command("fetch", "run", "articles", cwd=here)
        command("run", "articles.toml", "--workers", 0, cwd=here)
        old = here / "releases" / "2025"
        shutil.copytree(here / "articles-run" / "release", old)
        kept = sorted({row["pmcid"] for row in figures(old)})
        changes = {"changed": kept[0:3], "removed": kept[3:5], "retracted": kept[5:7], "relicensed": kept[7:9]}
        for key in keys[90:]:
            put(bucket, cloud, key)
        change(bucket, changes)
        bucket.put_inventory("2026-11-20T01-00Z")
        proxy.clear_records()
        report = json.loads(command("fetch", "update", "articles", "--json", "-q", cwd=here))
        assert {kind: [changed["article"] for changed in report[kind]] for kind in changes} == changes
        downloaded = sorted(key for key in proxy.requests if key.startswith("PMC"))
    recipe = here / "articles.toml"
    recipe.write_text(recipe.read_text().replace("[run]\n", '[run]\nprevious = "releases/2025"\n'))
    outcome = roco.load_recipe(recipe).run(workers=0)
    new = here / "articles-run" / "release"
    difference = json.loads(command("diff", old, new, "--json"))
    yield Year(here, old, new, changes, downloaded, dict(outcome.measured), difference)


def put(bucket: Bucket, cloud: Path, key: str) -> None:
    for path in sorted((cloud / key).iterdir()):
        bucket.put(f"{key}/{path.name}", path.read_bytes())
    bucket.put(f"metadata/{key}.json", (cloud / key / f"{key}.json").read_bytes())


def change(bucket: Bucket, articles_by_kind: dict[str, list[str]]) -> None:
    """Changes articles in the bucket; the kinds are changed, removed, retracted and relicensed."""
    for kind, articles in articles_by_kind.items():
        for article in articles:
            _change_article(bucket, kind, f"{article}.1")


def _change_article(bucket: Bucket, kind: str, key: str) -> None:
    if kind == "removed":
        for name in (*bucket.names(f"{key}/"), f"metadata/{key}.json"):
            bucket.delete(name)
        return
    metadata = json.loads(bucket.get(f"metadata/{key}.json"))
    if kind == "changed":
        old = bucket.get(f"{key}/{key}.xml")
        xml = re.sub(rb"</article-title>", b", revised</article-title>", old, count=1)
        bucket.put(f"{key}/{key}.xml", xml)
        metadata["xml_url"] = url(f"{key}/{key}.xml", xml)
    elif kind == "retracted":
        metadata["is_retracted"] = True
    elif kind == "relicensed":
        metadata["license_code"] = "CC BY-ND"
    bucket.put_metadata(key, metadata)


DROPPED = ("removed", "retracted", "relicensed")
"""Kinds of changes that drop the images of an article from the release."""


def articles_of(year: Year, kinds: Iterable[str]) -> set[str]:
    return {article for kind in kinds for article in year.changes[kind]}


def test_only_new_and_changed_objects_are_downloaded(year: Year) -> None:
    known = articles_of(year, year.changes)
    downloaded = {key for key in year.downloaded if key.partition(".")[0] in known}
    assert downloaded == {f"{article}.1/{article}.1.xml" for article in year.changes["changed"]}


def test_only_new_and_changed_articles_are_measured(year: Year) -> None:
    old, new = (len(figures(release)) for release in (year.old, year.new))
    assert 0 < year.measured["image"] < new - old + 60


def test_every_dropped_image_has_a_tombstone_with_its_reason(year: Year) -> None:
    old = {row["id"]: row for row in figures(year.old)}
    with (year.new / "tombstones.csv").open(encoding="utf-8", newline="") as file:
        tombstones = {row["ID"]: row for row in csv.DictReader(file)}
    reasons = {"removed": "superseded", "retracted": "retracted", "relicensed": "license"}
    for kind, reason in reasons.items():
        ids = [id for id, row in old.items() if row["pmcid"] in year.changes[kind]]
        assert ids
        assert {tombstones[id]["Reason"] for id in ids} == {reason}, kind


def test_images_in_both_releases_keep_their_ids_and_splits(year: Year) -> None:
    old = {row["image_key"]: (row["id"], row["split"]) for row in figures(year.old)}
    new = {row["image_key"]: (row["id"], row["split"]) for row in figures(year.new)}
    in_both = old.keys() & new.keys()
    assert {key: new[key] for key in in_both} == {key: old[key] for key in in_both}
    assert year.difference["moved_splits"] == []
    dropped = articles_of(year, DROPPED)
    assert old.keys() - new.keys() == {row["image_key"] for row in figures(year.old) if row["pmcid"] in dropped}


def test_the_difference_lists_each_dropped_article(year: Year) -> None:
    assert {image["article"] for image in year.difference["removed"]} == articles_of(year, DROPPED)
