"""A run straight from a bucket: the same release as from a downloaded folder, whatever the network and kills do."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest

from roco.base.errors import SourceUnavailable
from roco.core.run import Run
from roco.recipes.load import load_recipe
from roco.sources.fetch import commands
from tests.bucket import Bucket, Fault, Proxy, kill_after_responses, roco_command, serving
from tests.sources.fetch.articles import NEW, OLD, options

NO_XML = "PMC99000029.1"
"""The article of the demo corpus that has metadata, but no XML."""


class Corpus(NamedTuple):
    """The demo corpus in a bucket, the release made from a downloaded folder, and the stages of the recipe."""

    bucket: Bucket
    release: dict[str, str]
    stages: str


def release_of(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def corpus(unrun_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    here = tmp_path_factory.mktemp("fetched")
    stages = (unrun_demo / "demo.toml").read_text(encoding="utf-8")
    stages = stages[stages.index("[[stage]]") :]
    with serving() as bucket:
        bucket.put_tree(unrun_demo / "corpus" / "cloud")
        for key in bucket.names():
            if NO_XML in key:
                bucket.delete(key)  # `roco fetch` leaves out such an article, a run reports it
        bucket.put_inventory(OLD)
        commands.plan(here / "articles", options(bucket.endpoint))
        commands.run(here / "articles")
        source = '[run]\nfolder = "run"\n[source]\nkind = "cloud"\npath = "articles"\n'
        (here / "recipe.toml").write_text(source + stages)
        load_recipe(here / "recipe.toml").run(workers=0)
        yield Corpus(bucket, release_of(here / "run" / "release"), stages)


@pytest.fixture
def proxy(corpus: Corpus) -> Iterator[Proxy]:
    with Proxy(corpus.bucket.endpoint) as proxy:
        yield proxy


@pytest.fixture
def recipe(corpus: Corpus, proxy: Proxy, tmp_path: Path) -> Path:
    """A recipe that reads the bucket through the proxy."""
    return write_recipe(corpus, proxy, tmp_path)


def write_recipe(corpus: Corpus, proxy: Proxy, here: Path, more: str = "") -> Path:
    head = (
        f'[run]\nfolder = "run"\n[source]\nkind = "cloud"\npath = "s3://pmc-oa-opendata"\n'
        f'endpoint = "{proxy.endpoint}"\ncontact = "me@example.org"\n{more}'
    )
    (here / "recipe.toml").write_text(head + corpus.stages)
    return here / "recipe.toml"


def open_run(recipe: Path) -> Run:
    return load_recipe(recipe).open()


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_the_release_has_the_bytes_of_that_from_a_downloaded_folder(corpus: Corpus, recipe: Path, workers: int) -> None:
    load_recipe(recipe).run(workers=workers)
    assert release_of(recipe.parent / "run" / "release") == corpus.release


def test_figures_that_cheap_filters_drop_and_other_files_cost_no_request(recipe: Path, proxy: Proxy) -> None:
    load_recipe(recipe).run(workers=0)
    with_bytes = open_run(recipe).figures(["file", "sha256"]).to_pylist()
    read = {f"{row['archive']}/{row['file']}" for row in with_bytes if row["sha256"] or row["stage"] == "image"}
    requested = {key for key in proxy.requests if key.startswith("PMC") and not key.endswith(".xml")}
    assert requested == read
    dropped = {f"{row['archive']}/{row['file']}" for row in with_bytes if row["stage"] in ("license", "caption")}
    assert dropped - read
    assert set(proxy.requests.values()) == {1}


def test_a_plan_counts_each_file_that_a_run_reads_from_the_bucket(recipe: Path, proxy: Proxy) -> None:
    calibration = open_run(recipe).calibrate(1e9)
    assert calibration.is_remote
    files = [key for key in proxy.requests if key.startswith("PMC") and NO_XML not in key]
    assert sum(group.n_requests for group in calibration.groups) == len(files)


def storm(key: str, n: int) -> Fault | None:
    """Every object fails three times, each time in another way, before it arrives."""
    faults = (Fault(status=503, headers={"Retry-After": "0"}), Fault(cut=20), Fault(reset=True), Fault(change=True),
              Fault(status=500), Fault(body=b"<html>busy</html>"))  # fmt: skip
    return faults[(n + len(key)) % len(faults)] if n <= 3 else None


@pytest.mark.slow
def test_a_storm_of_faults_changes_no_byte(corpus: Corpus, recipe: Path, proxy: Proxy) -> None:
    proxy.rule = storm
    load_recipe(recipe).run(workers=0)
    assert release_of(recipe.parent / "run" / "release") == corpus.release


@pytest.mark.parametrize("after", [60, 75])
@pytest.mark.slow
def test_an_outage_stops_the_run_and_after_it_the_same_command_makes_the_same_release(
    corpus: Corpus, recipe: Path, proxy: Proxy, after: int
) -> None:
    proxy.rule = lambda key, n: Fault(reset=True) if sum(proxy.requests.values()) > after else None
    with pytest.raises(SourceUnavailable, match="cannot read s3://pmc-oa-opendata"):
        load_recipe(recipe).run(workers=0)
    assert not (recipe.parent / "run" / "release").exists()
    proxy.rule = lambda key, n: None
    proxy.clear_records()
    load_recipe(recipe).run(workers=0)
    assert release_of(recipe.parent / "run" / "release") == corpus.release
    assert not [key for key in proxy.requests if key.startswith(("metadata/", "inventory"))]


@pytest.mark.slow
def test_after_kills_the_release_has_the_same_bytes(corpus: Corpus, recipe: Path, proxy: Proxy) -> None:
    command = roco_command("run", "recipe.toml", "--workers", "1")
    for n_responses in (3, 30, 20, 12, 12):
        assert kill_after_responses(command, proxy, n_responses, cwd=recipe.parent)
    subprocess.run(command, cwd=recipe.parent, check=True, capture_output=True)
    assert release_of(recipe.parent / "run" / "release") == corpus.release


def test_an_image_that_the_bucket_lacks_is_dropped_with_the_reason_and_all_others_are_kept(
    corpus: Corpus, recipe: Path, proxy: Proxy
) -> None:
    load_recipe(recipe).run(workers=0)
    kept = open_run(recipe).figures(["file"], None).to_pylist()
    lacking = next(f"{row['archive']}/{row['file']}" for row in kept if row["drop"] is None)
    other = recipe.parent / "other"
    other.mkdir()
    proxy.rule = lambda key, n: Fault(status=404) if key == lacking else None
    load_recipe(write_recipe(corpus, proxy, other)).run(workers=0)
    (row,) = [
        row for row in open_run(other / "recipe.toml").dropped("image").to_pylist() if "404" in row["drop_detail"]
    ]
    assert row["drop"] == "unreadable"
    assert f"{row['archive']}/{row['file']}" == lacking


def test_an_article_without_xml_is_a_row_with_the_reason(corpus: Corpus, recipe: Path, proxy: Proxy) -> None:
    lacking = "PMC99000013.1"
    proxy.rule = lambda key, n: Fault(status=404) if key == f"{lacking}/{lacking}.xml" else None
    load_recipe(recipe).run(workers=0)
    (row,) = [row for row in open_run(recipe).dropped("extract").to_pylist() if row["archive"] == lacking]
    assert (row["drop"], row["drop_detail"]) == ("article", f"'{lacking}.xml': not in the bucket (status 404)")


def test_a_later_snapshot_reads_only_what_is_new_or_changed(
    corpus: Corpus, recipe: Path, proxy: Proxy, tmp_path: Path
) -> None:
    load_recipe(recipe).run(workers=0)
    key = pq.read_table(tmp_path / "run" / "release" / "figures.parquet")["article_key"][0].as_py()
    metadata = json.loads(corpus.bucket.get(f"metadata/{key}.1.json"))
    corpus.bucket.put_metadata(f"{key}.1", metadata | {"is_retracted": True})
    corpus.bucket.put_inventory(NEW)
    proxy.clear_records()
    try:
        # The stored listing counts until the recipe names another day.
        load_recipe(recipe).run(workers=0)
        assert not proxy.requests
        load_recipe(write_recipe(corpus, proxy, tmp_path, 'snapshot = "2026-11-21"\n')).run(workers=0)
    finally:
        corpus.bucket.put_metadata(f"{key}.1", metadata)
        corpus.bucket.put_inventory(OLD)
    articles = {name.partition("/")[0] for name in proxy.requests if name.startswith("PMC")}
    assert articles == {f"{key}.1"}
    reasons = set(open_run(recipe).figures(["article_key"]).to_pandas().query(f"article_key == '{key}'")["drop"])
    assert "retracted" in reasons


def test_a_dry_run_lists_the_bucket_and_reads_no_article(recipe: Path, proxy: Proxy) -> None:
    done = subprocess.run(
        roco_command("run", "recipe.toml", "--dry"), cwd=recipe.parent, capture_output=True, text=True, check=True
    )
    assert "article" in done.stdout
    assert not [key for key in proxy.requests if key.startswith("PMC")]
    proxy.clear_records()
    subprocess.run(roco_command("run", "recipe.toml", "--dry"), cwd=recipe.parent, check=True, capture_output=True)
    assert not proxy.requests
