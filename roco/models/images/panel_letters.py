"""Finds the letters of panels in an image: A, B, C … alone on a line or before a title."""

from __future__ import annotations

import re
from collections.abc import Sequence

from roco.models.images.text_in_image import Line

LEAST_CONFIDENCE = 0.8
"""A single letter that is read with less confidence is often a line, a ring or a vessel."""

_ALONE = re.compile(r"\(?([A-Za-z])[).:]?")
_BEFORE_A_TITLE = re.compile(r"(?:\(([A-Za-z])\)|([A-Za-z])[).:](?=\s?[^\W\d_]{2}|\s))")


def panel_letters(lines: Sequence[Line]) -> str:
    """Returns the letters of panels, such as `ABC`; empty if there are not at least A and B.

    All are capital or all small letters, and each is to the right of or below the one before it.
    """
    found = max(_sequence(lines, "A"), _sequence(lines, "a"), key=len)
    return found.upper() if len(found) > 1 else ""


def _sequence(lines: Sequence[Line], first: str) -> str:
    """Returns the longest sequence of letters from the first one on."""
    by_letter: dict[str, list[Line]] = {}
    for line in lines:
        letter = _letter(line)
        if letter:
            by_letter.setdefault(letter, []).append(line)
    sequence, before = "", None
    letter = first
    while letter in by_letter:
        after = [line for line in by_letter[letter] if before is None or _follows(line, before)]
        if not after:
            break
        before, sequence = after[0], sequence + letter
        letter = chr(ord(letter) + 1)
    return sequence


def _letter(line: Line) -> str:
    alone = _ALONE.fullmatch(line.text)
    if alone:
        return alone[1] if line.confidence >= LEAST_CONFIDENCE else ""
    title = _BEFORE_A_TITLE.match(line.text)
    return (title[1] or title[2]) if title else ""


def _follows(line: Line, before: Line) -> bool:
    """Returns whether a letter is to the right of the one before it, or below it."""
    return line.left > before.right or line.top > before.bottom
