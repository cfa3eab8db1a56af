"""A run with a label log: labels reach the release, and only stages after them are decided again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import roco
from roco.core.run import Outcome
from tests.curate.logs import labelled, opened

MR, XR, CHEST = "C0024485", "C1306645", "C0817096"


@pytest.fixture
def recipe(finished_demo: Path, tmp_path: Path) -> Path:
    """The recipe of a finished run, with a section [labels] whose log does not exist yet."""
    folder = Path(shutil.copytree(finished_demo, tmp_path / "demo"))
    path = folder / "demo.toml"
    path.write_text(path.read_text() + '\n[labels]\nlog = "labels.db"\n')
    return path


def run(recipe: Path) -> Outcome:
    return roco.load_recipe(recipe).run(workers=0)


def rows(recipe: Path) -> dict[str, dict[str, Any]]:
    """The images of the release by image_key."""
    with roco.Release.open(recipe.parent / "run" / "release") as release:
        return {row["image_key"]: row for row in release.table().to_pylist()}


def decisions(recipe: Path) -> dict[str, int]:
    """The stored decisions of table stages with their times."""
    folder = recipe.parent / "run" / "decisions"
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}


def test_an_empty_log_changes_no_byte_of_a_release(recipe: Path) -> None:
    before = decisions(recipe)
    with opened(recipe.parent / "labels.db", "first"):
        pass
    assert run(recipe).changes is None
    assert decisions(recipe) == before


def test_labels_reach_the_release(recipe: Path) -> None:
    before = rows(recipe)
    one, other, gone = sorted(before)[:3]
    with opened(recipe.parent / "labels.db", "first", "blind-1") as log:
        labelled(log, one, "DRMR")
        labelled(log, other, "DRXR")
        labelled(log, other, "chest", task="region")
        labelled(log, gone, "OTHER")
        outcome = run(recipe)
        assert outcome.release is not None and outcome.measured == {}
        after = rows(recipe)
        assert gone not in after
        assert (after[one]["modality"], after[one]["modality_from"]) == ("DRMR", "label")
        assert MR in after[one]["concepts_manual"]
        assert (after[other]["region"], after[other]["concepts_manual"][:2]) == ("chest", [XR, CHEST])
        assert roco.verify(outcome.release) == []

        labelled(log, one, "DRCT", by="radiologist", round="blind-1")
        assert run(recipe).changes is None


def test_new_labels_redo_only_what_follows(recipe: Path) -> None:
    image = min(rows(recipe))
    # Decisions of a run that has published depend on its release; those of a new run on what precedes them alone.
    shutil.rmtree(recipe.parent / "run")
    roco.load_recipe(recipe).open(until="prune").do(workers=0)
    before = decisions(recipe)
    with opened(recipe.parent / "labels.db", "first") as log:
        labelled(log, image, "DRMR")
    outcome = roco.load_recipe(recipe).open(until="prune").do(workers=0)
    redone = {name.split("-")[1] for name, time in decisions(recipe).items() if time != before.get(name)}
    assert redone == {"label", "merge", "cutoff", "split", "prune"}
    assert outcome.measured == {}
