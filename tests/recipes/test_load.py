"""A recipe is checked before the first row; errors suggest the correction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


def test_a_stage_can_be_used_twice_under_two_names(tmp_path: Path) -> None:
    text = HEAD + STAGE + '[[stage]]\nuse = "license"\nname = "narrow"\nallow = ["CC-BY"]\n'
    assert [s.name for s in load_recipe(write(tmp_path, text)).pipeline.steps] == ["extract", "license", "narrow"]


def test_a_custom_stage_can_be_in_a_module_beside_the_recipe(tmp_path: Path) -> None:
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
        (HEAD + '[[stage]]\nuse = "licence"\n', "unknown stage 'licence' (stage 1)", "'license'"),
        (HEAD + STAGE + 'alow = ["CC-BY"]\n', "unknown option 'alow' (stage 'license')", "'allow'"),
        (HEAD + STAGE + "allow = 3\n", "option 'allow' (stage 'license') is a whole number: 3", "a list"),
        (
            HEAD + STAGE + "retracted = 1\n",
            "option 'retracted' (stage 'license') is a whole number: 1",
            "true or false",
        ),
        (HEAD + "[[stage]]\nallow = []\n", "missing option 'use' (stage 1)", "roco stages"),
        (HEAD + '[[stage]]\nuse = "no_such:Thing"\n', "no_such", "folder of the recipe"),
        (HEAD + '[[stage]]\nuse = "json:dumps"\n', "'json:dumps' is not a class", "roco.Measure"),
        (HEAD + '[[stage]]\nuse = "decimal:Decimal"\n', "is not a stage (stage 1)", "roco.Measure"),
        (HEAD, "no stages", "[[stage]]"),
        (HEAD + '[stage]\nuse = "license"\n', "invalid [[stage]] entries", "two brackets"),
        (HEAD + STAGE + STAGE, "duplicate stage name 'license'", "name"),
        (HEAD + "[[stages]]\n", "unknown section 'stages'", "'stage'"),
        (HEAD.replace('"package"', '"packages"') + STAGE, "unknown source kind 'packages'", "'package'"),
        (HEAD.replace('kind = "package"\n', "") + STAGE, "missing option 'kind' in [source]", "package"),
        (HEAD.replace('path = "corpus"\n', "") + STAGE, "missing option 'path' (source 'package')", "path"),
        (HEAD.replace('folder = "run"', 'foldr = "run"') + STAGE, "unknown option 'foldr' in [run]", "'folder'"),
        (STAGE, "missing option 'folder' in [run]", "folder"),
        (HEAD.replace("[source]", 'base = "rocov"\n[source]'), "unknown shipped recipe 'rocov'", "'rocov2'"),
        (HEAD.replace("[source]", 'base = "rocov2"\n[source]') + STAGE, "both base", "copy"),
        ("[run\n", "invalid TOML", "roco recipe"),
        (HEAD.replace('"run"', '"."') + STAGE, "the folder of the recipe", "its own"),
        (HEAD.replace('"run"', '""') + STAGE, "invalid run folder ''", "runs/first"),
        (HEAD.replace('"run"', '"corpus/run"') + STAGE, "is inside the source", "another folder"),
        (HEAD.replace('"run"', '"recipe.toml"') + STAGE, "is a file", "another folder"),
        (HEAD.replace('"package"', '["a"]') + STAGE, "unknown source kind ['a']", "package"),
        (HEAD.replace("[source]", 'base = ["a"]\n[source]'), "unknown shipped recipe ['a']", "rocov2"),
        (HEAD + '[[stage]]\nuse = ":x"\n', "does not name a class", "module:Class"),
        (HEAD + '[[stage]]\nuse = "mentions"\nvocabulary = "none.csv"\n', "cannot read", "recipe"),
        (HEAD + STAGE + 'allow = ["CC BY"]\n', "unknown licence 'CC BY'", "'CC-BY'"),
        (HEAD + STAGE + "allow = []\n", "no licence is allowed", "CC-BY"),
        (HEAD + '[[stage]]\nuse = "language"\nkeep = ["english"]\n', "invalid language code", "en"),
        (HEAD + '[[stage]]\nuse = "language"\nat_least = 3\n', "at_least = 3", "0 to 1"),
        (HEAD + '[[stage]]\nuse = "caption"\nmin_words = -5\n', "min_words = -5", ""),
    ],
)
def test_an_error_in_a_recipe_names_the_place_and_the_correction(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    with pytest.raises(RecipeError) as err:
        load_recipe(write(tmp_path, text))
    assert message in err.value.message
    assert hint in err.value.hint
    assert err.value.exit_code == 2


def test_the_error_for_a_missing_recipe_shows_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as err:
        load_recipe(tmp_path / "none.toml")
    assert "roco init" in err.value.hint


@pytest.mark.parametrize("previous", ["", " ", "a\\u0000b"])
def test_a_previous_release_without_a_name_is_refused(tmp_path: Path, previous: str) -> None:
    path = tmp_path / "r.toml"
    path.write_text(
        f'[run]\nfolder = "run"\nbase = "rocov2"\nprevious = "{previous}"\n[source]\nkind = "folder"\npath = "x"\n'
    )
    with pytest.raises(RecipeError, match="invalid option previous"):
        load_recipe(path)


@pytest.mark.parametrize("value", ["true", "false"])
def test_true_is_not_accepted_as_a_whole_number(tmp_path: Path, value: str) -> None:
    """In Python, True is the integer 1; in a recipe it is an error."""
    with pytest.raises(RecipeError, match="min_words") as err:
        load_recipe(write(tmp_path, HEAD + f'[[stage]]\nuse = "caption"\nmin_words = {value}\n'))
    assert "a whole number" in err.value.message + err.value.hint


LABELLED = """
from dataclasses import dataclass
from pathlib import Path
from roco import Decision
@dataclass(frozen=True, kw_only=True)
class Labelled(Decision):
    needs = ("extract",)
    log: Path
    rounds: tuple[str, ...] = ()
    def fingerprint(self): return "as resolved"
    def __call__(self, batch): return batch
"""


def labelled(folder: Path, labels: str) -> Path:
    (folder / "labelled_stages.py").write_text(LABELLED, encoding="utf-8")
    return write(folder, HEAD + labels + '[[stage]]\nuse = "labelled_stages:Labelled"\n')


def test_labels_reach_the_stages_that_read_a_label_log(tmp_path: Path) -> None:
    recipe = load_recipe(labelled(tmp_path, '[labels]\nlog = "labels.db"\nrounds = ["curated", "adjudicated"]\n'))
    stage: Any = recipe.pipeline.step("labelled").stage
    assert (stage.log, stage.rounds) == (tmp_path / "labels.db", ("curated", "adjudicated"))
    assert recipe.labels is not None and recipe.labels.log == tmp_path / "labels.db"


def test_labels_are_accepted_by_a_recipe_whose_stages_read_none(tmp_path: Path) -> None:
    labels = load_recipe(write(tmp_path, HEAD + '[labels]\nlog = "labels.db"\n' + STAGE)).labels
    assert labels is not None and labels.rounds == ()


@pytest.mark.parametrize(
    ("labels", "message", "hint"),
    [
        ('[labels]\nlogs = "labels.db"\n', "unknown option 'logs' in [labels]", "'log'"),
        ("[labels]\n", "missing option 'log' ([labels])", "log ="),
        ('[labels]\nlog = "run/labels.db"\n', "inside the run folder", "outlive"),
        ('[labels]\nlog = "l.db"\nrounds = "curated"\n', "option 'rounds' ([labels]) is a string", "a list"),
    ],
)
def test_an_invalid_labels_section_is_refused(tmp_path: Path, labels: str, message: str, hint: str) -> None:
    with pytest.raises(RecipeError) as err:
        load_recipe(write(tmp_path, HEAD + labels + STAGE))
    assert message in err.value.message
    assert hint in err.value.hint


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def broken(:\n", "SyntaxError"),
        ("raise RuntimeError('no licence server')\n", "RuntimeError: no licence server"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
    ],
)
def test_a_module_of_stages_that_cannot_be_imported_is_a_recipe_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    name = f"stages_{abs(hash(code))}"
    (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    with pytest.raises(RecipeError, match=f"cannot import '{name}:X': {message}"):
        load_recipe(write(tmp_path, HEAD + f'[[stage]]\nuse = "{name}:X"\n'))


def test_a_recipe_with_a_byte_order_mark_loads(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + STAGE)
    path.write_text("\ufeff" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert load_recipe(path).pipeline.steps
