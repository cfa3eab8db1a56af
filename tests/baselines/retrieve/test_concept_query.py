"""Conditions over concepts: precedence, names, and what is no condition."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.errors import UsageError
from roco.baselines.retrieve.concept_query import ConceptQuery

CT, XR, CHEST = "C0040405", "C1306645", "C0817096"
NAMES = {CT: "X-Ray Computed Tomography", XR: "Plain x-ray", CHEST: "Chest (AND thorax)"}
ROWS = list(product([False, True], repeat=3))
"""All combinations of CT, X-ray and chest."""


def holds(text: str) -> list[bool]:
    columns = dict(zip((CT, XR, CHEST), np.array(ROWS).T, strict=True))
    found: list[bool] = ConceptQuery.parsed(text, NAMES).holds(columns.__getitem__).tolist()
    return found


@pytest.mark.parametrize(
    ("text", "right"),
    [
        (CT, lambda ct, xr, chest: ct),
        ("x-ray  computed TOMOGRAPHY", lambda ct, xr, chest: ct),
        (CT.lower(), lambda ct, xr, chest: ct),
        (f"{CT} OR {XR} AND {CHEST}", lambda ct, xr, chest: ct or (xr and chest)),
        (f"({CT} OR plain x-ray) AND {CHEST}", lambda ct, xr, chest: (ct or xr) and chest),
        (f"NOT {CT} AND NOT NOT {XR}", lambda ct, xr, chest: not ct and xr),
        (f"NOT ({CT} OR {XR})", lambda ct, xr, chest: not (ct or xr)),
        ('"chest (AND thorax)"', lambda ct, xr, chest: chest),
        (f"{CT} OR {XR} OR {CHEST}", lambda ct, xr, chest: ct or xr or chest),
    ],
)
def test_a_condition_holds_for_the_images_that_fulfil_it(text: str, right) -> None:  # type: ignore[no-untyped-def]
    assert holds(text) == [right(*row) for row in ROWS]


def test_concepts_that_are_not_negated_are_wanted() -> None:
    assert ConceptQuery.parsed(f"{XR} AND NOT ({CT} OR NOT {CHEST})", NAMES).wanted == (CHEST, XR)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a concept is missing at the end"),
        ("AND", "a concept is missing before 'AND'"),
        (f"{CT} AND", "a concept is missing at the end"),
        (f"{CT} OR OR {XR}", "a concept is missing before 'OR'"),
        (f"({CT}", "a parenthesis is not closed"),
        (f"{CT})", r"a concept is missing before '\)'"),
        (f"{CT} ({XR})", r"a concept is missing before '\('"),
        ('"plain', "a quotation mark is not closed"),
        ('""', "a concept is missing"),
        ("()", r"a concept is missing before '\)'"),
        ("NOT " * 60 + CT, "too many conditions within each other"),
        ("(" * 1500, "too many conditions within each other"),
        ("x" * 3000, "more than 2,000 characters"),
        ("C9999999", "unknown concept 'C9999999'"),
    ],
)
def test_what_is_no_condition_is_a_usage_error(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ConceptQuery.parsed(text, NAMES)


def test_an_unknown_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(UsageError) as error:
        ConceptQuery.parsed("plain x-rey", NAMES)
    assert "unknown concept 'plain x-rey' (--concepts)" in error.value.message
    assert error.value.hint == f"did you mean {XR} (Plain x-ray)?"


@given(st.lists(st.sampled_from(["(", ")", '"', "AND", "OR", "NOT", CT, "é", "\x00", "\n"]), max_size=40))
def test_any_text_is_a_condition_or_a_usage_error(words: list[str]) -> None:
    try:
        ConceptQuery.parsed(" ".join(words), NAMES)
    except UsageError as error:
        assert "--concepts" in error.message
