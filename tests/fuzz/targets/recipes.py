"""Recipes and other TOML files of users."""

from __future__ import annotations

import zlib
from pathlib import Path

from roco.base.errors import DataError, RocoError, UsageError
from roco.curate import task_files
from roco.models.text.concepts import rules
from roco.recipes.load import load_recipe
from roco.recipes.shipped import shipped
from tests.fuzz import mutations
from tests.fuzz.target import Format, Target, require

WORDS = ("[run]", "[source]", "[[source]]", "[[stage]]", "[[override]]", "[labels]", "[metadata]", "folder", "base",
         "kind", "path", "use", "name", "previous", "rounds", "log", "keep", "head", "at_least", "allow", "stage",
         "true", "false", "[]", "{}", "nan", "inf", "2020-01-01", '"package"', '"cloud"', '"folder"', '"release"',
         '"license"', '"caption"', '"dedup"', '"rocov2"', '"os:system"', '"tests.curate.stages:Dark"',
         '"no_such.module:X"', "'''", '"""', "= 1", "= \"\"", "[[label]]", "[guess]", "[asked]", "cui", "key", "then",
         "several", "examples")  # fmt: skip


def make() -> Target:
    promise = "any TOML: what it describes, or an error with what to do; reading it writes nothing"
    change = mutations.text(WORDS)
    return Target("recipes", promise, (
        Format("recipe", _recipes, _read_recipe, change),
        Format("task", _tasks, _read_task, change),
        Format("rules for concepts", _rules, _read_rules, change),
    ))  # fmt: skip


def _recipes() -> list[bytes]:
    small = b"""[run]
folder = "run"
base = "rocov2"
[source]
kind = "folder"
path = "source"
[labels]
log = "labels.db"
rounds = ["a"]
[[override]]
stage = "license"
allow = ["CC-BY"]
[[stage]]
use = "filter"
name = "compound"
head = "compound"
keep = "single"
at_least = 0.5
"""
    full = [path.read_bytes() for path in shipped().values()]
    source = b'[run]\nfolder = "run"\n[source]\nkind = "folder"\npath = "source"\n'
    return [small, *full, *(source + one for one in full)]


def _tasks() -> list[bytes]:
    return [path.read_bytes() for path in sorted(task_files.FOLDER.glob("*.toml"))]


def _rules() -> list[bytes]:
    folder = Path(rules.__file__).parent
    return [path.read_bytes() for path in sorted(folder.rglob("*.toml"))] or [b'[[block]]\ncui = "C0000001"\n']


def _read_recipe(data: bytes, folder: Path) -> None:
    (folder / "source").mkdir()
    path = folder / "recipe.toml"
    path.write_bytes(data)
    before = sorted(folder.iterdir())
    try:
        recipe = load_recipe(path)
        if zlib.crc32(data) % 20 == 0:  # it opens models and vocabularies, which takes long
            recipe.check()
    except RocoError as err:
        require(isinstance(err, UsageError | DataError), "an error of a recipe is one of its user")
        require(err.hint, "an error of a recipe says what to do")
    require(sorted(folder.iterdir()) == before, "reading a recipe writes nothing")


def _read_task(data: bytes, folder: Path) -> None:
    path = folder / "own.toml"
    path.write_bytes(data)
    (folder / "own.md").write_text("A guideline.")
    try:
        task_files.load(path)
    except UsageError as err:
        require(err.hint, "an error of a task says what to do")


def _read_rules(data: bytes, folder: Path) -> None:
    path = folder / "rules.toml"
    path.write_bytes(data)
    rules.load(path)
