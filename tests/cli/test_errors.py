"""Errors of the command line: exit codes, one line with a hint, nearest names."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import roco
from tests.cli.command import DATA, DONE, USAGE, Command, process


@pytest.fixture(scope="module")
def finished(finished_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished demo, which these tests may touch."""
    return shutil.copytree(finished_demo, tmp_path_factory.mktemp("errors") / "demo")


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("run", "{demo}/nothing.toml"), USAGE, "roco init"),
        (("run", "{demo}"), USAGE, "use the .toml file in it"),
        (("run", "{demo}/demo.toml", "--until", "imagge"), USAGE, "did you mean 'image'?"),
        (("run", "{demo}/demo.toml", "--parts", "3/2"), USAGE, "1/4"),
        (("run", "{demo}/demo.toml", "--parts", "all"), USAGE, "1/4"),
        (("run", "{demo}/demo.toml", "--workers", "0", "--retry", "unreadabel"), USAGE, "did you mean 'unreadable'?"),
        (
            ("run", "{demo}/demo.toml", "--workers", "0", "--retry", "license"),
            USAGE,
            "decisions are re-evaluated anyway",
        ),
        (("show", "{demo}/demo.toml", "PMC99000099/f1/0"), DATA, "did you mean"),
        (("run", "{demo}/demo.toml", "--retry", ""), USAGE, "decisions are re-evaluated anyway"),
        (("init", "{demo}/demo.toml/x"), DATA, "choose another path"),
        (("verify", "{demo}/run"), DATA, "use {demo}/run/release"),
        (("verify", "{demo}/nothing"), DATA, "figures.parquet"),
        (("init", "{demo}/corpus"), DATA, ""),
    ],
    ids=lambda value: " ".join(w.partition("/")[2] or w for w in value) if isinstance(value, tuple) else None,
)
def test_an_error_is_one_line_and_a_hint(
    command: Command, finished: Path, words: tuple[str, ...], code: int, expected: str
) -> None:
    result = command(*(word.format(demo=finished) for word in words))
    assert (result.code, result.out) == (code, "")
    error, hint = result.err.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("  ")
    assert expected.format(demo=finished) in hint


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('use = "caption"', 'use = "captoin"', "did you mean 'caption'?"),
        ("at_least = 0.45", "at_leest = 0.45", "did you mean 'at_least'?"),
        ("[source]", "[sauce]", "did you mean 'source'?"),
        ('kind = "package"', 'kind = "packages"', "did you mean 'package'?"),
        ('use = "merge"', 'use = "merge"\nname = "../merge"', "letters"),
    ],
)
def test_a_typo_in_a_recipe_is_answered_with_the_nearest_name(
    command: Command, demo: Path, old: str, new: str, expected: str
) -> None:
    recipe = demo / "demo.toml"
    recipe.write_text(recipe.read_text().replace(old, new))
    for verb in ("run", "status"):
        result = command(verb, recipe)
        error, hint = result.err.splitlines()
        assert (result.code, result.out) == (USAGE, "")
        assert error.startswith("error: ")
        assert expected in hint


def test_a_missing_source_is_a_data_error(command: Command, demo: Path) -> None:
    shutil.rmtree(demo / "corpus")
    result = command("run", demo / "demo.toml", "--workers", "0")
    assert result.code == DATA
    assert re.search(r"^error: .*does not exist", result.err, re.MULTILINE)


def test_debug_prints_the_traceback(tmp_path: Path) -> None:
    with process("--debug", "run", tmp_path / "none.toml") as run:
        _, err = run.communicate()
    assert run.returncode != DONE
    assert "Traceback" in err
    assert "RecipeError" in err


def test_a_path_that_cannot_be_written_is_named_without_a_traceback(finished: Path, command: Command) -> None:
    sheet = finished / "sheet.png"
    sheet.mkdir()
    result = command("duplicates", finished / "demo.toml", "--sheet", sheet)
    assert result.code == DATA
    assert str(sheet) in result.err and "Traceback" not in result.err


def test_the_version_is_printed(command: Command) -> None:
    result = command("--version")
    assert (result.code, result.out) == (DONE, f"roco {roco.__version__}\n")


def test_hints_name_the_recipe_of_the_command_line(command: Command, demo: Path) -> None:
    recipe = demo.rename(demo.with_name("my demo")) / "demo.toml"
    for words in (("show", recipe, "PMC99000001"), ("dropped", recipe), ("articles", recipe)):
        result = command(*words)
        assert result.code == DATA
        assert result.err.splitlines()[1].endswith(f"roco run '{recipe}'")
    assert command("status", recipe).err == f"next: roco run '{recipe}'\n"
