"""The modality by caption and pixels together, and what `merge` makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from roco.base.errors import RecipeError
from roco.base.labels import MODALITIES
from roco.base.schema import types
from roco.models.text import likelihood
from roco.models.text.terms.matcher import TermMatcher
from roco.models.text.terms.table import load
from roco.recipes.demo import write
from roco.recipes.load import load_recipe
from roco.stages.guess import Guess, combined
from roco.stages.merge import Merge

LINKER = TermMatcher(load())
CLASSES = ("DRAN", "DRCT", "DRMR", "DRUS", "DRXR")
XR, CHEST = "C1306645", "C0817096"


def pixels(**given: float) -> dict[str, float]:
    """The probabilities of the head: those given, and the rest for the other classes alike."""
    rest = (1 - sum(given.values())) / (len(CLASSES) - len(given))
    return {label: given.get(label, rest) for label in CLASSES}


def batch(*rows: tuple[str | None, dict[str, float] | None]) -> pa.Table:
    """Captions with their terms, and the scores of the head `modality`."""
    n = len(rows)
    terms = [None if c is None else [m._asdict() for m in LINKER.link(c)] for c, _ in rows]
    return pa.table(
        {
            "figure_id": pa.array([str(i) for i in range(n)]),
            "drop": pa.nulls(n, pa.string()),
            "drop_detail": pa.nulls(n, pa.string()),
            "caption": pa.array([caption for caption, _ in rows], pa.string()),
            "terms": pa.array(terms, types("terms")["terms"]),
            "mentions": pa.nulls(len(rows), types("mentions")["mentions"]),
            "suggested": pa.nulls(len(rows), types("suggested")["suggested"]),
            "modality_scores": pa.array(
                [scores for _, scores in rows], pa.struct([(label, pa.float32()) for label in CLASSES])
            ),
        }
    )


def decide(caption: str | None, scores: dict[str, float] | None, **options: Any) -> dict[str, Any]:
    row: dict[str, Any] = Guess(**options)(batch((caption, scores))).to_pylist()[0]
    return row


def test_caption_and_pixels_that_agree_make_the_guess_surer_than_either() -> None:
    both = decide("CT of the liver", pixels(DRCT=0.7))
    assert (both["modality_guess"], both["modality_guess_from"]) == ("DRCT", "both")
    assert both["modality_p"] > decide("CT of the liver", None)["modality_p"]
    assert both["modality_p"] > decide("Mass in the liver", pixels(DRCT=0.7))["modality_p"]
    assert both["modality_disagrees"] is False


def test_the_pixels_decide_where_the_caption_names_nothing() -> None:
    row = decide("Mass in the left lobe", pixels(DRUS=0.95))
    assert (row["modality_guess"], row["modality_guess_from"]) == ("DRUS", "pixels")
    assert row["modality_disagrees"] is None
    assert row["guess_evidence"] == []


def test_the_caption_outweighs_doubtful_pixels_and_sure_pixels_outweigh_the_caption() -> None:
    assert decide("MRI of the brain", pixels(DRCT=0.6))["modality_guess"] == "DRMR"
    row = decide("The CT of the day before was normal", pixels(DRXR=0.999))
    assert (row["modality_guess"], row["modality_guess_from"]) == ("DRXR", "both")
    assert row["modality_p"] < 0.999


@pytest.mark.parametrize(("p", "disagrees"), [(0.79, False), (0.81, True)])
def test_pixels_disagree_from_a_probability_that_is_an_option(p: float, disagrees: bool) -> None:
    assert decide("MRI of the brain", pixels(DRCT=p))["modality_disagrees"] is disagrees
    assert decide("MRI of the brain", pixels(DRCT=0.6), disagrees_at=0.5)["modality_disagrees"] is True
    with pytest.raises(RecipeError, match=r"disagrees_at = 1\.5"):
        Guess(disagrees_at=1.5)


@pytest.mark.parametrize(
    ("caption", "modality"),
    [
        ("FDG-PET of the chest", "DRPE"),
        ("PET/CT of the chest", "DRCO"),
        ("CT of a water phantom", "OTHER"),
        ("Bone scintigraphy", "OTHER"),
    ],
)
def test_what_the_head_was_not_trained_on_is_guessed_from_the_caption_alone(caption: str, modality: str) -> None:
    row = decide(caption, pixels())
    assert (row["modality_guess"], row["modality_guess_from"]) == (modality, "caption")
    assert row["modality_disagrees"] is (None if modality == "OTHER" else False)


@pytest.mark.parametrize("scores", [pixels(), pixels(DRCT=0.5), pixels(DRXR=0.99)])
def test_an_untrained_class_is_never_guessed_without_a_word_for_it(scores: dict[str, float]) -> None:
    label, probability, _, source = combined(None, scores)
    assert label in CLASSES and source == "pixels"
    assert probability is not None and 0 < probability < 1


def test_a_head_that_was_trained_on_pet_has_a_say_about_it() -> None:
    scores = {"DRCT": 0.002, "DRMR": 0.003, "DRPE": 0.995}
    assert combined("DRPE", scores).source == "both"
    assert combined(None, scores)[0] == "DRPE"
    assert combined("DRPE", {"DRCT": 0.5, "DRMR": 0.5}).source == "caption"


def test_the_margin_is_what_the_guess_leads_the_next_class_by() -> None:
    shares, given = likelihood.prior(), likelihood.likelihoods()[likelihood.NONE]
    seen = {"DRCT": 0.5, "DRMR": 0.4, "DRUS": 0.1}
    # A class that the head does not have fits the pixels as well as the mean of the three.
    weights = {label: shares[label] * given[label] * 3 * seen.get(label, 1 / 3) for label in shares}
    found = combined(None, seen)
    assert found.label == max(weights, key=lambda label: weights[label])
    first, second, *_ = sorted(weights.values(), reverse=True)
    assert found.margin == pytest.approx((first - second) / sum(weights.values()))
    assert found.probability == pytest.approx(first / sum(weights.values()))


def test_a_close_second_makes_the_margin_small_whatever_the_probability() -> None:
    close, apart = combined(None, pixels(DRCT=0.6, DRMR=0.39)), combined(None, pixels(DRCT=0.6))
    assert close.label == apart.label == "DRCT"
    assert close.probability is not None and close.margin is not None and apart.margin is not None
    assert close.margin < apart.margin and close.margin < close.probability - 0.2
    alone = combined("OTHER", pixels(DRCT=0.99), is_sure=True)
    assert (alone.label, alone.margin, alone.source) == ("OTHER", None, "caption")


def test_region_and_direction_of_xrays_come_from_the_caption_and_say_so() -> None:
    row = decide("PA chest radiograph", pixels(DRXR=0.9))
    assert [row[f"{kind}_guess"] for kind in ("modality", "region", "direction")] == ["DRXR", "chest", "coronal_pa"]
    assert (row["region_guess_from"], row["direction_guess_from"]) == ("caption", "caption")
    assert {one["of"]: one["text"] for one in row["guess_evidence"]} == {
        "modality": "radiograph",
        "region": "chest",
        "direction": "PA",
    }


def test_other_images_have_no_region_and_no_direction() -> None:
    row = decide("Lateral view of the knee in MRI", pixels(DRMR=0.9))
    assert row["region_guess"] is row["region_guess_from"] is row["direction_guess"] is None
    unknown = decide("X-ray", pixels(DRXR=0.9))
    assert unknown["region_guess"] is unknown["region_guess_from"] is unknown["direction_guess_from"] is None


def test_without_caption_and_pixels_nothing_is_guessed() -> None:
    row = decide(None, None)
    assert [row[name] for name in Guess.writes] == [*[None] * 9, []]
    assert row["modality_p"] is None
    nulls = decide("", dict.fromkeys(CLASSES))  # type: ignore[arg-type]
    assert nulls["modality_guess"] is None


def test_columns_have_the_declared_types() -> None:
    table = Guess()(batch(("CT", pixels(DRCT=0.9)), (None, None)))
    assert all(table[name].type == kind for name, kind in Guess.writes.items())
    assert Guess()(batch()).num_rows == 0


def test_it_needs_terms_and_the_scores_of_its_head() -> None:
    contract = Guess().contract
    assert contract.needs == ("terms", ("score", {"head": Path("modality"), "name": "score_modality"}))
    assert contract.reads == ("caption", "terms", "modality_scores")


def test_a_head_for_something_else_is_refused() -> None:
    with pytest.raises(RecipeError, match="class 'single' of head 'compound' is no modality"):
        _ = Guess(head=Path("compound")).contract


# --- the table of likelihoods ---------------------------------------------------------------------------------------


def test_likelihoods_are_distributions_over_what_a_caption_can_be_read_as() -> None:
    table = likelihood.likelihoods()
    assert set(table) == {*likelihood.CLASSES, likelihood.NONE}
    for label in likelihood.CLASSES:
        given = [table[reading][label] for reading in table]
        assert min(given) > 0
        assert sum(given) == pytest.approx(1)
    assert sum(likelihood.prior().values()) == pytest.approx(1)


def test_a_caption_is_read_as_the_modality_of_its_image_more_often_than_as_another() -> None:
    table = likelihood.likelihoods()
    for label in set(likelihood.CLASSES) - {likelihood.OTHER}:
        assert max(table[label], key=lambda truth: table[label][truth]) == label


# --- merge ----------------------------------------------------------------------------------------------------------


def merged(caption: str, scores: dict[str, float], **options: Any) -> dict[str, Any]:
    row: dict[str, Any] = Merge(**options)(Guess()(batch((caption, scores)))).to_pylist()[0]
    return row


def test_merge_uses_the_guess_where_the_caption_names_nothing() -> None:
    row = merged("Nodule in the chest", pixels(DRXR=0.97))
    assert (row["modality"], row["modality_from"], row["region"]) == ("DRXR", "guess", "chest")
    assert row["concepts"][:2] == [XR, CHEST]


def test_merge_takes_the_guess_before_the_modality_in_the_caption() -> None:
    caption, scores = "The CT of the day before was normal", pixels(DRXR=0.999)
    assert merged(caption, scores)["modality"] == "DRXR"
    assert Merge()(batch((caption, scores)))["modality"].to_pylist() == ["DRCT"]


def test_a_guess_of_no_radiology_gives_no_modality() -> None:
    row = merged("CT of a water phantom", pixels())
    assert (row["modality"], row["modality_from"]) == (None, None)


def test_merge_uses_no_guess_if_only_labels_may_decide() -> None:
    assert merged("CT", pixels(DRCT=0.99), modality_from=("label",))["modality"] is None


# --- in a run -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_guesses_from_stored_scores_and_merge_uses_the_guess(tmp_path: Path) -> None:
    write(tmp_path / "demo", "")
    stages = '[[stage]]\nuse = "image"\n[[stage]]\nuse = "guess"\n[[stage]]\nuse = "merge"\n'
    recipe = tmp_path / "guess.toml"
    recipe.write_text(
        f'[run]\nfolder = "run"\n[source]\nkind = "package"\npath = "demo/corpus/package"\n{stages}', encoding="utf-8"
    )
    load_recipe(recipe).run(workers=0)
    rows = load_recipe(recipe).open().figures(["modality_guess", "modality_guess_from", "modality", "modality_from"])
    kept = [row for row in rows.to_pylist() if row["drop"] is None and row["modality_guess"] in MODALITIES]
    assert {row["modality_guess_from"] for row in kept} >= {"both"}
    for row in kept:
        assert (row["modality"], row["modality_from"]) == (row["modality_guess"], "guess")
