"""Results of linkers are converted to mentions, or rejected with linker, caption and what is wrong."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.errors import DataError
from roco.models.text.linking.checked import MOST_MENTIONS, checked, with_checks
from roco.models.text.linking.linker import Describes, Linker, Mention, Suggestion, Suggests

CAPTION = "A mass in the lung"
LUNG = Mention(14, 18, "lung", "C0024109", linker="mine")


def one(mention: Any) -> list[Mention]:
    return checked([[mention]], [CAPTION], "mine")[0]


@pytest.mark.parametrize(
    "given",
    [
        LUNG,
        LUNG._replace(linker=""),
        tuple(LUNG),
        (14, 18, "lung", "C0024109"),
        (14, 18, None, "C0024109"),
        {"start": 14, "end": 18, "cui": "C0024109"},
        {"start": np.int64(14), "end": np.int64(18), "cui": "C0024109", "score": np.float32(1)},
        SimpleNamespace(start=14, end=18, cui="C0024109", label="Lung"),
        {"start": 14, "end": 18, "cui": "C0024109", "score": 1 + 1e-9, "negated": 0},
    ],
)
def test_tuples_dicts_and_objects_become_mentions(given: Any) -> None:
    (mention,) = one(given)
    assert mention == LUNG
    assert [type(value) for value in mention] == [type(value) for value in LUNG]


def test_the_name_of_another_linker_is_kept() -> None:
    assert one(LUNG._replace(linker="theirs"))[0].linker == "theirs"


def test_mentions_are_sorted_by_their_offsets() -> None:
    mass = (2, 6, "mass", "C0027651")
    found = checked([[LUNG, mass]], [CAPTION], "mine")[0]
    assert [mention.text for mention in found] == ["mass", "lung"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((14, 19, None, "C0024109"), "with offsets 14 to 19, but the caption has 18 characters"),
        ((-1, 3, None, "C0024109"), "with offsets -1 to 3"),
        ((4, 4, None, "C0024109"), "with offsets 4 to 4"),
        ((14.0, 18, None, "C0024109"), "with start 14.0, which is not a whole number"),
        ((14, 18, "Lung", "C0024109"), "with text 'Lung', but 14 to 18 is 'lung'"),
        ((14, 18, "lung", "24109"), "with invalid CUI '24109'; a CUI is C and seven digits"),
        ((14, 18, "lung", 24109), "with invalid CUI 24109"),
        ((14, 18, "lung", "C0024109", float("nan")), "with score nan, which is not between 0 and 1"),
        ((14, 18, "lung", "C0024109", 37), "with score 37.0"),
        ((14, 18, "lung", "C0024109", "high"), "with score 'high', which is not a number"),
        ((14, 18), "without cui"),
        ((1,) * 9, "with 9 values"),
        ({"begin": 14, "end": 18, "cui": "C0024109"}, "with unknown field 'begin'; known: start, end"),
        ({"start": 14, "cui": "C0024109"}, "without end"),
        ("lung", "without start: 'lung'"),
        (None, "without start: None"),
        (LUNG._replace(start=True), "text 'lung', but 1 to 18"),
    ],
)
def test_an_invalid_mention_is_rejected_with_its_caption(given: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        checked([[], [given]], ["", CAPTION], "my_lab:link")
    assert message in caught.value.message
    assert "docs/linkers.md" in caught.value.hint
    assert "'my_lab:link'" in caught.value.message
    assert "(caption 2: 'A mass in the lung')" in caught.value.message


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([], "returned 0 results for 1 captions"),
        ([[], []], "returned more than 1 results for 1 captions"),
        (None, "returned nothing, not a list"),
        ("ab", "returned a value of type str, not a list"),
        ({"a": 1}, "returned a value of type dict, not a list"),
        ([None], "for caption 1: 'A mass in the lung' 'mine' returned nothing, not a list"),
        ([LUNG], "returned a mention, not a list of mentions"),
        ([["lung"]], "returned a mention without start"),
        (itertools.repeat([]), "returned more than 1 results"),
        ([itertools.repeat(LUNG)], f"returned more than {MOST_MENTIONS:,} mentions"),
    ],
)
def test_what_is_not_a_list_of_mentions_for_each_caption_is_rejected(results: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        checked(results, [CAPTION], "mine")
    assert message in caught.value.message


def test_a_caption_in_a_message_cannot_change_the_terminal() -> None:
    with pytest.raises(DataError) as caught:
        checked([[(0, 99, "", "C0000001")]], ["\x1b[31m\nred" + "x" * 500], "mine")
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("C0024109")
THINGS = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4))
MENTIONS = st.tuples(st.integers(-2, 20), st.integers(-2, 20), st.none(), VALUES, VALUES)


@given(st.lists(st.lists(MENTIONS | THINGS, max_size=3), max_size=3) | THINGS)
def test_any_result_is_valid_or_a_data_error(results: Any) -> None:
    try:
        found = checked(results, [CAPTION, ""], "mine")
    except DataError as err:
        assert err.message.isprintable()
    else:
        assert all(CAPTION[one.start : one.end] == one.text and 0 <= one.score <= 1 for one in found[0])


# --- linkers ---------------------------------------------------------------------------------------------------------


class Suggesting:
    name = "own"
    heavy = True

    def __init__(self, cui: str = "C0817096", score: float = 0.5) -> None:
        self.suggestion = Suggestion(cui, score, "")

    def link(self, captions: Sequence[str]) -> list[list[Mention]]:
        return [[LUNG] for _ in captions]

    def link_and_suggest(self, captions: Sequence[str]) -> list[tuple[list[Mention], list[Suggestion]]]:
        return [([LUNG], [self.suggestion]) for _ in captions]


class Plain:
    name = "plain"
    heavy = False

    def link(self, captions: Sequence[str]) -> list[list[Mention]]:
        return [[LUNG] for _ in captions]


def test_a_checked_linker_has_the_protocols_of_its_linker() -> None:
    suggesting, plain = with_checks(Suggesting(), "own"), with_checks(Plain(), "plain")
    assert isinstance(suggesting, Linker) and isinstance(suggesting, Suggests) and suggesting.heavy
    assert isinstance(plain, Linker) and not isinstance(plain, Suggests) and not plain.heavy
    assert isinstance(plain, Describes) and plain.describe("C0024109") is None
    assert suggesting.link_and_suggest([CAPTION]) == [([LUNG], [Suggestion("C0817096", 0.5, "own")])]


@pytest.mark.parametrize(("cui", "score"), [("chest", 0.5), ("C0817096", float("nan"))])
def test_an_invalid_suggestion_is_rejected(cui: str, score: float) -> None:
    linker: Any = with_checks(Suggesting(cui, score), "own")
    with pytest.raises(DataError, match="'own' returned a suggestion with"):
        linker.link_and_suggest([CAPTION])


@pytest.mark.parametrize(
    "given", [("C0817096", 0.5), ["C0817096", 0.5], {"cui": "C0817096", "score": 0.5}, ("C0817096", np.float32(0.5))]
)
def test_a_suggestion_may_be_a_tuple_or_a_dict(given: Any) -> None:
    linker: Any = with_checks(Suggesting(), "own")
    linker.linker.suggestion = given
    assert linker.link_and_suggest([CAPTION]) == [([LUNG], [Suggestion("C0817096", 0.5, "own")])]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((5, 0.5), "a suggestion with invalid CUI 5"),
        (("C0817096",), "a suggestion without score"),
        ("C0817096", "a suggestion without cui"),
        (None, "a suggestion without cui"),
        ({"cui": "C0817096", "p": 0.5}, "a suggestion with unknown field 'p'"),
        (("C0817096", 0.5, "own", 1), "a suggestion with 4 values"),
    ],
)
def test_a_mistake_in_a_suggestion_is_reported_with_linker_and_caption(given: Any, message: str) -> None:
    linker: Any = with_checks(Suggesting(), "own")
    linker.linker.suggestion = given
    with pytest.raises(DataError) as caught:
        linker.link_and_suggest([CAPTION])
    assert f"'own' returned {message}" in caught.value.message
    assert "(caption 1: " in caught.value.message


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([[LUNG]], "not a pair of mentions and suggestions (caption 1"),
        ([None], "not a pair of mentions and suggestions (caption 1"),
        ([([LUNG], 0.5)], "returned a value of type float, not a list"),
        ([], "0 results for 1 captions"),
        ([([LUNG], []), None], "more than 1 results for 1 captions"),
        (None, "returned nothing, not a list"),
    ],
)
def test_what_is_no_pair_for_each_caption_is_rejected(pairs: Any, message: str) -> None:
    linker: Any = with_checks(Suggesting(), "own")
    linker.linker.link_and_suggest = lambda captions: pairs
    with pytest.raises(DataError) as caught:
        linker.link_and_suggest([CAPTION])
    assert message in caught.value.message and "'own'" in caught.value.message


@pytest.mark.parametrize("value", ["no", "", 2, 0.5, [True]])
def test_a_flag_that_is_no_bool_is_rejected(value: Any) -> None:
    with pytest.raises(DataError, match=r"with negated .*, which is neither True nor False"):
        one({"start": 14, "end": 18, "cui": "C0024109", "negated": value})


def test_flags_of_numpy_are_bools() -> None:
    (mention,) = one({"start": 14, "end": 18, "cui": "C0024109", "negated": np.True_, "uncertain": None})
    assert (mention.negated, mention.uncertain) == (True, False) and type(mention.negated) is bool


def test_a_linker_of_roco_is_checked_as_well() -> None:
    with pytest.raises(DataError, match="'plain' returned a mention with offsets 14 to 18"):
        with_checks(Plain(), "plain").link(["short"])
