"""The stop words of a question are not searched for: BM25 would rank them by their rarity in captions."""

from __future__ import annotations

import numpy as np
import pytest

from roco.baselines.retrieve.questions import STOP_WORDS, content_words
from roco.baselines.retrieve.words import Words, words_of

CAPTIONS = [
    "What this case shows: a normal wrist, as there is no other.",
    "X-ray of the left radius with a fracture.",
    *["X-ray of the knee with a fracture of the patella."] * 8,
]


def test_rare_question_words_would_outweigh_what_the_question_is_about() -> None:
    """Without the stop words, the caption without a fracture is the best hit."""
    words = Words.of(CAPTIONS)
    question = "What is there to see, and which image shows a fracture?"
    assert np.argmax(words.scores(question)) == 0
    assert words.scores(content_words(question))[0] == 0
    assert (words.scores(content_words(question))[1:] > 0).all()


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What does the CT of the chest show?", "CT chest"),
        ("Which images show T2-weighted MRI of the “left” knee (p < 0.05)?", "T2-weighted MRI left knee p 0.05"),
        ("How is ALL of the skull seen in US?", "ALL skull US"),
        ("WHAT IS IT?", ""),
        ("What's shown here? — !!", ""),
        ("fracture", "fracture"),
        ("Wo ist die Fraktur?", "Wo ist die Fraktur"),
    ],
)
def test_the_words_of_a_question_keep_their_order_and_abbreviations(question: str, words: str) -> None:
    assert content_words(question) == words


def test_no_stop_word_is_one_that_radiology_searches_for() -> None:
    searched = (
        "ct mr mri us x ray pet ap pa left right upper lower axial no1 normal contrast before after c t1 t2 iv ml"
    )
    assert STOP_WORDS.isdisjoint(words_of(searched))
