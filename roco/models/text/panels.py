"""Finds in a caption what speaks for several panels: panel letters in order, and words such as "left panel"."""

from __future__ import annotations

import itertools
import re
import string

MOST_CHARACTERS = 20_000
"""Of a longer caption, only the beginning is read."""

_MOST_LETTERS = 12

# (a) · (A) · (a–d) · (a, b) · (left)
_IN_BRACKETS = re.compile(r"\(\s?([A-Za-z](?:\s?(?:[-\u2010-\u2015,;&]|and|to)\s?[A-Za-z]){0,11})\s?\)")
# a) Axial CT …  at the beginning or after the end of a sentence
_HALF_BRACKET = re.compile(r"(?:^|[.;:,]\s{1,3})([A-Za-z])\)\s")
# A, Axial CT … B, Coronal …  ·  A: …  ·  A. Axial
_CAPITAL = re.compile(r"(?:^|[.;]\s{1,3})([A-Z])\s?[,:.]\s(?=\S)")
_RANGE = re.compile(r"([A-Za-z])\s?(?:[-\u2010-\u2015]|to)\s?([A-Za-z])")
_SIDE = re.compile(
    r"\b(?:(left|right|upper|lower|top|bottom|middle|centre|center|first|second|third)[\s-](?:panel|image|column|row|side"
    r"|picture|figure|half))\b|\((left|right|upper|lower|top|bottom|middle)(?: panel| image| row| column)?\)",
    re.IGNORECASE,
)
_OPPOSITES = (
    *(("left", "right"), ("upper", "lower"), ("top", "bottom"), ("first", "second"), ("upper", "bottom")),
    *(("top", "lower"), ("upper", "middle"), ("top", "middle")),
)


def letters(text: str) -> tuple[str, ...]:
    """Returns the panel letters in order; they count if they are a, b, c … without a gap, at least two."""
    longest = max((_in_order(found) for found in _candidates(text)), key=len, default=())
    return longest if len(longest) > 1 else ()


def without_letters(text: str) -> str:
    """Returns a text of equal length in which panel letters in brackets are blank: "CT (A), US (B)", "(a-c)"."""
    return _IN_BRACKETS.sub(lambda match: " " * len(match[0]), text) if "(" in text else text


def sides(text: str) -> tuple[str, ...]:
    """Returns two opposite sides of panels that a text names, nothing for one alone."""
    named = {(one or other).lower() for one, other in _SIDE.findall(text)}
    return next((pair for pair in _OPPOSITES if named.issuperset(pair)), ())


def evidence(caption: str) -> str | None:
    """Returns in a few words what speaks for several panels; None if nothing does."""
    text = caption[:MOST_CHARACTERS]
    named = letters(text)
    if named:
        return f"caption has panels {named[0]} to {named[-1]}"
    opposite = sides(text)
    return f"caption has {opposite[0]} and {opposite[1]}" if opposite else None


def _candidates(text: str) -> list[list[str]]:
    """Returns the letters of each style of writing, in the order of the caption."""
    brackets: list[str] = []
    for match in _IN_BRACKETS.findall(text):
        brackets += _expanded(match)
    capitals = _CAPITAL.findall(text)
    return [brackets, _HALF_BRACKET.findall(text), capitals, [*capitals, *brackets]]


def _expanded(inside: str) -> list[str]:
    """Returns the letters of "a", "a, b" or "a–d"; of words such as "MR" nothing."""
    span = _RANGE.fullmatch(inside.strip())
    if span:
        first, last = (ord(letter) for letter in span.groups())
        return [chr(code) for code in range(first, last + 1)] if first < last <= first + _MOST_LETTERS else []
    return re.findall(r"\b[A-Za-z]\b", inside)


def _in_order(found: list[str]) -> tuple[str, ...]:
    """Returns the longest run a, b, c … that begins with a, in one case; nothing for fewer than two letters."""
    best: tuple[str, ...] = ()
    if len(found) < 2:
        return best
    given = set(found)
    for alphabet in (string.ascii_lowercase, string.ascii_uppercase):
        run = tuple(itertools.takewhile(given.__contains__, alphabet))
        best = max(best, run, key=len)
    return best
