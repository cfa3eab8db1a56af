"""The JSON Schema of recipes accepts what roco accepts, and refuses misspelt options."""

from __future__ import annotations

import tomllib
from pathlib import Path

import jsonschema
import pytest

from roco.base.errors import RecipeError
from roco.recipes.load import load_recipe
from roco.recipes.schema import schema
from roco.recipes.shipped import shipped, starter

HEAD = '[run]\nfolder = "run"\n[source]\nkind = "folder"\npath = "corpus"\n'
BASED = HEAD.replace("[source]", 'base = "rocov2"\n[source]')


def accepts(text: str) -> bool:
    """Returns whether the schema accepts a recipe."""
    return jsonschema.Draft202012Validator(schema()).is_valid(tomllib.loads(text))


def test_the_schema_is_a_valid_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_recipe_is_valid(name: str) -> None:
    assert accepts(starter(name))


@pytest.mark.parametrize(
    "text",
    [
        BASED,
        BASED + '[[override]]\nstage = "cutoff"\nmore_than = 5\n',
        BASED + '[[override]]\nstage = "split"\nheld_out = { from_year = 2021 }\n',
        BASED + '[release]\ntitle = "Chest"\ncreators = [{ name = "Doe, Jane", orcid = "0000-0002-1825-0097" }]\n',
        HEAD + '[[stage]]\nuse = "license"\nname = "narrow"\nallow = ["CC-BY"]\n',
        HEAD + '[labels]\nlog = "labels.db"\n[[stage]]\nuse = "license"\n',
        BASED.replace("[source]", "[[source]]") + '[[source]]\nkind = "release"\npath = "rocov2"\n',
    ],
)
def test_the_schema_accepts_a_recipe_that_loads(tmp_path: Path, text: str) -> None:
    (tmp_path / "recipe.toml").write_text(text, encoding="utf-8")
    load_recipe(tmp_path / "recipe.toml")
    assert accepts(text)


def test_the_schema_accepts_stages_of_ones_own() -> None:
    assert accepts(HEAD + '[[stage]]\nuse = "my_lab.stages:BlurFilter"\nat_least = 3\n')


@pytest.mark.parametrize(
    "text",
    [
        HEAD + '[[stage]]\nuse = "licence"\n',
        HEAD + '[[stage]]\nuse = "license"\nalow = []\n',
        HEAD + '[[stage]]\nuse = "license"\nretracted = 1\n',
        HEAD + '[[stage]]\nuse = "merge"\ngiven = "some"\n',
        BASED.replace("rocov2", "rocov3"),
        BASED + '[[override]]\nstage = "cutof"\nmore_than = 5\n',
        BASED + '[[override]]\nstage = "cutoff"\nmore = 5\n',
        BASED + '[release]\ntitel = "Chest"\n',
        BASED.replace('kind = "folder"', 'kind = "folders"'),
        BASED.replace('folder = "run"\n', ""),
    ],
)
def test_the_schema_refuses_what_roco_refuses(tmp_path: Path, text: str) -> None:
    (tmp_path / "recipe.toml").write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError):
        load_recipe(tmp_path / "recipe.toml")
    assert not accepts(text)
