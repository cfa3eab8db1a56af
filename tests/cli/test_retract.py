"""roco retract: prints what was taken down, and warns of images that resemble it."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.compute as pc
import pytest

import roco
from tests.cli.command import DATA, DONE, USAGE, Command
from tests.stages.publish.finished import Run, publish


@pytest.fixture
def release(finished_demo: Path) -> Path:
    return finished_demo / "run" / "release"


def listed(folder: Path, *ids: str) -> Path:
    path = folder / "ids.txt"
    path.write_text("".join(f"{id}\n" for id in ids))
    return path


def test_retract_prints_the_ids_and_writes_the_next_release(command: Command, release: Path, tmp_path: Path) -> None:
    ids, out = listed(tmp_path, "roco_train_000001"), tmp_path / "next"
    result = command("retract", release, out, "--ids", ids, "--reason", "consent withdrawn", "--date", "2026-11-30")
    assert (result.code, result.out) == (DONE, "roco_train_000001\n")
    assert f"1 image taken down; wrote {out}\n" in result.err
    assert result.err.endswith(f"next: roco diff {release} {out}\n")
    assert command("verify", out).out == "OK: 46 images, all checks passed\n"
    assert (
        "roco_train_000001  PMC99000003  takedown (2026-11-30: consent withdrawn)" in command("diff", release, out).out
    )


def test_images_that_resemble_one_are_a_warning(command: Command, tmp_path: Path) -> None:
    run = Run()
    for figure in run.figures[:2]:
        figure["similar_group"] = "PMC9-a"
    release = publish(tmp_path / "release", run)
    one, other = roco.Release.open(release).table().filter(pc.field("article_key") == "PMC9")["id"].to_pylist()
    words = ("--ids", listed(tmp_path, one), "--reason", "x")
    err = command("retract", release, tmp_path / "next", *words).err
    assert f"warning: 1 image that duplicates or resembles one of them stays: {other}\n" in err
    printed = json.loads(command("retract", release, tmp_path / "json", *words, "--json").out)
    assert (printed["images"], printed["similar"]) == ([one], [other])


def test_a_mistake_is_one_error_and_nothing_is_written(command: Command, release: Path, tmp_path: Path) -> None:
    out = tmp_path / "next"
    unknown = command("retract", release, out, "--ids", listed(tmp_path, "roco_train_1"), "--reason", "x")
    assert unknown.code == USAGE and "did you mean 'roco_train_" in unknown.err
    missing = command("retract", release, out, "--ids", tmp_path / "none.txt", "--reason", "x")
    assert missing.code == DATA and "none.txt does not exist" in missing.err
    assert command("retract", release, out, "--ids", listed(tmp_path, "x")).code == USAGE  # no reason
    assert not out.exists()


def test_concepts_that_train_no_longer_has_are_a_warning_that_prune_silences(
    command: Command, release: Path, tmp_path: Path
) -> None:
    rows = roco.Release.open(release).table(columns=["id", "split", "modality"]).to_pylist()
    ids = listed(tmp_path, *(row["id"] for row in rows if row["split"] == "train" and row["modality"] == "DRUS"))
    words = ("retract", release, tmp_path / "next", "--ids", ids, "--reason", "x")
    err = command(*words).err
    assert "warning: " in err and "no longer in train: C0041618 Ultrasonography" in err
    assert "  --prune removes them from valid and test\n" in err
    pruned = command("retract", release, tmp_path / "pruned", *words[3:], "--prune", "--json")
    assert pruned.code == DONE and "no longer in train" not in pruned.err
    assert json.loads(pruned.out)["concepts_lost_by_train"] == {}
    assert command("verify", tmp_path / "pruned").code == DONE


def test_a_split_without_images_is_a_warning(command: Command, release: Path, tmp_path: Path) -> None:
    rows = roco.Release.open(release).table(columns=["id", "split"]).to_pylist()
    ids = listed(tmp_path, *(row["id"] for row in rows if row["split"] == "train"))
    words = ("retract", release, tmp_path / "next", "--ids", ids, "--reason", "x")
    err = command(*words).err
    assert "warning: no image of train is left\n" in err and "--prune" not in err
    refused = command("retract", release, tmp_path / "pruned", *words[3:], "--prune")
    assert refused.code == USAGE and "--prune would remove every concept" in refused.err
    assert not (tmp_path / "pruned").exists()
