"""On composed packages, planted duplicates are dropped, radiology images are kept, and nothing leaks."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest

import roco

pytestmark = [pytest.mark.shared, pytest.mark.slow]

CORPORA = {
    "seed 2": ("--articles", "120", "--seed", "2"),
    "seed 3": ("--articles", "120", "--seed", "3"),
    "cropped views": ("--articles", "250", "--seed", "9", "--vary"),
}


class Done(NamedTuple):
    truth: list[dict[str, Any]]
    release: Path
    dropped: dict[tuple[str, str], dict[str, Any]]
    kept: set[tuple[str, str]]


@pytest.fixture(scope="module", params=CORPORA)
def done(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Done:
    root = tmp_path_factory.mktemp("planted")
    tool = shared / "tools" / "compose_packages.py"
    command = [sys.executable, tool, root, "--layout", "package", *CORPORA[request.param]]
    subprocess.run(command, check=True, capture_output=True)
    recipe = root / "recipe.toml"
    recipe.write_text('[run]\nfolder = "run"\nbase = "rocov2"\n[source]\nkind = "package"\npath = "package"\n')
    release = roco.load_recipe(recipe).run(workers=0).release
    assert release is not None
    with (root / "truth.csv").open(encoding="utf-8", newline="") as fh:
        truth = list(csv.DictReader(fh))
    removed = pq.read_table(release / "removed.parquet").to_pylist()
    kept = pq.read_table(release / "figures.parquet", columns=["pmcid", "fig_id"]).to_pylist()
    dropped = {(row["pmcid"], row["fig_id"]): row for row in removed}
    return Done(truth, release, dropped, {(row["pmcid"], row["fig_id"]) for row in kept})


def key(row: dict[str, Any]) -> tuple[str, str]:
    return row["pmcid"], row["fig_id"]


def test_every_planted_duplicate_is_dropped_for_the_kept_image(done: Done) -> None:
    planted = [row for row in done.truth if row["why"] == "duplicate"]
    assert len(planted) > 15
    assert [row for row in planted if done.dropped.get(key(row), {}).get("drop") != "duplicate"] == []


def test_no_radiology_image_is_dropped_as_a_duplicate_of_another(done: Done) -> None:
    lost = [row for row in done.truth if row["expect"] == "keep" and key(row) not in done.kept]
    assert {done.dropped[key(row)]["drop"] for row in lost} <= {"concepts"}
    # Photographs of the eye have no radiology concept; the truth expects them because it judges the image alone.
    assert all("fluorescein" in row["caption"].lower() for row in lost)


def test_one_image_of_each_group_is_kept(done: Done) -> None:
    groups: dict[str, list[bool]] = {}
    rows = pq.read_table(done.release / "duplicates.parquet").to_pylist()
    for row in rows:
        if row["duplicate_group"]:
            groups.setdefault(row["duplicate_group"], []).append(row["drop"] != "duplicate")
    assert len(groups) > 10
    near = [row for row in rows if row["duplicate_group"]]
    assert max(row["phash_bits"] for row in near) <= 6 and max(row["phash_fine_bits"] for row in near) <= 36
    assert {sum(are_kept) for are_kept in groups.values()} == {1}


def test_no_split_leaks_and_the_release_is_valid(done: Done) -> None:
    assert set(json.loads((done.release / "leakage.json").read_text()).values()) == {0}
    assert roco.verify(done.release) == []
