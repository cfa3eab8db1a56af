"""Mentions that are given by offsets are marked as negated or uncertain by the words around them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.models.text.linking.asserted import Asserted
from roco.models.text.linking.assertion import AFFIRMED, Assertion

ASSERTED = Asserted()


@pytest.mark.parametrize(
    ("caption", "names", "expected"),
    [
        ("No evidence of fracture.", ["fracture"], [Assertion(True, False)]),
        ("X-ray: no bone-marrow edema, or mass in the lung", ["edema", "mass"], [Assertion(True, False)] * 2),
        ("Possible pleural effusion; liver", ["pleural effusion", "liver"], [Assertion(False, True), AFFIRMED]),
        ("Fracture was ruled out", ["Fracture"], [Assertion(True, False)]),
        ("A mass", ["mass"], [AFFIRMED]),
        ("No mass", ["ass"], [Assertion(True, False)]),  # a linker may begin inside a word
    ],
)
def test_cues_are_read_at_offsets(caption: str, names: list[str], expected: list[Assertion]) -> None:
    places = [match.span() for name in names for match in re.finditer(name, caption)]
    assert ASSERTED.assertions(caption, places) == expected


TEXT = st.text(st.sampled_from("no mas ,.-?é"), max_size=40)


@given(TEXT, st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=5))
def test_any_places_are_judged(caption: str, ends: list[tuple[int, int]]) -> None:
    places = [(min(pair), max(pair) + 1) for pair in ends if max(pair) < len(caption)]
    assert len(ASSERTED.assertions(caption, places)) == len(places)
