"""Fixtures: a finished run of the demo corpus with a filter that reads a score."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import roco

STAGES = """[[stage]]
use = "tests.curate.stages:Brightness"
name = "brightness"

[[stage]]
use = "tests.curate.stages:Dark"
name = "dark"

"""


def add_stages(recipe: Path, stages: str = STAGES) -> Path:
    """Adds the stages before `identity`, the first one that compares figures."""
    text = recipe.read_text(encoding="utf-8")
    before = '[[stage]]\nuse = "identity"'
    assert before in text
    recipe.write_text(text.replace(before, stages + before), encoding="utf-8")
    return recipe


@pytest.fixture(scope="session")
def filtered(finished_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipe of a finished run with the stages `brightness` and `dark`; not to be changed."""
    folder = tmp_path_factory.mktemp("filtered") / "demo"
    shutil.copytree(finished_demo, folder)
    recipe = add_stages(folder / "demo.toml")
    roco.load_recipe(recipe).run(workers=0)
    return recipe


@pytest.fixture(scope="session")
def run(filtered: Path) -> Iterator[roco.Run]:
    """The opened run."""
    with closing(roco.load_recipe(filtered).open()) as opened:
        yield opened


@pytest.fixture
def demo_corpus(finished_demo: Path, tmp_path: Path) -> Path:
    """A demo folder to change; it has been run."""
    shutil.copytree(finished_demo, tmp_path / "demo")
    return tmp_path / "demo"
