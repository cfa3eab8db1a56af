"""Tests of the semantic types: every type is decided, and a wrong list is rejected with file and type."""

from __future__ import annotations

import pytest

from roco.base.errors import DataError
from roco.models.text.semantic_types import kept, load, tuis
from roco.models.text.terms import table as vocabulary

TABLE_6 = {
    "T023": "Body Part, Organ, or Organ Component",
    "T060": "Diagnostic Procedure",
    "T029": "Body Location or Region",
    "T082": "Spatial Concept",
    "T046": "Pathologic Function",
    "T047": "Disease or Syndrome",
    "T080": "Qualitative Concept",
    "T030": "Body Space or Junction",
    "T074": "Medical Device",
    "T191": "Neoplastic Process",
}


def test_all_127_types_are_decided_once_with_reason_and_example() -> None:
    types = load()
    assert len(types) == 127
    assert len({row.name for row in types.values()}) == 127
    assert all(row.reason and row.example for row in types.values())


def test_the_frequent_types_of_the_paper_are_kept_and_social_behavior_is_not() -> None:
    types = load()
    assert {tui: types[tui].name for tui in TABLE_6} == TABLE_6
    assert kept() >= TABLE_6.keys()
    assert types["T054"].name == "Social Behavior"
    assert "T054" not in kept()


def test_every_concept_of_the_shipped_vocabulary_has_a_kept_type() -> None:
    assert {concept.tui for concept in vocabulary.load().concepts if concept.tui} <= kept()


def test_types_of_time_number_and_people_are_not_kept() -> None:
    assert kept().isdisjoint(tuis(["Temporal Concept", "Quantitative Concept", "Patient or Disabled Group"], "test"))


def test_types_are_given_by_tui_or_by_name() -> None:
    assert tuis(["t047", " medical device "], "rules.toml") == {"T047", "T074"}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Desease or Syndrome", "did you mean 'Disease or Syndrome'?"),
        ("T999", "did you mean 'T099'?"),
        ("", "known: "),
    ],
)
def test_an_unknown_type_is_reported_with_the_nearest_name(name: str, hint: str) -> None:
    with pytest.raises(DataError) as caught:
        tuis([name], "rules.toml, block")
    assert str(caught.value).startswith(f"rules.toml, block: unknown semantic type {name!r}")
    assert (caught.value.hint or "").startswith(hint)
