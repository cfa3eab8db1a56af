"""The demo recipe as shipped, with its filters by images, over the demo corpus."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from roco.recipes.load import load_recipe
from tests.conftest import once
from tests.test_docs import run_readme

Fates = dict[tuple[str, str], str]
"""PMCID and file -> the reason for which the figure was dropped, `keep` if it was not."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo as the commands of the README run it."""
    made = once(tmp_path_factory, "readme", run_readme) / "demo"
    return shutil.copytree(made, tmp_path_factory.mktemp("filtered") / "demo")


@pytest.fixture(scope="module")
def fates(folder: Path) -> Fates:
    run = load_recipe(folder / "demo.toml").open()
    rows = run.figures(("pmcid", "file", "drop")).to_pylist()
    run.close()
    return {(row["pmcid"], row["file"]): row["drop"] or "keep" for row in rows}


def truth(folder: Path) -> Iterator[dict[str, str]]:
    with (folder / "corpus" / "truth.csv").open(encoding="utf-8", newline="") as fh:
        yield from csv.DictReader(fh)


def test_charts_and_compound_figures_are_dropped_by_a_filter(folder: Path, fates: Fates) -> None:
    wanted = [row for row in truth(folder) if row["expect"] in ("compound", "not_radiology")]
    assert len(wanted) == 4
    for row in wanted:
        assert fates[row["pmcid"], row["file"]] in ("gate", "compound", "not_radiology"), row


def test_no_real_image_is_dropped_by_a_filter(folder: Path, fates: Fates) -> None:
    real = [row for row in truth(folder) if row["real_or_drawn"] == "real" and row["expect"] == "keep"]
    assert real
    assert {fates[row["pmcid"], row["file"]] for row in real} == {"keep"}


def test_drawn_radiographs_ct_mr_and_ultrasound_are_kept(folder: Path, fates: Fates) -> None:
    drawn = [
        row for row in truth(folder) if row["kind"] in ("DRXR", "DRCT", "DRMR", "DRUS") and row["expect"] == "keep"
    ]
    assert len(drawn) > 25
    assert {fates[row["pmcid"], row["file"]] for row in drawn} == {"keep"}
