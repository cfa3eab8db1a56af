"""A recipe is checked before the first row; what is wrong is answered with what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.base.errors import RecipeError
from roco.recipes.load import load_recipe, shipped

HEAD = '[run]\nfolder = "run"\n[source]\nkind = "package"\npath = "corpus"\n'
STAGE = '[[stage]]\nuse = "license"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["rocov2", "paper-order", "demo"])
def test_every_shipped_recipe_loads(tmp_path: Path, name: str) -> None:
    text = shipped()[name].read_text(encoding="utf-8")
    recipe = load_recipe(write(tmp_path, text if "\n[run]" in text else HEAD + text))
    assert recipe.pipeline.steps[0].name == "extract"
    assert recipe.pipeline.steps[-1].name == "release"


def test_paths_are_relative_to_the_recipe(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, HEAD + STAGE))
    assert recipe.folder == tmp_path / "run"
    assert recipe.pipeline.source.path == tmp_path / "corpus"


def test_a_base_gives_the_stages_of_a_shipped_recipe(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, HEAD.replace("[source]", 'base = "rocov2"\n[source]')))
    assert [s.name for s in recipe.pipeline.steps][:3] == ["extract", "license", "rights"]


def test_a_stage_may_stand_twice_under_two_names(tmp_path: Path) -> None:
    text = HEAD + STAGE + '[[stage]]\nuse = "license"\nname = "narrow"\nallow = ["CC-BY"]\n'
    assert [s.name for s in load_recipe(write(tmp_path, text)).pipeline.steps] == ["extract", "license", "narrow"]


def test_a_stage_from_outside_lies_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "lab_stages.py").write_text(
        "from dataclasses import dataclass\nfrom roco import Decision\n"
        "@dataclass(frozen=True, kw_only=True)\nclass Nothing(Decision):\n"
        "    needs = ('extract',)\n    reads = ('caption',)\n"
        "    at_least: int = 1\n    def __call__(self, batch): return batch\n"
    )
    text = HEAD + '[[stage]]\nuse = "lab_stages:Nothing"\nat_least = 4\n'
    assert load_recipe(write(tmp_path, text)).pipeline.step("nothing").stage.options == {"at_least": 4}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (HEAD + '[[stage]]\nuse = "licence"\n', "uses 'licence', which there is not", "'license'"),
        (HEAD + STAGE + 'alow = ["CC-BY"]\n', "no option 'alow'", "'allow'"),
        (HEAD + STAGE + "allow = 3\n", "'allow' is 3", "a list"),
        (HEAD + STAGE + "retracted = 1\n", "'retracted' is 1", "true or false"),
        (HEAD + "[[stage]]\nallow = []\n", "stage 1 does not say what it uses", "roco stages"),
        (HEAD + '[[stage]]\nuse = "no_such:Thing"\n', "no_such", "beside the recipe"),
        (HEAD + '[[stage]]\nuse = "json:dumps"\n', "no such class", ""),
        (HEAD + '[[stage]]\nuse = "decimal:Decimal"\n', "is no stage", "roco.Measure"),
        (HEAD, "names no stage", "[[stage]]"),
        (HEAD + '[stage]\nuse = "license"\n', "[[stage]]", "two brackets"),
        (HEAD + STAGE + STAGE, "two stages are named 'license'", "name"),
        (HEAD + "[[stages]]\n", "no section 'stages'", "'stage'"),
        (HEAD.replace('"package"', '"packages"') + STAGE, "no source of kind 'packages'", "'package'"),
        (HEAD.replace('kind = "package"\n', "") + STAGE, "does not say its kind", "package"),
        (HEAD.replace('path = "corpus"\n', "") + STAGE, "needs the option 'path'", "path"),
        (HEAD.replace('folder = "run"', 'foldr = "run"') + STAGE, "no option 'foldr'", "'folder'"),
        (STAGE, "does not say where the run goes", "folder"),
        (HEAD.replace("[source]", 'base = "rocov"\n[source]'), "no shipped recipe 'rocov'", "'rocov2'"),
        (HEAD.replace("[source]", 'base = "rocov2"\n[source]') + STAGE, "both base", "copy"),
        ("[run\n", "is not TOML", ""),
        (HEAD.replace('"run"', '"."') + STAGE, "the folder of the recipe", "its own"),
        (HEAD.replace('"run"', '""') + STAGE, "folder cannot be ''", "of its own"),
        (HEAD.replace('"run"', '"corpus/run"') + STAGE, "lies in the source", "another folder"),
        (HEAD.replace('"run"', '"recipe.toml"') + STAGE, "is a file", "another folder"),
        (HEAD.replace('"package"', '["a"]') + STAGE, "no source of kind ['a']", "package"),
        (HEAD.replace("[source]", 'base = ["a"]\n[source]'), "no shipped recipe ['a']", "rocov2"),
        (HEAD + '[[stage]]\nuse = ":x"\n', "names no class", "module:Class"),
        (HEAD + '[[stage]]\nuse = "mentions"\nvocabulary = "none.csv"\n', "cannot be read", "recipe"),
        (HEAD + STAGE + 'allow = ["CC BY"]\n', "no licence 'CC BY'", "'CC-BY'"),
        (HEAD + STAGE + "allow = []\n", "allows nothing", "CC-BY"),
        (HEAD + '[[stage]]\nuse = "language"\nkeep = ["english"]\n', "names no language", "en"),
        (HEAD + '[[stage]]\nuse = "language"\nat_least = 3\n', "at_least is 3", "0 to 1"),
        (HEAD + '[[stage]]\nuse = "caption"\nmin_words = -5\n', "min_words is -5", "from 0"),
    ],
)
def test_what_is_wrong_is_told_with_what_would_be_right(tmp_path: Path, text: str, message: str, hint: str) -> None:
    with pytest.raises(RecipeError) as err:
        load_recipe(write(tmp_path, text))
    assert message in err.value.message
    assert hint in err.value.hint
    assert err.value.exit_code == 2


def test_a_recipe_that_is_not_there_is_told_with_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as err:
        load_recipe(tmp_path / "none.toml")
    assert "roco init" in err.value.hint


@pytest.mark.parametrize("previous", ["", " ", "a\\u0000b"])
def test_a_previous_release_without_a_name_is_refused(tmp_path: Path, previous: str) -> None:
    path = tmp_path / "r.toml"
    path.write_text(
        f'[run]\nfolder = "run"\nbase = "rocov2"\nprevious = "{previous}"\n[source]\nkind = "folder"\npath = "x"\n'
    )
    with pytest.raises(RecipeError, match="previous cannot be"):
        load_recipe(path)


@pytest.mark.parametrize("value", ["true", "false"])
def test_true_is_no_whole_number(tmp_path: Path, value: str) -> None:
    """Python counts True as the integer 1; in a recipe it is a mistake."""
    with pytest.raises(RecipeError, match="min_words") as err:
        load_recipe(write(tmp_path, HEAD + f'[[stage]]\nuse = "caption"\nmin_words = {value}\n'))
    assert "a whole number" in err.value.message + err.value.hint
