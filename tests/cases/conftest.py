"""Runs a case: `case("03-panel-letter")` copies its input and runs its recipe, without what looks at pixels."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import roco
from roco.core.run import Run
from roco.recipes.shipped import shipped
from tests.conftest import SHARED
from tests.demo import without_filters

BASE = 'base = "rocov2"'


@dataclass(frozen=True)
class Case:
    """A finished case: its run, and the folder it ran in."""

    run: Run
    folder: Path

    def figures(self, *columns: str) -> list[dict[str, Any]]:
        """Returns all figures, kept and dropped, in the order of their ids."""
        return self.run.figures(columns).to_pylist()


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Callable[[str], Case]]:
    """Returns the function that runs a case in a temporary folder; name: the begin of the folder's name."""
    opened: list[Run] = []

    def run(name: str) -> Case:
        (folder,) = (SHARED / "cases").glob(f"{name}*")
        shutil.copytree(folder / "input", tmp_path / "input")
        recipe = (folder / "run.toml").read_text(encoding="utf-8")
        if BASE in recipe:
            # The images of the cases are drawn; what they test are the words around them.
            recipe = recipe.replace(BASE, "") + "\n" + without_filters(shipped()["rocov2"].read_text(encoding="utf-8"))
        (tmp_path / "run.toml").write_text(recipe, encoding="utf-8")
        opened.append(roco.load_recipe(tmp_path / "run.toml").open())
        opened[0].do(workers=0)
        return Case(opened[0], tmp_path)

    yield run
    for each in opened:
        each.close()
