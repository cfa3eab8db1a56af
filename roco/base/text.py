"""Normalises text from outside."""

from __future__ import annotations

import re
import unicodedata

LINK, FORMULA, SYMBOL = "[link]", "[formula]", "[symbol]"
PLACEHOLDERS = (LINK, FORMULA, SYMBOL)
"""They stand in texts for an address that was removed, and for formulas and characters that are images."""

# Categories Cc and Cf, except for control characters that are white space.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    r"\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0001\U000e0020-\U000e007f]"
)


def fold(text: str) -> str:
    """Returns the text in NFC, without control and bidirectional characters, with single spaces as white space."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    folded = " ".join(text.split())
    if folded.isprintable():  # true for nearly all texts, and faster than the substitution
        return folded
    return " ".join(_INVISIBLE.sub("", text).split())


# What a quoted string of YAML must escape: quotes, control characters, line breaks, surrogates, non-characters.
_YAML_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]')


def yaml_string(text: str) -> str:
    """Returns the text as a quoted string of YAML, on one line.

    JSON is not enough: it escapes an emoji as two surrogates, which YAML reads as two characters.
    """
    return f'"{_YAML_ESCAPED.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return f"\\{character}" if character in '"\\' else f"\\u{ord(character):04x}"
