"""From an empty folder to a release with three commands, and the release a year later; on composed articles."""

from __future__ import annotations

import csv
import hashlib
import json
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest

import roco
from tests.bucket import Bucket, Proxy, serving, url

pytestmark = pytest.mark.shared


def command(*words: object, ok: int = 0, cwd: Path | None = None) -> str:
    done = subprocess.run([sys.executable, "-m", "roco", *map(str, words)], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == ok, done.stdout + done.stderr
    return done.stdout + done.stderr


def release_of(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def tree(folder: Path) -> dict[str, str]:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and "fetch" not in p.relative_to(folder).parts)
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def bucket(composed: Path) -> Iterator[Bucket]:
    with serving() as bucket:
        bucket.lay_out(composed / "cloud")
        bucket.inventory("2026-11-20T01-00Z")
        yield bucket


@pytest.fixture(scope="module")
def calm(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the three commands were given, as the README shows them."""
    here = tmp_path_factory.mktemp("calm")
    said = command("fetch", "plan", "articles", "--endpoint", bucket.endpoint, "--contact", "me@example.org", cwd=here)
    assert "next: roco fetch run articles" in said
    assert "next: roco run articles.toml" in command("fetch", "run", "articles", cwd=here)
    command("run", "articles.toml", "--workers", 0, cwd=here)
    return here


def test_three_commands_make_the_release_that_the_whole_bucket_would_make(
    calm: Path, composed: Path, tmp_path: Path
) -> None:
    assert command("verify", calm / "articles-run" / "release").startswith("OK: ")
    recipe = tmp_path / "all.toml"
    recipe.write_text(
        f'[run]\nfolder = "run"\nbase = "rocov2"\n[source]\nkind = "cloud"\npath = "{composed / "cloud"}"\n'
    )
    roco.load_recipe(recipe).run(workers=0)
    columns = ["id", "image_key", "figure_id", "caption", "concepts", "license", "split"]
    one, other = (pq.read_table(run / "release" / "figures.parquet", columns=columns)
                  for run in (calm / "articles-run", tmp_path / "run"))  # fmt: skip
    assert one.to_pylist() == other.to_pylist()
    assert len(one) > 50


def test_packs_make_the_same_release(bucket: Bucket, calm: Path, tmp_path: Path) -> None:
    plan = ("fetch", "plan", "articles", "--endpoint", bucket.endpoint, "--contact", "me@example.org", "--packs")
    command(*plan, cwd=tmp_path)
    command("fetch", "run", "articles", cwd=tmp_path)
    command("run", "articles.toml", "--workers", 0, cwd=tmp_path)
    assert release_of(tmp_path / "articles-run" / "release") == release_of(calm / "articles-run" / "release")


@pytest.mark.slow
def test_killed_at_any_moment_tree_and_release_are_the_same_bytes(bucket: Bucket, calm: Path, tmp_path: Path) -> None:
    chance, kills = random.Random(11), 0
    with Proxy(bucket.endpoint) as proxy:
        for words in (
            ["fetch", "plan", "articles", "--endpoint", proxy.endpoint, "--contact", "me@example.org"],
            ["fetch", "run", "articles"],
            ["run", "articles.toml", "--workers", "0"],
        ):
            while True:
                process = subprocess.Popen(
                    [sys.executable, "-m", "roco", *words],
                    cwd=tmp_path,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                )
                try:
                    said, _ = process.communicate(timeout=1 + chance.random() if kills < 6 else None)
                    assert process.returncode == 0, said
                    break
                except subprocess.TimeoutExpired:
                    kills += 1
                    process.send_signal(signal.SIGKILL)
                    process.communicate()
        sent = [proxy.full[key] for key in proxy.full if key.startswith(("PMC", "metadata/"))]
    assert kills >= 3
    assert sum(n - 1 for n in sent) <= 16 * kills
    assert tree(tmp_path / "articles") == tree(calm / "articles")
    assert release_of(tmp_path / "articles-run" / "release") == release_of(calm / "articles-run" / "release")


# --- a year later ------------------------------------------------------------------------------------------


class Year(NamedTuple):
    here: Path
    old: Path
    new: Path
    what: dict[str, list[str]]
    asked: list[str]
    measured: dict[str, int]
    difference: dict[str, Any]


def figures(release: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(release / "figures.parquet").to_pylist()
    return rows


@pytest.fixture(scope="module")
def year(composed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    """90 articles of the first year, 120 of the second; of the old ones some are not as they were."""
    here = tmp_path_factory.mktemp("year")
    cloud = composed / "cloud"
    keys = sorted(path.name for path in cloud.glob("PMC*"))
    with serving() as bucket, Proxy(bucket.endpoint) as proxy:
        for key in keys[:90]:
            put(bucket, cloud, key)
        bucket.inventory("2025-11-20T01-00Z")
        command("fetch", "plan", "articles", "--endpoint", proxy.endpoint, "--contact", "me@example.org", cwd=here)
        command("fetch", "run", "articles", cwd=here)
        command("run", "articles.toml", "--workers", 0, cwd=here)
        old = here / "releases" / "2025"
        shutil.copytree(here / "articles-run" / "release", old)
        kept = sorted({row["pmcid"] for row in figures(old)})
        what = {"changed": kept[0:3], "removed": kept[3:5], "retracted": kept[5:7], "relicensed": kept[7:9]}
        for key in keys[90:]:
            put(bucket, cloud, key)
        change(bucket, what)
        bucket.inventory("2026-11-20T01-00Z")
        proxy.forget()
        told = json.loads(command("fetch", "update", "articles", "--json", cwd=here).partition("\nnext:")[0])
        assert {kind: [one["article"] for one in told[kind]] for kind in what} == what
        asked = sorted(key for key in proxy.asked if key.startswith("PMC"))
    recipe = here / "articles.toml"
    recipe.write_text(recipe.read_text().replace("[run]\n", '[run]\nprevious = "releases/2025"\n'))
    outcome = roco.load_recipe(recipe).run(workers=0)
    new = here / "articles-run" / "release"
    difference = json.loads(command("diff", old, new, "--json"))
    yield Year(here, old, new, what, asked, dict(outcome.measured), difference)


def put(bucket: Bucket, cloud: Path, key: str) -> None:
    for path in sorted((cloud / key).iterdir()):
        bucket.put(f"{key}/{path.name}", path.read_bytes())
    bucket.put(f"metadata/{key}.json", (cloud / key / f"{key}.json").read_bytes())


def change(bucket: Bucket, what: dict[str, list[str]]) -> None:
    for kind, articles in what.items():
        for article in articles:
            key = f"{article}.1"
            told = json.loads(bucket.get(f"metadata/{key}.json"))
            if kind == "removed":
                for name in (*bucket.names(f"{key}/"), f"metadata/{key}.json"):
                    bucket.delete(name)
                continue
            if kind == "changed":
                xml = re.sub(
                    rb"</article-title>", b", revised</article-title>", bucket.get(f"{key}/{key}.xml"), count=1
                )
                bucket.put(f"{key}/{key}.xml", xml)
                told["xml_url"] = url(f"{key}/{key}.xml", xml)
            told |= {"is_retracted": True} if kind == "retracted" else {}
            told |= {"license_code": "CC BY-ND"} if kind == "relicensed" else {}
            bucket.metadata(key, told)


def test_only_what_is_new_or_changed_is_fetched(year: Year) -> None:
    old = {key for key in year.asked if key.partition(".")[0] in {a for found in year.what.values() for a in found}}
    assert old == {f"{article}.1/{article}.1.xml" for article in year.what["changed"]}


def test_only_what_is_new_or_changed_is_measured_again(year: Year) -> None:
    old, new = (len(figures(release)) for release in (year.old, year.new))
    assert 0 < year.measured["image"] < new - old + 60


def test_every_image_that_left_has_a_tombstone_with_its_reason(year: Year) -> None:
    was = {row["id"]: row for row in figures(year.old)}
    with (year.new / "tombstones.csv").open(encoding="utf-8", newline="") as fh:
        gone = {row["ID"]: row for row in csv.DictReader(fh)}
    reasons = {"removed": "superseded", "retracted": "retracted", "relicensed": "license"}
    for kind, reason in reasons.items():
        mine = [id for id, row in was.items() if row["pmcid"] in year.what[kind]]
        assert mine
        assert {gone[id]["Reason"] for id in mine} == {reason}, kind


def test_ids_and_splits_of_what_stayed_stay(year: Year) -> None:
    was = {row["image_key"]: (row["id"], row["split"]) for row in figures(year.old)}
    now = {row["image_key"]: (row["id"], row["split"]) for row in figures(year.new)}
    assert {key: now[key] for key in was if key in now} == {key: was[key] for key in was if key in now}
    assert year.difference["moved_splits"] == []
    left = {a for kind in ("removed", "retracted", "relicensed") for a in year.what[kind]}
    assert {key for key in was if key not in now} == {
        row["image_key"] for row in figures(year.old) if row["pmcid"] in left
    }


def test_the_difference_names_each(year: Year) -> None:
    went = {one["article"] for one in year.difference["removed"]}
    assert went == {a for kind in ("removed", "retracted", "relicensed") for a in year.what[kind]}
