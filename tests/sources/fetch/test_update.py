"""A year later: only what is new, changed, retracted or relicensed is fetched, and nothing else is touched."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.sources.cloud import CloudSource
from roco.sources.fetch import verbs
from roco.sources.fetch.update import KINDS, Changes
from tests.bucket import Bucket, Fault, Proxy
from tests.sources.fetch.articles import NEW, OLD, image, options, put, tree, xml
from tests.sources.fetch.conftest import QUICK


@pytest.fixture
def proxy(bucket: Bucket) -> Iterator[Proxy]:
    with Proxy(bucket.endpoint) as proxy:
        yield proxy


@pytest.fixture(params=[False, True], ids=["folders", "packs"])
def packs(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def names(changes: Changes) -> dict[str, list[str]]:
    return {kind: [one.article for one in getattr(changes, kind)] for kind in KINDS}


def first_year(bucket: Bucket) -> None:
    for n in range(1, 11):
        put(bucket, f"PMC{n}.1")
    put(bucket, "PMC20.1", license_code="TDM", is_pmc_openaccess=False)
    bucket.inventory(OLD)


def second_year(bucket: Bucket) -> None:
    put(bucket, "PMC1.1", text="the text is another")
    told = bucket.article("PMC2.1", xml("PMC2", "f1.jpg", "f2"), {"f1.jpg": image("new"), "f2.jpg": image("PMC2", 2)})
    assert told
    put(bucket, "PMC3.2")
    put(bucket, "PMC4.1", is_retracted=True)
    put(bucket, "PMC5.1", license_code="CC BY-ND")
    for key in (*bucket.names("PMC6.1/"), "metadata/PMC6.1.json"):
        bucket.delete(key)
    put(bucket, "PMC11.1")
    put(bucket, "PMC20.1", license_code="TDM", is_pmc_openaccess=False, text="changed too")
    bucket.inventory(NEW)


WHAT = {
    "new": ["PMC11"],
    "changed": ["PMC1", "PMC2", "PMC3"],
    "removed": ["PMC6"],
    "retracted": ["PMC4"],
    "relicensed": ["PMC5"],
}
MOVED = [
    "PMC1.1/PMC1.1.xml", "PMC11.1/PMC11.1.xml", "PMC11.1/f1.jpg", "PMC11.1/f2.jpg", "PMC2.1/f1.jpg",
    "PMC3.2/PMC3.2.xml", "PMC3.2/f1.jpg", "PMC3.2/f2.jpg",
]  # fmt: skip


def test_only_what_differs_is_fetched_and_each_is_named(
    bucket: Bucket, proxy: Proxy, tmp_path: Path, packs: bool
) -> None:
    first_year(bucket)
    verbs.plan(tmp_path, options(proxy.endpoint, packs=packs), patience=QUICK)
    verbs.run(tmp_path, patience=QUICK)
    before = {row["article"]: row["digest"] for row in CloudSource(path=tmp_path).listing(None).to_pylist()}
    second_year(bucket)
    proxy.forget()
    changes, taken = verbs.update(tmp_path, patience=QUICK)
    assert names(changes) == WHAT
    assert changes.elsewhere == 1
    assert [one.detail for one in changes.changed] == ["text", "images or metadata", "version 1 -> 2"]
    assert changes.relicensed[0].detail == "CC-BY -> CC-BY-ND"
    assert taken is not None
    assert (taken.articles, taken.removed, taken.problems) == (6, 1, [])
    asked = sorted(key for key in proxy.asked if key.startswith("PMC"))
    assert asked == MOVED
    after = {row["article"]: row["digest"] for row in CloudSource(path=tmp_path).listing(None).to_pylist()}
    changed = {article for article in before.keys() | after.keys() if before.get(article) != after.get(article)}
    assert changed == {article for found in WHAT.values() for article in found}
    rows = {row["article"]: json.loads(row["facts"]) for row in CloudSource(path=tmp_path).listing(None).to_pylist()}
    assert rows["PMC4"]["retracted"] is True
    assert rows["PMC5"]["license"] == "CC BY-ND"
    assert rows["PMC3"]["version"] == 2
    assert verbs.verify(tmp_path) == []
    told = json.loads(next((tmp_path / "fetch" / "updates").iterdir()).read_text())
    assert [one["article"] for one in told["retracted"]] == ["PMC4"]


def test_an_update_of_folders_is_what_a_fetch_from_the_start_would_be(bucket: Bucket, tmp_path: Path) -> None:
    first_year(bucket)
    verbs.plan(tmp_path / "old", options(bucket.endpoint), patience=QUICK)
    verbs.run(tmp_path / "old", patience=QUICK)
    second_year(bucket)
    verbs.update(tmp_path / "old", patience=QUICK)
    verbs.plan(tmp_path / "new", options(bucket.endpoint), patience=QUICK)
    verbs.run(tmp_path / "new", patience=QUICK)
    old, new = tree(tmp_path / "old"), tree(tmp_path / "new")
    # what is wanted no more stays, so that a release can say why its images left
    assert {name for name in old if name not in new} == {name for name in old if name.startswith(("PMC4.", "PMC5."))}
    assert {name: old[name] for name in new} == new


def test_an_update_without_changes_does_nothing(bucket: Bucket, proxy: Proxy, tmp_path: Path, packs: bool) -> None:
    first_year(bucket)
    verbs.plan(tmp_path, options(proxy.endpoint, packs=packs), patience=QUICK)
    verbs.run(tmp_path, patience=QUICK)
    before = tree(tmp_path)
    bucket.inventory(NEW)
    proxy.forget()
    changes, taken = verbs.update(tmp_path, patience=QUICK)
    assert names(changes) == {kind: [] for kind in KINDS}
    assert taken is not None and taken.articles == 0
    assert not [key for key in proxy.asked if key.startswith(("PMC", "metadata/"))]
    assert tree(tmp_path) == before


def test_a_dry_update_changes_nothing(bucket: Bucket, tmp_path: Path) -> None:
    first_year(bucket)
    verbs.plan(tmp_path, options(bucket.endpoint), patience=QUICK)
    verbs.run(tmp_path, patience=QUICK)
    second_year(bucket)
    before = tree(tmp_path)
    changes, taken = verbs.update(tmp_path, dry=True, patience=QUICK)
    assert (names(changes), taken) == (WHAT, None)
    assert tree(tmp_path) == before
    assert names(verbs.update(tmp_path, patience=QUICK)[0]) == WHAT


def test_a_few_ids_are_brought_up_to_date_too(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    first_year(bucket)
    ids = ((1, None), (4, None), (6, None), (7, None))
    verbs.plan(tmp_path, options(proxy.endpoint, ids=ids), patience=QUICK)
    verbs.run(tmp_path, patience=QUICK)
    second_year(bucket)
    proxy.forget()
    changes, taken = verbs.update(tmp_path, patience=QUICK)
    assert names(changes) == {
        "new": [],
        "changed": ["PMC1"],
        "removed": ["PMC6"],
        "retracted": ["PMC4"],
        "relicensed": [],
    }
    assert taken is not None and taken.files == 1
    assert sorted(path.name for path in tmp_path.glob("PMC*")) == ["PMC1.1", "PMC4.1", "PMC7.1"]


def test_ids_that_are_asked_for_later_leave_the_others_in_peace(bucket: Bucket, tmp_path: Path) -> None:
    first_year(bucket)
    for ids in (((1, None),), ((2, None),)):
        verbs.plan(tmp_path, options(bucket.endpoint, ids=ids), patience=QUICK)
        verbs.run(tmp_path, patience=QUICK)
    assert sorted(path.name for path in tmp_path.glob("PMC*")) == ["PMC1.1", "PMC2.1"]


def test_a_snapshot_that_lacks_many_articles_is_not_believed(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "FEW_GONE", 2)
    first_year(bucket)
    verbs.plan(tmp_path, options(bucket.endpoint), patience=QUICK)
    verbs.run(tmp_path, patience=QUICK)
    for n in range(1, 6):
        bucket.delete(f"metadata/PMC{n}.1.json")
    bucket.inventory(NEW)
    with pytest.raises(DataError, match="5 of 10 articles are not in the snapshot"):
        verbs.plan(tmp_path, options(bucket.endpoint), patience=QUICK)
    with pytest.raises(DataError, match="5 of 10 articles are not in the snapshot") as err:
        verbs.update(tmp_path, patience=QUICK)
    assert "--let-go" in err.value.hint
    assert len(list(tmp_path.glob("PMC*"))) == 10
    verbs.update(tmp_path, let_go=True, patience=QUICK)
    assert len(list(tmp_path.glob("PMC*"))) == 5


@pytest.mark.slow
def test_an_update_that_is_killed_ends_as_one_that_is_not(
    bucket: Bucket, proxy: Proxy, tmp_path: Path, packs: bool
) -> None:
    first_year(bucket)
    for name in ("calm", "killed"):
        verbs.plan(tmp_path / name, options(proxy.endpoint, packs=packs), patience=QUICK)
        verbs.run(tmp_path / name, patience=QUICK)
    second_year(bucket)
    verbs.update(tmp_path / "calm", patience=QUICK)
    proxy.rule = lambda key, n: Fault(drip=0.00002)
    chance, kills = random.Random(5), 0
    while True:
        command = [sys.executable, "-m", "roco", "fetch", "update", str(tmp_path / "killed")]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            _, said = process.communicate(timeout=0.8 + 0.4 * chance.random() if kills < 5 else None)
            assert process.returncode == 0, said
            break
        except subprocess.TimeoutExpired:
            kills += 1
            process.send_signal(signal.SIGKILL)
            process.communicate()
    assert tree(tmp_path / "killed") == tree(tmp_path / "calm")
    assert verbs.verify(tmp_path / "killed") == []
