"""`roco concepts diff`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from tests.cli.command import DATA, DONE, USAGE, Command


def rules(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text('base = "shipped"\n' + text, encoding="utf-8")
    return path


def test_changed_rules_are_compared_on_a_release(command: Command, finished_demo: Path, tmp_path: Path) -> None:
    release, mine = finished_demo / "run" / "release", rules(tmp_path, 'negated = "keep"\n')
    result = command("concepts", "diff", "shipped", mine, release, "--more-than", "1")
    assert result.code == DONE
    first, header, *rows = result.out.splitlines()
    assert first.startswith("2 of 47 images change; ")
    assert header.split() == ["CUI", "name", "gained", "lost", "before", "after", "dropped", "by", "images"]
    assert [row.split()[0] for row in rows] == ["C0032227"]
    facts = json.loads(command("concepts", "diff", "shipped", mine, release, "--more-than", "1", "--json").out)
    assert [(one["cui"], one["gained"], one["rule"]) for one in facts["changes"]] == [("C0032227", 2, "negated")]


def test_equal_rules_change_nothing(command: Command, finished_demo: Path) -> None:
    result = command("concepts", "diff", "shipped", "shipped", finished_demo / "run" / "release")
    assert result.code == DONE
    assert result.out.startswith("0 of 47 images change; "), result.out + result.err


def test_touched_images_are_written_and_no_file_is_overwritten(
    command: Command, finished_demo: Path, tmp_path: Path
) -> None:
    release, mine = finished_demo / "run" / "release", rules(tmp_path, 'negated = "keep"\n')
    arguments = ("concepts", "diff", "shipped", mine, release, "--more-than", "1", "--images")
    assert command(*arguments, tmp_path / "touched.csv").code == DONE
    with (tmp_path / "touched.csv").open(encoding="utf-8", newline="") as fh:
        rows = list(csv.DictReader(fh))
    assert [(row["gained"], row["lost"]) for row in rows] == [("C0032227", "")] * 2
    before = mine.read_bytes()
    again = command(*arguments, mine)
    assert (again.code, "already exists" in again.err, mine.read_bytes()) == (USAGE, True, before)


def test_wrong_rules_and_folders_are_one_error(command: Command, finished_demo: Path, tmp_path: Path) -> None:
    release = finished_demo / "run" / "release"
    for arguments, says in (
        ((tmp_path / "none.toml", "shipped", release), "do not exist"),
        ((rules(tmp_path, "negatd = 1\n"), "shipped", release), "did you mean 'negated'?"),
        (("shipped", "shipped", tmp_path), "not a release"),
    ):
        result = command("concepts", "diff", *arguments)
        assert result.code == DATA
        assert says in result.err and "Traceback" not in result.err
