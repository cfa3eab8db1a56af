"""Card and datasheet state what no stage of the recipe filters, and nothing that a stage does filter."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import RecipeError
from roco.base.guarantees import GUARANTEES, not_filtered_note
from roco.core.pipeline import Pipeline
from roco.core.stage import Decision, Stage
from roco.recipes.load import load_recipe, shipped
from roco.stages import STAGES
from roco.stages.cutoff import Cutoff
from roco.stages.dedup import Dedup
from roco.stages.filter import Filter
from roco.stages.guess import Guess
from roco.stages.license import License
from roco.stages.publish.guarantees import included
from roco.stages.rights import Rights
from tests.stages.publish.finished import ImageFilter, Run, publish, text

COMPOUND, NOT_RADIOLOGY = GUARANTEES["single"], GUARANTEES["radiology"]


class FilteredRun(Run):
    """A finished run whose recipe also has other stages."""

    def __init__(self, *stages: Stage) -> None:
        super().__init__()
        self.stages = stages

    @property
    def recipe(self) -> dict[str, Any]:
        recipe = super().recipe
        for stage in self.stages:
            entry = {
                "use": f"{type(stage).__module__}:{type(stage).__qualname__}",
                "options": stage.options,
                "ensures": list(stage.contract.ensures),
            }
            recipe["stages"].append({**recipe["stages"][0], **entry})
        return recipe


def texts(folder: Path, *stages: Stage) -> tuple[str, str]:
    """Returns card and datasheet of a run with these stages, each on one line."""
    release = publish(folder / "release", FilteredRun(*stages))
    card, datasheet = (" ".join(text(release / name).split()) for name in ("README.md", "DATASHEET.md"))
    return card, datasheet


# --- card and datasheet --------------------------------------------------------------------------------------


def test_card_and_datasheet_state_that_compound_and_other_images_are_included(tmp_path: Path) -> None:
    for page in texts(tmp_path):
        assert COMPOUND in page and NOT_RADIOLOGY in page
        assert "radiology images from" not in page


def test_the_statement_disappears_with_the_filters_that_declare_themselves(tmp_path: Path) -> None:
    for page in texts(tmp_path, ImageFilter(keep=("single",)), ImageFilter(keep=("radiology",))):
        assert COMPOUND not in page and NOT_RADIOLOGY not in page
    assert "12 radiology images from" in texts(tmp_path / "again", ImageFilter())[0]


def test_each_filter_removes_only_its_own_part_of_the_statement(tmp_path: Path) -> None:
    for page in texts(tmp_path, ImageFilter(keep=("single",))):
        assert COMPOUND not in page and NOT_RADIOLOGY in page


def test_a_recipe_claims_only_what_its_stages_do(tmp_path: Path) -> None:
    for page in texts(tmp_path):
        assert all(kind in page for kind in GUARANTEES.values())
        assert "open-access" not in page
    card, datasheet = texts(tmp_path / "again")
    assert "no group of near-duplicates" not in card and "group of near-duplicates or" not in datasheet
    assert "All of them allow redistribution" not in datasheet


def test_a_recipe_with_licence_and_duplicates_claims_them(tmp_path: Path) -> None:
    card, datasheet = texts(tmp_path, License(), Dedup())
    assert "from 6 open-access articles" in card and "no group of near-duplicates" in card
    assert "All of them allow redistribution" in datasheet and "group of near-duplicates or" in datasheet


def test_a_recipe_that_filters_everything_has_nothing_to_state() -> None:
    assert not_filtered_note(GUARANTEES) is None
    assert not_filtered_note(GUARANTEES.keys() - {"unique"}) == "Not filtered, and therefore included: duplicates."


# --- what stages ensure --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rocov2", "paper-order", "demo"])
def test_the_shipped_recipes_ensure_everything_except_that_the_paper_kept_retracted_articles(
    tmp_path: Path, name: str
) -> None:
    recipe = tmp_path / "recipe.toml"
    head = f'[run]\nfolder = "run"\nbase = "{name}"\n' if name != "demo" else ""
    body = (
        shipped()["demo"].read_text(encoding="utf-8")
        if name == "demo"
        else '[source]\nkind = "folder"\npath = "articles"\n'
    )
    recipe.write_text(head + body, encoding="utf-8")
    not_ensured = GUARANTEES.keys() - load_recipe(recipe).pipeline.ensures
    assert not_ensured == ({"retraction"} if name == "paper-order" else set())


def test_what_a_stage_ensures_depends_on_its_options() -> None:
    assert License().contract.ensures == ("license", "retraction")
    assert License(retracted=True).contract.ensures == ("license",)
    assert License(allow=("CC-BY", "NONE")).contract.ensures == ("retraction",)
    assert Cutoff(require=False).contract.ensures == ()
    assert Rights().contract.ensures == ("rights",)


@pytest.mark.parametrize("stage", [Rights(licensed="keep"), Rights(third_party="keep")])
def test_options_that_keep_images_of_others_are_stated(tmp_path: Path, stage: Rights) -> None:
    for page in texts(tmp_path, stage):
        assert GUARANTEES["rights"] in page


def test_the_card_states_that_modalities_are_guessed_from_the_pixels_too_where_a_stage_does_so(tmp_path: Path) -> None:
    assert "0 derived from the caption, 12 unknown" in texts(tmp_path / "caption")[0]
    assert "0 guessed from caption and pixels, 12 unknown" in texts(tmp_path / "pixels", Guess())[0]


def test_filters_that_keep_the_images_of_a_dataset_are_stated_with_their_number() -> None:
    recipe = FilteredRun(Filter(), Filter(given="filter")).recipe
    rows = [{"given_id": "ROCOv2_2023_train_000001"}, {"given_id": None}]
    name = recipe["stages"][-1]["name"]
    note = f" Not applied to the images of existing datasets (1 in the release): `{name}`."
    assert included(rows, recipe).endswith(note)
    assert "datasets" not in included(rows[1:], recipe)
    assert "datasets" not in included(rows, FilteredRun(Filter(given="filter")).recipe)


def test_an_unknown_guarantee_is_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="unknown guarantee 'radiolgy'") as caught:
        Pipeline(STAGES["release"], [ImageFilter(keep=("radiolgy",))], STAGES)  # type: ignore[arg-type]
    assert "radiology" in caught.value.hint


def test_a_stage_that_ensures_something_else_has_another_digest() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Filter(Decision):
        pass

    before = Filter().digest({})
    Filter.ensures = ("single",)
    assert Filter().digest({}) != before
