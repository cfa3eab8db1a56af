"""The commands on a release: verify, diff."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roco.cli.release_tables import print_difference
from roco.release.diff import Changed, Difference, Moved
from tests.cli.command import DATA, DONE, Command, Result


def test_verify_prints_one_line_per_problem_and_exits_with_1(command: Command, run: Path) -> None:
    release = run / "run" / "release"
    assert command("verify", release) == Result(DONE, "OK: 47 images, all checks passed\n", "")
    (release / "valid_captions.csv").unlink()
    result = command("verify", release)
    assert result.code == DATA
    assert "valid_captions.csv: missing file\n" in result.out
    assert json.loads(command("verify", release, "--json").out)[0]["where"] == "valid_captions.csv"


def test_verify_reports_retracted_articles_and_licences_that_are_not_allowed(
    command: Command, finished_demo: Path, tmp_path: Path
) -> None:
    release = finished_demo / "run" / "release"
    listed = tmp_path / "retracted.txt"
    listed.write_text("PMC99000003\n")
    result = command("verify", release, "--retracted", listed)
    assert result.code == 1 and "retracted article (listed in retracted.txt)" in result.out
    assert "licence not allowed: CC-BY-NC" in command("verify", release, "--license", "CC-BY").out
    assert "did you mean" in command("verify", release, "--license", "CC-BYE").err


def test_verify_strict_prints_each_check_with_its_verdict(command: Command, finished_demo: Path) -> None:
    result = command("verify", finished_demo / "run" / "release", "--strict")
    assert "passed       articles in several splits: 0 of " in result.out
    assert "not checked  images that contain their caption: the release has no column 'text_read'" in result.out
    failed = [line for line in result.out.splitlines() if line.startswith("failed")]
    assert result.code == (1 if failed else 0)
    data = json.loads(command("verify", finished_demo / "run" / "release", "--strict", "--json").out)
    assert data["problems"] == []
    by_name = {check["name"]: check for check in data["checks"]}
    assert by_name["rare-concept"]["value"] == len(by_name["rare-concept"]["rows"]) > 0


def test_diff_of_a_release_with_itself_reports_no_change(command: Command, finished_demo: Path) -> None:
    release = finished_demo / "run" / "release"
    result = command("diff", release, release)
    assert result.out == "47 and 47 images: 47 in both, 0 added, 0 removed\nmoved to another split: none\n"
    assert json.loads(command("diff", release, release, "--json").out)["images"] == {"old": 47, "new": 47, "both": 47}


def moved(*ids: str) -> Difference:
    pairs = [Moved(id, "train", "test") for id in ids]
    return Difference({"old": 30, "new": 30, "both": 30}, [], [], pairs, [], [], [])


def test_diff_prints_20_entries_of_a_list_and_counts_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    print_difference(moved(*(f"id_{i:02d}" for i in range(20))))
    assert "more: --json" not in capsys.readouterr().out
    print_difference(moved(*(f"id_{i:02d}" for i in range(23))))
    out = capsys.readouterr().out
    assert "  id_19: train -> test\n" in out and "id_20" not in out
    assert out.endswith("  and 3 more: --json\n")


@pytest.mark.parametrize(
    ("before", "after", "printed"),
    [
        (["C1", "C2"], ["C2", "C3"], "-C1 +C3"),
        (["C1", "C2"], ["C2", "C1"], "another order"),
        (None, ["C1"], "+C1"),
        ("CC-BY", "CC-BY-NC", "CC-BY -> CC-BY-NC"),
        ("a" * 50 + "left", "a" * 50 + "right", f"…{'a' * 10}left… -> …{'a' * 10}right…"),
        ("b" * 60, "b" * 50, f"…{'b' * 20}… -> …{'b' * 10}…"),
    ],
)
def test_diff_prints_a_change_in_few_words(
    capsys: pytest.CaptureFixture[str], before: object, after: object, printed: str
) -> None:
    changes = [Changed("id_01", "column", before, after)]
    print_difference(Difference({"old": 1, "new": 1, "both": 1}, [], [], [], [], [], changes))
    assert capsys.readouterr().out.endswith(f"  id_01  column: {printed}\n")
