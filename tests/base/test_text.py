from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.text import fold, visible, whole_number

# Printable for Python, but nothing is printed.
SHAPELESS = re.compile("VARIATION SELECTOR|FILLER$|GRAPHEME JOINER|VOWEL INHERENT")


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  a \n\t b\u00a0c ", "a b c"),
        ("cafe\u0301", "café"),
        ("gpj.\u202eexe", "gpj.exe"),
        ("a\u200bb\x00c", "abc"),
        ("\ufeff", ""),
        ("cafe\u200b\u0301", "café"),
        ("\u2194\ufe0e a\u115f\u3164b\u034f\U000e0100", "\u2194 ab"),
        ("a\ud83d\U000e0041\u2028\x85b\ufdd0", "a b"),
    ],
)
def test_white_space_is_folded_and_invisible_characters_are_removed(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    once = fold(text)
    assert fold(once) == once == visible(once)


def test_every_control_format_and_surrogate_character_of_unicode_is_removed_and_no_visible_one() -> None:
    invisible = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs")]
    assert visible("".join(invisible)) in ("", " ")
    shown = [chr(code) for code in range(0x110000) if chr(code).isprintable() and not chr(code).isspace()]
    shown = [character for character in shown if not SHAPELESS.search(unicodedata.name(character, ""))]
    assert visible("".join(shown)) == "".join(shown)
    assert visible("\uf0b0 \ue000") == "\uf0b0 \ue000"  # characters for private use, as in fonts of symbols


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("007", 7), ("9" * 18, 10**18 - 1), ("0" * 5000 + "1", 1), ("", None), ("-1", None), ("1.0", None),
     ("²", None), ("\u0661", None), ("1_0", None), (" 1", None), ("9" * 19, None), ("9" * 5000, None)],
)  # fmt: skip
def test_a_whole_number_has_ascii_digits_and_fits_into_64_bits(text: str, number: int | None) -> None:
    assert whole_number(text) == number
