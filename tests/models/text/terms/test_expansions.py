"""Tests of the search for abbreviations in a text."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from roco.models.text.terms.expansions import _occurrences, long_forms


@given(st.text(alphabet="AB s'-_.1é", max_size=30), st.sampled_from(["AB", "A", "AsA", "A1"]))
def test_occurrences_are_those_of_the_pattern_that_describes_them(text: str, abbreviation: str) -> None:
    pattern = rf"(?<![\w-]){re.escape(abbreviation)}(?:s|'s)?(?![\w])"
    assert list(_occurrences(text, abbreviation)) == [match.span() for match in re.finditer(pattern, text)]


def test_a_long_form_is_found_on_both_sides() -> None:
    assert [long.words for long in long_forms("left ventricle (LV)", "LV")] == ["left ventricle"]
    assert [long.words for long in long_forms("LV (left ventricle)", "LV")] == ["left ventricle"]
    assert [long.words for long in long_forms("LV = left ventricle; Ao = aorta", "LV")] == ["left ventricle"]
