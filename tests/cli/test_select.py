"""roco select: prints the query it makes, counts and shows without writing, writes a release that the others read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import DATA, DONE, USAGE, Command


@pytest.fixture
def release(finished_demo: Path) -> Path:
    return finished_demo / "run" / "release"


def test_select_writes_a_release_that_verify_diff_and_select_read(
    command: Command, release: Path, tmp_path: Path
) -> None:
    out = tmp_path / "ct"
    result = command("select", release, out, "--commercial", "--modality", "DRCT", "--modality", "DRMR")
    assert result.code == DONE
    assert "AND modality IN ('DRCT', 'DRMR')\n" in result.err and result.err.endswith(f"next: roco verify {out}\n")
    total = next(line for line in result.out.splitlines() if line.startswith("all ")).split()
    assert command("verify", out).out == f"OK: {total[2]} images, all checks passed\n"
    assert f"{total[2]} in both, 0 added" in command("diff", release, out).out
    assert command("select", out, tmp_path / "test", "--split", "test").code == DONE


def test_count_prints_numbers_before_and_after_and_writes_nothing(
    command: Command, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = command("select", release, "--modality", "drct", "--count")
    assert result.code == DONE
    lines = [line.split() for line in result.out.splitlines()]
    assert lines[0] == ["images", "release", "selected"]
    ct = next(line for line in lines if line[1:2] == ["DRCT"])
    assert ct[2] == ct[3] and int(ct[2]) > 0
    assert result.err.startswith("SELECT id FROM figures\nWHERE modality = 'DRCT'\n")
    assert list(tmp_path.iterdir()) == []


def test_show_prints_the_images_and_json_all_of_them(command: Command, release: Path) -> None:
    result = command("select", release, "--show", "--where", "true")
    assert result.out.splitlines()[-1] == "47 images, 20 of them shown: --json prints all"
    assert len(result.out.splitlines()) >= 22
    data = json.loads(command("select", release, "--show", "--where", "true", "--json").out)
    assert len(data["images"]) == 47 and data["after"]["split"] == data["before"]["split"]
    counted = json.loads(command("select", release, "--count", "--json", "-q").out)
    assert "images" not in counted


def test_lost_concepts_are_a_warning_that_names_prune_and_prune_silences_it(
    command: Command, release: Path, tmp_path: Path
) -> None:
    flags = ("--modality", "DRCT", "--modality", "DRMR")
    err = command("select", release, tmp_path / "a", *flags).err
    assert "of valid and test are no longer in train: C" in err or "of valid and test is no longer in train: C" in err
    assert "  --prune removes them from valid and test\n" in err
    assert "warning" not in command("select", release, tmp_path / "b", *flags, "--prune").err
    assert command("verify", tmp_path / "b").code == DONE


def test_an_empty_split_is_a_warning(command: Command, release: Path) -> None:
    err = command("select", release, "--count", "--split", "train").err
    assert "warning: no image of valid is selected\nwarning: no image of test is selected\n" in err


def test_json_prints_select_json(command: Command, release: Path, tmp_path: Path) -> None:
    printed = json.loads(command("select", release, tmp_path / "a", "--sample", "5", "--seed", "2", "--json").out)
    assert printed == json.loads((tmp_path / "a" / "select.json").read_text())
    assert printed["flags"] == {"sample": 5, "seed": 2}


def test_quiet_prints_no_query(command: Command, release: Path) -> None:
    assert command("select", release, "--count", "--language", "en", "-q").err == ""


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--where", "yaer = 2018", "--count"), "unknown column 'yaer' (--where)\n  did you mean 'year'?"),
        (("--where", "id IN (FROM 'x.csv')", "--count"), "it reads 'x.csv' (--where)\n  a condition may read"),
        (("--modality", "CT", "--count"), "unknown modality 'CT' (--modality)\n  did you mean 'DRCT'?"),
        (("--concept", "C0040406", "--count"), "no image has the concept 'C0040406' (--concept)\n  did you mean C004"),
        (("--seed", "3", "--count"), "--seed without --sample"),
        (("--with-descendants", "x.csv", "--count"), "--with-descendants without --concept"),
        (("--year", "18", "--count"), "invalid year '18' (--year)"),
        (("--split", "train"), "missing OUT, the folder to write\n  name it, or print the images: --count, --show"),
        (("out", "--count"), "--count with OUT"),
        (("--show", "--prune"), "--show with --prune"),
        (("out",), "nothing to select by"),
    ],
)
def test_a_mistake_is_one_error_with_a_hint(
    command: Command, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], error: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = command("select", release, *words)
    assert (result.code, result.out) == (USAGE, "")
    assert result.err.startswith(f"error: {error}") and result.err.count("\n") == 2
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_relations_that_is_missing_and_a_folder_that_is_no_release_are_errors(
    command: Command, release: Path, tmp_path: Path
) -> None:
    missing = command("select", release, "--count", "--concept", "C0040405", "--with-descendants", tmp_path / "x.csv")
    assert (missing.code, missing.err.count("\n")) == (DATA, 2) and "x.csv does not exist" in missing.err
    assert "not a release" in command("select", tmp_path, "--count").err
