"""The commands on a release: verify, diff."""

from __future__ import annotations

import json
from pathlib import Path

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


def test_diff_of_a_release_with_itself_reports_no_change(command: Command, finished_demo: Path) -> None:
    release = finished_demo / "run" / "release"
    result = command("diff", release, release)
    assert result.out == "47 and 47 images: 47 in both, 0 added, 0 removed\nmoved to another split: none\n"
    assert json.loads(command("diff", release, release, "--json").out)["images"] == {"old": 47, "new": 47, "both": 47}
