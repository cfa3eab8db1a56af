"""Normalises text from outside."""

from __future__ import annotations

import re
import unicodedata

LINK, FORMULA, SYMBOL = "[link]", "[formula]", "[symbol]"
PLACEHOLDERS = (LINK, FORMULA, SYMBOL)
"""They stand in texts for an address that was removed, and for formulas and characters that are images."""

# Categories Cc (except white space), Cf and Cs, the non-characters, and letters and marks that have no shape: fillers,
# joiners and selectors of a variant. Listed, because those that Python knows depend on its version.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    r"\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff"
    r"\uffa0\ufff0-\ufffb\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    """Returns the text without control, bidirectional and other invisible characters; white space becomes one space."""
    folded = " ".join(text.split())
    if folded.isascii() and folded.isprintable():  # true for most texts, and faster than the substitution
        return folded
    return " ".join(_INVISIBLE.sub("", folded).split())


def fold(text: str) -> str:
    """Returns the text as `visible` does, in NFC: an accent and its letter are one character."""
    seen = visible(text)
    return seen if seen.isascii() else unicodedata.normalize("NFC", seen)


def whole_number(text: str) -> int | None:
    """Returns the number that a text of the digits 0 to 9 writes; None for any other text, and for one of 19 or more.

    `str.isdigit` also accepts digits that `int` does not, such as `²`, and `int` refuses numbers of 5,000 digits.
    """
    digits = text.lstrip("0") or text[-1:]
    return int(digits) if text.isascii() and text.isdecimal() and len(digits) < 19 else None


_CONTROLS = re.compile(f"{_INVISIBLE.pattern[:-1]}\\t\\n\\x0b\\x0c\\r\\x1c-\\x1f\\x85\\u2028\\u2029]")


def escaped(text: str) -> str:
    r"""Returns the text with control, bidirectional and other invisible characters as escapes: `\x1b`, `\n`, `\u202e`.

    For names, which would become other names if a character were removed. Escaping twice changes nothing more.
    """
    return text if text.isascii() and text.isprintable() else _CONTROLS.sub(_escape_of, text)


def _escape_of(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]


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
