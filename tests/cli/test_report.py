"""The command `roco report`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.command import Command


def test_a_recipe_gives_the_report_of_its_release_with_dropped_figures(
    command: Command, finished_demo: Path, tmp_path: Path
) -> None:
    result = command("report", finished_demo / "demo.toml", "--out", tmp_path / "report", "--json")
    printed = json.loads(result.out)
    assert result.code == 0 and "examples-dropped" in printed["sections"]
    assert "language, language: the caption is not in the wanted language" in (
        tmp_path / "report" / "report.html"
    ).read_text(encoding="utf-8")


def test_sections_that_cannot_be_made_are_named_and_are_no_error(
    command: Command, finished_demo: Path, tmp_path: Path
) -> None:
    result = command("report", finished_demo / "run" / "release", "--out", tmp_path / "report")
    assert result.code == 0
    assert "not available: Dropped figures by reason: dropped figures are in the run" in result.out
    assert result.err.rstrip().endswith("report.html")


def test_what_is_no_dataset_is_one_error(command: Command, tmp_path: Path) -> None:
    result = command("report", tmp_path / "nowhere")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: no such folder") and "Traceback" not in result.err
    assert not list(tmp_path.iterdir())
