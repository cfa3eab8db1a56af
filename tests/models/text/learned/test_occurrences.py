"""All places of the words by which concepts were linked."""

from __future__ import annotations

import numpy as np
import pytest

from roco.models.text.learned.candidates import Candidates
from roco.models.text.learned.ngrams import Splitter, hashes
from roco.models.text.learned.occurrences import Place, occurrences, trimmed

NAMES = ["lung", "left lung", "lung lung", "^ lung", "lung ."]


def places(texts: list[str], rows: list[int], names: list[int]) -> list[Place]:
    """Returns the places of candidates; rows and names: caption and n-gram of each one."""
    splitter = Splitter()
    words = splitter.split(texts)
    known = [_hash(splitter, name) for name in NAMES]
    codes = hashes(words)
    grams = np.full(codes.shape, -1, np.int64)
    for place, code in enumerate(known):
        grams[codes == code] = place
    none = np.zeros(len(rows), np.int64)
    found = Candidates(
        np.array(rows, np.int64), np.arange(len(rows)), np.array(names, np.int64), none, none, none,
        none.astype(bool), np.zeros((len(rows), 1), np.float32),
    )  # fmt: skip
    return occurrences(texts, words, grams, found, np.arange(len(rows)))


def _hash(splitter: Splitter, name: str) -> int:
    """Returns the hash of an n-gram; ^ is the begin of a caption."""
    first = 0 if name.startswith("^") else 1
    text = name.removeprefix("^ ")
    size = len(name.split())
    return int(hashes(splitter.split([text]))[first, size - 1])


def test_all_places_of_a_caption_are_found_and_none_of_another_caption() -> None:
    texts = ["Lung and left lungs", "lung"]
    assert places(texts, [0], [0]) == [Place(0, 0, 4, 0), Place(0, 14, 19, 0)]


def test_the_longer_of_two_mentions_comes_first() -> None:
    found = places(["the left lung"], [0, 0], [0, 1])
    assert found == [Place(0, 4, 13, 1), Place(0, 9, 13, 0)]


def test_places_of_one_candidate_do_not_overlap() -> None:
    assert places(["lung lung lung lung"], [0], [2]) == [Place(0, 0, 9, 0), Place(0, 10, 19, 0)]


def test_two_concepts_of_the_same_words_have_both_all_places() -> None:
    assert [place.candidate for place in places(["lung, lung"], [0, 0], [0, 0])] == [0, 1, 0, 1]


def test_the_begin_of_a_caption_and_punctuation_marks_are_no_part_of_a_mention() -> None:
    assert places(["lung."], [0, 0], [3, 4]) == [Place(0, 0, 4, 0), Place(0, 0, 4, 1)]


def test_no_candidates_have_no_places() -> None:
    assert places(["lung"], [], []) == []


@pytest.mark.parametrize(
    ("text", "part", "expected"),
    [("a (cyst). b", "(cyst).", "cyst"), ("a cyst", "cyst", "cyst"), ("a ). b", ").", ").")],
)
def test_mentions_have_no_punctuation_at_their_ends(text: str, part: str, expected: str) -> None:
    start = text.index(part)
    left, right = trimmed(text, start, start + len(part))
    assert text[left:right] == expected
