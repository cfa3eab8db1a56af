"""Tests of negation and uncertainty: each example of the shipped cues, and scopes."""

from __future__ import annotations

import re

import pytest

from roco.models.text.linking import assertion
from roco.models.text.linking.assertion import table
from tests.models.text.linking.vocabularies import linked

FINDINGS = (
    *("fracture", "hemorrhage", "cyst", "thrombosis", "effusion", "metastasis", "dislocation", "infection", "fistula"),
    *("thrombus", "carcinoma", "pneumothorax", "atelectasis", "pneumonia", "abscess", "contrast", "femoral vein"),
    *("femur", "liver", "breast", "abdomen", "free air", "free fluid", "lung", "kidney", "calcification"),
)
EXAMPLES = [example for group in table().values() for example in group.get("examples", ())]


def marks(text: str) -> tuple[list[str], list[str]]:
    """Returns the negated and the uncertain mentions of a text."""
    found = linked(text, *FINDINGS)
    return [m.text for m in found if m.negated], [m.text for m in found if m.uncertain]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_cues_hold(example: str) -> None:
    text = re.sub(r"[\[\]{}]", "", example)
    assert marks(text) == (re.findall(r"\[(.*?)\]", example), re.findall(r"\{(.*?)\}", example))


def test_every_kind_of_cue_has_examples() -> None:
    assert {kind for kind, group in table().items() if group.get("examples")} >= {
        *("negates", "negated", "suspects", "suspected", "nothing"),
    }


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("No fracture. Effusion is seen.", ["fracture"]),
        ("No fracture, effusion or cyst.", ["fracture", "effusion", "cyst"]),
        ("No fracture, effusion, and cyst.", ["fracture", "effusion", "cyst"]),
        ("No fracture, and a large cyst in the liver.", ["fracture"]),
        ("No fracture but effusion.", ["fracture"]),
        ("No fracture (arrow) of the femur.", ["fracture"]),
        ("No abnormality around the cyst.", []),
        ("Cyst without contrast in the liver", ["contrast"]),
        ("Fracture and dislocation were ruled out.", ["dislocation", "Fracture"]),
        ("No one of the seven patients of this long sentence ever had a fracture.", []),
    ],
)
def test_a_negation_reaches_the_next_mention_and_its_list(text: str, negated: list[str]) -> None:
    assert sorted(marks(text)[0]) == sorted(negated)


def test_a_negated_mention_is_not_uncertain() -> None:
    assert marks("No suspected fracture") == (["fracture"], [])


def test_a_place_is_not_negated_with_what_is_missing_there() -> None:
    assert marks("The lesion of the liver was not seen.") == ([], [])
    assert marks("The cyst of the liver was not seen.") == (["cyst"], [])
    assert marks("After embolization of the fistula, the shunt is no longer visible.") == ([], [])


def test_a_question_mark_is_about_the_words_beside_it() -> None:
    assert marks("? fracture of the femur") == ([], ["fracture"])
    assert marks("Fracture? Effusion in the femur") == ([], ["Fracture"])


def test_all_cues_together_pass_each_mention_of_a_list_once(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = []
    after_mention = assertion._Caption._after_mention
    monkeypatch.setattr(
        assertion._Caption, "_after_mention", lambda *arguments: passed.append(1) or after_mention(*arguments)
    )
    negated, _ = marks("no fracture or " * 200)
    assert len(negated) == 200
    assert len(passed) == 200


@pytest.mark.parametrize("text", ["rule out fracture", "Rule out fracture.", "CT to rule out fracture"])
def test_what_is_to_be_ruled_out_is_uncertain(text: str) -> None:
    assert marks(text) == ([], ["fracture"])


@pytest.mark.parametrize("text", ["CT ruled out fracture", "CT rules out fracture", "fracture was ruled out"])
def test_what_is_ruled_out_is_negated(text: str) -> None:
    assert marks(text) == (["fracture"], [])
