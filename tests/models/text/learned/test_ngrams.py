"""Words and n-grams of captions, and what is evidence beside them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from roco.models.text.learned import ngrams
from roco.models.text.learned.ngrams import LONGEST, Splitter, folded, hashes
from roco.models.text.learned.rivals import CROSSING, EQUAL, INNER, LONGER, rivals


@pytest.mark.parametrize(("a", "b"), [("Lungs", "lung"), ("EFFUSIONS", "effusion"), ("ＣＴ", "ct"), ("Cysts", "cyst")])
def test_case_width_and_plural_do_not_matter(a: str, b: str) -> None:
    assert folded(a) == folded(b)


@pytest.mark.parametrize("word", ["gas", "mass", "pelvis", "thrombus", "us"])
def test_a_word_that_is_no_plural_keeps_its_s(word: str) -> None:
    assert folded(word) == word


def test_words_are_where_they_are_written() -> None:
    text = "Chest X-ray: α-synuclein, 3 cm."
    words = Splitter().split([text])
    written = [text[a:b] for a, b in zip(words.start, words.end, strict=True)]
    assert written == ["", "Chest", "X-ray", ":", "α", "synuclein", ",", "3", "cm", ".", ""]


def test_equal_ngrams_have_equal_hashes_in_any_caption_and_no_ngram_crosses_captions() -> None:
    words = Splitter().split(["pleural effusion", "Left pleural effusions"])
    grams = hashes(words)
    assert grams[1, 1] == grams[6, 1] != 0
    rows = words.row
    for at, size in itertools.product(range(len(rows)), range(1, LONGEST + 1)):
        inside = at + size <= len(rows) and rows[at] == rows[at + size - 1]
        assert (grams[at, size - 1] != 0) == inside


def test_the_order_of_words_changes_the_hash() -> None:
    grams = hashes(Splitter().split(["left lung", "lung left"]))
    assert grams[1, 1] != grams[5, 1]


def test_an_emptied_store_of_hashes_does_not_change_them(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["a b c d", "d c b a"]
    before = Splitter().split(texts)
    monkeypatch.setattr(ngrams, "MOST_HASHES", 2)
    assert (Splitter().split(texts).code == before.code).all()


def test_rivals_are_the_best_others_by_their_place() -> None:
    random = np.random.default_rng(0)
    n, words = 80, 30
    length = random.integers(1, LONGEST + 1, n)
    start = random.integers(0, words - LONGEST, n)
    score = random.random(n)
    found = rivals(start, length, score, words)
    for i in range(n):
        expected = np.zeros(4)
        for j in range(n):
            if i == j:
                continue
            a, b, c, d = start[i], start[i] + length[i], start[j], start[j] + length[j]
            if (a, b) == (c, d):
                column = EQUAL
            elif c <= a and b <= d:
                column = LONGER
            elif a <= c and d <= b:
                column = INNER
            elif c < b and a < d:
                column = CROSSING
            else:
                continue
            expected[column] = max(expected[column], score[j])
        assert np.allclose(found[i], expected)
