"""`roco fetch update`: only new, changed, retracted or relicensed articles are downloaded; others stay as they are."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.sources.cloud import CloudSource
from roco.sources.fetch import commands
from roco.sources.fetch.changes import KINDS, Changes
from tests.bucket import Bucket, Proxy, kill_after_responses, roco_command
from tests.sources.fetch.articles import NEW, OLD, files_of, image, options, put, xml
from tests.sources.fetch.conftest import QUICK


@pytest.fixture(params=[False, True], ids=["folders", "packs"])
def packs(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def articles(changes: Changes) -> dict[str, list[str]]:
    return {kind: [changed.article for changed in changes.of_kind(kind)] for kind in KINDS}


def first_year(bucket: Bucket) -> None:
    for n in range(1, 11):
        put(bucket, f"PMC{n}.1")
    put(bucket, "PMC20.1", license_code="TDM", is_pmc_openaccess=False)
    bucket.put_inventory(OLD)


def second_year(bucket: Bucket) -> None:
    put(bucket, "PMC1.1", text="another text")
    bucket.put_article("PMC2.1", xml("PMC2", "f1.jpg", "f2"), {"f1.jpg": image("new"), "f2.jpg": image("PMC2", 2)})
    put(bucket, "PMC3.2")
    put(bucket, "PMC4.1", is_retracted=True)
    put(bucket, "PMC5.1", license_code="CC BY-ND")
    for key in (*bucket.names("PMC6.1/"), "metadata/PMC6.1.json"):
        bucket.delete(key)
    put(bucket, "PMC11.1")
    put(bucket, "PMC20.1", license_code="TDM", is_pmc_openaccess=False, text="changed too")
    bucket.put_inventory(NEW)


CHANGED = {
    "new": ["PMC11"],
    "changed": ["PMC1", "PMC2", "PMC3"],
    "removed": ["PMC6"],
    "retracted": ["PMC4"],
    "relicensed": ["PMC5"],
}
DOWNLOADED = [
    "PMC1.1/PMC1.1.xml", "PMC11.1/PMC11.1.xml", "PMC11.1/f1.jpg", "PMC11.1/f2.jpg", "PMC2.1/f1.jpg",
    "PMC3.2/PMC3.2.xml", "PMC3.2/f1.jpg", "PMC3.2/f2.jpg",
]  # fmt: skip


def test_only_changed_objects_are_downloaded_and_each_changed_article_is_listed(
    bucket: Bucket, proxy: Proxy, tmp_path: Path, packs: bool
) -> None:
    first_year(bucket)
    commands.plan(tmp_path, options(proxy.endpoint, packs=packs), policy=QUICK)
    commands.run(tmp_path, policy=QUICK)
    before = {row["article"]: row["digest"] for row in CloudSource(path=tmp_path).listing(None).to_pylist()}
    second_year(bucket)
    proxy.clear_records()
    changes, result = commands.update(tmp_path, policy=QUICK)
    assert articles(changes) == CHANGED
    assert changes.unrelated == 1
    assert [changed.detail for changed in changes.changed] == ["text", "images or metadata", "version 1 -> 2"]
    assert changes.relicensed[0].detail == "CC-BY -> CC-BY-ND"
    assert result is not None
    assert (result.articles, result.removed, result.problems) == (6, 1, [])
    requested = sorted(key for key in proxy.requests if key.startswith("PMC"))
    assert requested == DOWNLOADED
    after = {row["article"]: row["digest"] for row in CloudSource(path=tmp_path).listing(None).to_pylist()}
    changed = {article for article in before.keys() | after.keys() if before.get(article) != after.get(article)}
    assert changed == {article for kind in CHANGED.values() for article in kind}
    rows = {row["article"]: json.loads(row["facts"]) for row in CloudSource(path=tmp_path).listing(None).to_pylist()}
    assert rows["PMC4"]["retracted"] is True
    assert rows["PMC5"]["license"] == "CC BY-ND"
    assert rows["PMC3"]["version"] == 2
    assert commands.verify(tmp_path) == []
    report = json.loads(next((tmp_path / "fetch" / "updates").iterdir()).read_text())
    assert [changed["article"] for changed in report["retracted"]] == ["PMC4"]


def test_an_update_gives_the_same_files_as_a_new_download(bucket: Bucket, tmp_path: Path) -> None:
    first_year(bucket)
    commands.plan(tmp_path / "old", options(bucket.endpoint), policy=QUICK)
    commands.run(tmp_path / "old", policy=QUICK)
    second_year(bucket)
    commands.update(tmp_path / "old", policy=QUICK)
    commands.plan(tmp_path / "new", options(bucket.endpoint), policy=QUICK)
    commands.run(tmp_path / "new", policy=QUICK)
    old, new = files_of(tmp_path / "old"), files_of(tmp_path / "new")
    # articles that are no longer wanted are kept, so that a run can give the reason why it drops their images
    assert {name for name in old if name not in new} == {name for name in old if name.startswith(("PMC4.", "PMC5."))}
    assert {name: old[name] for name in new} == new


def test_an_update_without_changes_does_nothing(bucket: Bucket, proxy: Proxy, tmp_path: Path, packs: bool) -> None:
    first_year(bucket)
    commands.plan(tmp_path, options(proxy.endpoint, packs=packs), policy=QUICK)
    commands.run(tmp_path, policy=QUICK)
    before = files_of(tmp_path)
    bucket.put_inventory(NEW)
    proxy.clear_records()
    changes, result = commands.update(tmp_path, policy=QUICK)
    assert articles(changes) == {kind: [] for kind in KINDS}
    assert result is not None and result.articles == 0
    assert not [key for key in proxy.requests if key.startswith(("PMC", "metadata/"))]
    assert files_of(tmp_path) == before


def test_a_dry_update_changes_nothing(bucket: Bucket, tmp_path: Path) -> None:
    first_year(bucket)
    commands.plan(tmp_path, options(bucket.endpoint), policy=QUICK)
    commands.run(tmp_path, policy=QUICK)
    second_year(bucket)
    before = files_of(tmp_path)
    changes, result = commands.update(tmp_path, dry=True, policy=QUICK)
    assert (articles(changes), result) == (CHANGED, None)
    assert files_of(tmp_path) == before
    assert articles(commands.update(tmp_path, policy=QUICK)[0]) == CHANGED


def test_articles_selected_by_ids_are_updated(bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
    first_year(bucket)
    ids = ((1, None), (4, None), (6, None), (7, None))
    commands.plan(tmp_path, options(proxy.endpoint, ids=ids), policy=QUICK)
    commands.run(tmp_path, policy=QUICK)
    second_year(bucket)
    proxy.clear_records()
    changes, result = commands.update(tmp_path, policy=QUICK)
    assert articles(changes) == {
        "new": [],
        "changed": ["PMC1"],
        "removed": ["PMC6"],
        "retracted": ["PMC4"],
        "relicensed": [],
    }
    assert result is not None and result.files == 1
    assert sorted(path.name for path in tmp_path.glob("PMC*")) == ["PMC1.1", "PMC4.1", "PMC7.1"]


def test_a_plan_for_other_ids_keeps_the_articles_in_the_folder(bucket: Bucket, tmp_path: Path) -> None:
    first_year(bucket)
    for ids in (((1, None),), ((2, None),)):
        commands.plan(tmp_path, options(bucket.endpoint, ids=ids), policy=QUICK)
        commands.run(tmp_path, policy=QUICK)
    assert sorted(path.name for path in tmp_path.glob("PMC*")) == ["PMC1.1", "PMC2.1"]


def test_a_snapshot_that_lacks_many_articles_removes_none(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "MAX_REMOVED", 2)
    first_year(bucket)
    commands.plan(tmp_path, options(bucket.endpoint), policy=QUICK)
    commands.run(tmp_path, policy=QUICK)
    for n in range(1, 6):
        bucket.delete(f"metadata/PMC{n}.1.json")
    bucket.put_inventory(NEW)
    with pytest.raises(DataError, match="5 of 10 articles are missing in snapshot"):
        commands.plan(tmp_path, options(bucket.endpoint), policy=QUICK)
    with pytest.raises(DataError, match="5 of 10 articles are missing in snapshot") as err:
        commands.update(tmp_path, policy=QUICK)
    assert "--allow-removals" in err.value.hint
    assert len(list(tmp_path.glob("PMC*"))) == 10
    commands.update(tmp_path, allow_removals=True, policy=QUICK)
    assert len(list(tmp_path.glob("PMC*"))) == 5


@pytest.mark.slow
def test_a_killed_update_gives_the_same_result_as_an_uninterrupted_one(
    bucket: Bucket, proxy: Proxy, tmp_path: Path, packs: bool
) -> None:
    first_year(bucket)
    for name in ("undisturbed", "killed"):
        commands.plan(tmp_path / name, options(proxy.endpoint, packs=packs), policy=QUICK)
        commands.run(tmp_path / name, policy=QUICK)
    second_year(bucket)
    commands.update(tmp_path / "undisturbed", policy=QUICK)
    command = roco_command("fetch", "update", str(tmp_path / "killed"))
    for responses in (1, 5, 9, 12):
        assert kill_after_responses(command, proxy, responses)
    subprocess.run(command, check=True, capture_output=True)
    assert files_of(tmp_path / "killed") == files_of(tmp_path / "undisturbed")
    assert commands.verify(tmp_path / "killed") == []
