"""[[override]] changes single options of the stages of a base."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from roco.base.errors import RecipeError
from roco.recipes.load import Recipe, load_recipe

HEAD = '[run]\nfolder = "run"\nbase = "rocov2"\n[source]\nkind = "folder"\npath = "corpus"\n'


def load(folder: Path, text: str, head: str = HEAD) -> Recipe:
    path = folder / "recipe.toml"
    path.write_text(head + text, encoding="utf-8")
    return load_recipe(path)


def test_an_override_changes_one_option_and_leaves_the_others(tmp_path: Path) -> None:
    recipe = load(tmp_path, '[[override]]\nstage = "language"\nkeep = ["en", "de"]\n')
    options = recipe.pipeline.step("language").stage.options
    assert (options["keep"], options["at_least"]) == (["en", "de"], 0.45)


def test_overrides_do_not_change_the_order_of_the_stages(tmp_path: Path) -> None:
    plain = load(tmp_path, "")
    changed = load(
        tmp_path, '[[override]]\nstage = "cutoff"\nmore_than = 5\n[[override]]\nstage = "rights"\nlicensed = "keep"\n'
    )
    assert [step.name for step in changed.pipeline.steps] == [step.name for step in plain.pipeline.steps]


def test_a_measure_that_the_base_needs_without_listing_it_can_be_overridden(tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("cui,name,semantic_type,synonyms\nC0040405,X-Ray Computed Tomography,T060,CT\n")
    plain = load(tmp_path, "")
    changed = load(tmp_path, '[[override]]\nstage = "mentions"\nvocabulary = "names.csv"\n')
    assert changed.pipeline.step("mentions").stage.options["vocabulary"] == str(tmp_path / "names.csv")
    assert [step.name for step in changed.pipeline.steps] == [step.name for step in plain.pipeline.steps]


def test_the_resolved_recipe_names_what_was_overridden(tmp_path: Path, demo_corpus: Path) -> None:
    head = HEAD.replace('"folder"', '"package"').replace('"corpus"', f'"{demo_corpus / "corpus" / "package"}"')
    recipe = load(tmp_path, '[[override]]\nstage = "cutoff"\nmore_than = 1\n', head)
    recipe.open("license").do(workers=0)
    resolved = tomllib.loads((tmp_path / "run" / "recipe.toml").read_text(encoding="utf-8"))
    assert resolved["run"]["overridden"] == ["cutoff.more_than"]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('[[override]]\nstage = "cutof"\nmore_than = 1\n', "no stage 'cutof' in base 'rocov2'", "'cutoff'"),
        (
            '[[override]]\nstage = "split"\nfractons = [1.0]\n',
            "unknown option 'fractons' (stage 'split')",
            "'fractions'",
        ),
        (
            '[[override]]\nstage = "cutoff"\nmore_than = "ten"\n',
            "option 'more_than' (stage 'cutoff') is a string",
            "whole",
        ),
        ("[[override]]\nmore_than = 1\n", "missing option 'stage' ([[override]] 1)", "cutoff"),
        ('[[override]]\nstage = "cutoff"\n', "no options ([[override]] 1)", "cutoff"),
        (
            '[[override]]\nstage = "cutoff"\nuse = "split"\n',
            "'use' cannot be overridden",
            "roco recipe rocov2 > mine.toml",
        ),
        (2 * '[[override]]\nstage = "cutoff"\nmore_than = 1\n', "two [[override]] entries for stage 'cutoff'", "one"),
        ('[override]\nstage = "cutoff"\n', "invalid [[override]] entries", "two brackets"),
        ('[[overide]]\nstage = "cutoff"\n', "unknown section 'overide'", "'override'"),
    ],
)
def test_an_invalid_override_is_refused(tmp_path: Path, text: str, message: str, hint: str) -> None:
    with pytest.raises(RecipeError) as err:
        load(tmp_path, text)
    assert message in err.value.message
    assert hint in err.value.hint


def test_an_override_without_a_base_is_refused(tmp_path: Path) -> None:
    own = HEAD.replace('base = "rocov2"\n', "") + '[[stage]]\nuse = "license"\n'
    with pytest.raises(RecipeError, match=r"\[\[override\]\] without base"):
        load(tmp_path, '[[override]]\nstage = "license"\nweak = true\n', own)
