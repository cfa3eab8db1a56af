"""The commands on recipes: recipe, check."""

from __future__ import annotations

import json
import re
from pathlib import Path

from roco.recipes.load import load_recipe
from tests.cli.command import DATA, DONE, USAGE, Command


def test_recipe_lists_the_shipped_recipes_with_a_sentence_each(command: Command) -> None:
    result = command("recipe")
    assert result.code == DONE
    assert "rocov2       ROCOv2 with cheap filters first" in result.out


def test_the_example_of_recipe_writes_a_file(command: Command) -> None:
    assert "  Example: roco recipe rocov2 > mine.toml" in command("recipe", "-h").out.splitlines()


def test_recipe_prints_a_recipe_that_loads_as_it_is(command: Command, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(command("recipe", "rocov2").out, encoding="utf-8")
    assert load_recipe(mine).pipeline.steps[-1].name == "release"


def test_an_unknown_recipe_is_answered_with_the_nearest_name(command: Command) -> None:
    result = command("recipe", "rocov")
    assert result.code == USAGE
    assert "did you mean 'rocov2'?" in result.err


def test_recipe_prints_the_json_schema(command: Command) -> None:
    assert json.loads(command("recipe", "--schema").out)["title"] == "A recipe of roco"


def test_check_prints_the_stages_and_marks_overridden_options(command: Command, demo: Path) -> None:
    recipe = demo / "own.toml"
    override = '[[override]]\nstage = "cutoff"\nmore_than = 3\n'
    recipe.write_text(
        f'[run]\nfolder = "own"\nbase = "rocov2"\n[source]\nkind = "package"\npath = "corpus/package"\n{override}'
    )
    result = command("check", recipe)
    assert result.code == DONE
    assert "more_than = 3 (override)" in result.out
    assert re.search(r"OK: \d+ stages, all checks passed", result.out)
    assert result.err == f"next: roco run {recipe}\n"


def test_check_reports_a_missing_source_and_ends_with_1(command: Command, tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text('[run]\nfolder = "run"\nbase = "rocov2"\n[source]\nkind = "package"\npath = "none"\n')
    result = command("check", recipe)
    assert result.code == DATA
    assert "[source] package: " in result.out and "does not exist" in result.out
    problems = json.loads(command("check", recipe, "--json").out)["problems"]
    assert [problem["where"] for problem in problems] == ["[source] package"]
