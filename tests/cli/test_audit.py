"""The command `roco audit`."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from tests.cli.command import DATA, DONE, USAGE, Command


def label(path: Path, kept: str, dropped: str) -> None:
    """Fills in a CSV file: one label for the kept figures, another for the dropped ones."""
    with path.open(encoding="utf-8", newline="") as fh:
        table = list(csv.DictReader(fh))
    with path.open("w", encoding="utf-8", newline="") as fh:
        writer = csv.DictWriter(fh, table[0].keys())
        writer.writeheader()
        writer.writerows({**row, "label": kept if row["decision"] == "kept" else dropped} for row in table)


def test_audit_draws_a_sample_and_names_the_next_command(command: Command, finished_demo: Path, tmp_path: Path) -> None:
    recipe, out = finished_demo / "demo.toml", tmp_path / "audit"
    result = command("audit", recipe, "language", "--n", "20", "--out", out)
    assert result.code == DONE
    assert result.out.startswith("language kept 51 and dropped 6 of 57 figures\n")
    assert re.search(r"^kept, score 0.5 to 0.9 +40 +12$", result.out, re.M)
    assert re.search(r"^dropped, language, score 0.9 to 0.99 +5 +5$", result.out, re.M)
    assert f"wrote {out}/sheet.html and {out}/labels.csv\n" in result.err
    assert result.err.endswith(f"next: roco audit {recipe} language --labels {out}/labels.csv\n")


def test_by_default_the_files_are_beside_the_recipe(command: Command, run: Path) -> None:
    assert command("audit", run / "demo.toml", "caption").code == DONE
    assert {path.name for path in (run / "audit-caption").iterdir()} == {"sheet.html", "labels.csv"}


def test_audit_estimates_precision_and_recall_from_the_labels(
    command: Command, finished_demo: Path, tmp_path: Path
) -> None:
    recipe, labels = finished_demo / "demo.toml", tmp_path / "labels.csv"
    command("audit", recipe, "language", "--n", "20", "--out", tmp_path)
    label(labels, "keep", "drop")
    result = command("audit", recipe, "language", "--labels", labels)
    assert result.code == DONE
    assert "26 of 26 figures in the file labelled keep or drop, 0 unsure, 0 without a label" in result.out
    assert re.search(r"^recall +1\.0000 +1\.0000 to 1\.0000 +of the wanted figures are kept$", result.out, re.M)
    precision = re.search(r"^precision +1\.0000 +(0\.[0-9]+) to 1\.0000 ", result.out, re.M)
    assert precision and 0.7 < float(precision[1]) < 0.9
    assert re.search(r"^lost +0 +0 to 0 +wanted figures are dropped$", result.out, re.M)
    assert "more labels would narrow the intervals most in: kept, score 0.5 to 0.9" in result.out
    printed = json.loads(command("audit", recipe, "language", "--labels", labels, "--json").out)
    assert printed["recall"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert printed["score"] == "language_score"
    assert sum(stratum["labelled"] for stratum in printed["strata"]) == 26


def test_audit_says_which_strata_have_no_labels(command: Command, finished_demo: Path, tmp_path: Path) -> None:
    recipe = finished_demo / "demo.toml"
    command("audit", recipe, "language", "--n", "20", "--out", tmp_path)
    label(tmp_path / "labels.csv", "keep", "")
    result = command("audit", recipe, "language", "--labels", tmp_path / "labels.csv")
    assert "20 of 26 figures in the file labelled keep or drop, 0 unsure, 6 without a label" in result.out
    assert re.search(r"^recall +- +not estimated ", result.out, re.M)
    assert "no labels: dropped, language, score from 0.99; the interval of its share is 0 to 1" in result.out


def test_a_stage_that_dropped_nothing_in_a_run_has_a_recall_of_1(
    command: Command, finished_demo: Path, tmp_path: Path
) -> None:
    recipe = finished_demo / "demo.toml"
    result = command("audit", recipe, "merge", "--n", "5", "--out", tmp_path)
    assert "merge kept 48 and dropped 0 of 48 figures\nnothing was dropped in this run" in result.out
    label(tmp_path / "labels.csv", "keep", "")
    printed = json.loads(command("audit", recipe, "merge", "--labels", tmp_path / "labels.csv", "--json").out)
    assert printed["recall"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert printed["lost"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_audit_never_overwrites_labels(command: Command, finished_demo: Path, tmp_path: Path) -> None:
    recipe, labels = finished_demo / "demo.toml", tmp_path / "labels.csv"
    for _ in range(2):  # without labels it may be drawn again
        assert command("audit", recipe, "caption", "--out", tmp_path).code == DONE
    label(labels, "keep", "drop")
    before = labels.read_bytes()
    result = command("audit", recipe, "caption", "--out", tmp_path, "--seed", "2")
    assert (result.code, result.out) == (DATA, "")
    assert f"error: {labels} has 60 labels, so it is not overwritten\n  read it with --labels {labels}" in result.err
    assert labels.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (("captoin",), "unknown stage 'captoin' (not in this recipe)", "did you mean 'caption'?"),
        (("dedup",), "the stage 'dedup' compares figures with each other", "stages that can be audited: license, "),
        (("terms",), "the stage 'terms' drops no figures", "stages that can be audited: license, rights, caption"),
        (("extract",), "the stage 'extract' reads articles", "stages that can be audited"),
        (("caption", "--n", "0"), "invalid value '0' for option --n", "write a whole number of at least 1"),
        (("language", "--n", "1"), "1 of 4 strata of kept figures", "draw one of each stratum at least: --n 4"),
        (("caption", "--labels", "x.csv", "--n", "5"), "option --n draws a sample, --labels", "give --labels"),
        ((), "missing argument STAGE", "roco audit demo/demo.toml language --n 20"),
    ],
)  # fmt: skip
def test_a_mistake_on_the_command_line_is_explained(
    command: Command, finished_demo: Path, tmp_path: Path, words: tuple[str, ...], error: str, hint: str
) -> None:
    where = () if "--labels" in words else ("--out", tmp_path)
    result = command("audit", finished_demo / "demo.toml", *words, *where)
    assert (result.code, result.out) == (USAGE, "")
    assert error in result.err and hint in result.err.partition("\n")[2]


def test_a_missing_file_of_labels_is_an_error_in_two_lines(command: Command, finished_demo: Path) -> None:
    result = command("audit", finished_demo / "demo.toml", "caption", "--labels", "/nowhere/labels.csv")
    assert (result.code, result.out) == (DATA, "")
    assert result.err.startswith("error: file not found: /nowhere/labels.csv\n  check the path")


def test_audit_before_a_run_is_an_error_with_the_next_command(command: Command, demo: Path) -> None:
    result = command("audit", demo / "demo.toml", "caption")
    assert (result.code, result.out) == (DATA, "")
    assert "nothing has been run" in result.err and "roco run" in result.err
