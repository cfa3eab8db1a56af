"""Negated and uncertain mentions of learned linkers."""

from __future__ import annotations

import pytest

from roco.models.text.learned.marks import Marks
from roco.models.text.linking.assertion import Assertion


def marks(text: str, *parts: str) -> list[str]:
    """Returns how mentions are marked: negated, uncertain or affirmed."""
    places = sorted(
        ((text.index(part), text.index(part) + len(part)) for part in parts), key=lambda at: (at[0], -at[1])
    )
    found = Marks().assertions(text, places)
    return ["negated" if mark.negated else "uncertain" if mark.uncertain else "affirmed" for mark in found]


@pytest.mark.parametrize(
    ("text", "parts", "expected"),
    [
        ("CT shows no effusion.", ["effusion"], ["negated"]),
        ("CT shows no effusion.", ["CT", "no effusion"], ["affirmed", "negated"]),
        ("No left lung nodule.", ["left lung", "lung nodule", "nodule"], ["negated"] * 3),
        ("Possible pneumonia and a cyst", ["pneumonia", "cyst"], ["uncertain", "affirmed"]),
        ("effusion (arrow)", ["effusion", "("], ["affirmed", "affirmed"]),
        ("effusion", [], []),
    ],
)
def test_mentions_are_marked_as_the_caption_speaks_of_them(text: str, parts: list[str], expected: list[str]) -> None:
    assert marks(text, *parts) == expected


def test_a_long_list_of_negations_costs_a_bounded_time_for_each() -> None:
    text = "no effusion, " * 2000
    places = [(start + 3, start + 11) for start in range(0, len(text), 13)]
    assert Marks().assertions(text, places) == [Assertion(True, False)] * 2000
