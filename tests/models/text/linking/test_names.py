"""Tests of the index of names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roco.models.text.linking.names import Names, is_short_form
from roco.models.text.linking.words import Words


def names(*of: str) -> Names:
    found = Names(Words())
    found.build((name, (name,)) for name in of)
    return found


def values(found: Names, text: str) -> list[object]:
    return [match.value for match in found.matches(found.words.tokens(text).numbers)]


def test_the_longest_name_is_taken_at_each_place() -> None:
    known = names("portal vein", "portal vein thrombosis", "vein", "thrombosis")
    assert values(known, "portal vein thrombosis and portal vein, thrombosis of a vein") == [
        *("portal vein thrombosis", "portal vein", "thrombosis", "vein"),
    ]


def test_a_longer_name_that_does_not_fit_leaves_the_shorter_one() -> None:
    known = names("left main coronary artery", "coronary artery", "left main stem", "main")
    assert values(known, "left main bronchus") == ["main"]
    assert values(known, "left main coronary") == ["main"]


def test_marks_are_borders_of_names() -> None:
    assert values(names("lung cancer"), "lung. Cancer, lung (cancer)") == []


def test_everyday_words_and_numbers_are_no_names() -> None:
    assert values(names("Was", "All", "12", "x", "or"), "was all 12 x or") == []


def test_only_few_capitals_are_a_short_form() -> None:
    assert [name for name in ("CT", "C.T.", "COPD", "STEMI", "Ct", "T2", "A B", "") if is_short_form(name)] == [
        *("CT", "C.T.", "COPD"),
    ]


@given(
    st.lists(st.text(alphabet="abc ", min_size=1, max_size=8).filter(str.strip), max_size=8),
    st.text(alphabet="abc ", max_size=40),
)
def test_matches_are_names_in_order_and_do_not_overlap(of: list[str], text: str) -> None:
    known = names(*of)
    numbers = tuple(known.words.tokens(text).numbers)
    at = 0
    for match in known.matches(numbers):
        assert at <= match.first < match.beyond
        assert known.value(numbers[match.first : match.beyond]) == match.value
        assert known.match(numbers, match.first) == match
        at = match.beyond


class Counted(dict):  # type: ignore[type-arg]
    """A dictionary that counts how often it is asked."""

    asked = 0

    def get(self, key, default=None):  # type: ignore[no-untyped-def]
        self.asked += 1
        return super().get(key, default)


def test_the_work_grows_with_the_length_of_the_text_and_not_faster() -> None:
    known = names(*("a b " + "c " * size + "d" for size in range(12)), "a", "b")
    asked = []
    for repeats in (500, 1000):
        known._values = counted = Counted(known._values)
        list(known.matches(known.words.tokens("a b c c c c c " * repeats).numbers))
        asked.append(counted.asked)
    assert asked[1] <= 2 * asked[0] + 20
