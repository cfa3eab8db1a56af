"""Finds in a caption what speaks for several panels: panel letters in order, and words such as "left panel"."""

from __future__ import annotations

import itertools
import re
import string
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NAMES = ("letters", "letters_beyond_graphics", "sides", "says_panel", "several_graphics")
"""The numbers of a caption, in their order."""

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
_PANEL = re.compile(r"\b(?:panels?|composite|montage|collage|multi-?panel)\b", re.IGNORECASE)
_OPPOSITES = (
    *(("left", "right"), ("upper", "lower"), ("top", "bottom"), ("first", "second"), ("upper", "bottom")),
    *(("top", "lower"), ("upper", "middle"), ("top", "middle")),
)


class Panels(NamedTuple):
    """letters: the panel letters in order, as the caption writes them. sides: the opposite sides that it names."""

    letters: tuple[str, ...]
    sides: tuple[str, ...]
    says_panel: bool


def find(caption: str) -> Panels:
    """Returns what a caption says about panels; letters count if they are a, b, c … without a gap, at least two."""
    text = caption[:MOST_CHARACTERS]
    return Panels(_letters(text), _sides(text), bool(_PANEL.search(text)))


def _letters(text: str) -> tuple[str, ...]:
    letters = max((_in_order(found) for found in _candidates(text)), key=len, default=())
    return letters if len(letters) > 1 else ()


def _sides(text: str) -> tuple[str, ...]:
    named = {(one or other).lower() for one, other in _SIDE.findall(text)}
    return next((pair for pair in _OPPOSITES if named.issuperset(pair)), ())


def numbers(caption: str, n_graphics: int) -> NDArray[np.float32]:
    """Returns the numbers of `NAMES`. Letters up to the number of graphics are explained by the graphics."""
    found = find(caption)
    n = min(len(found.letters), _MOST_LETTERS)
    beyond = max(0, n - max(1, n_graphics)) if n_graphics > 1 else n
    return np.array([n, beyond, bool(found.sides), found.says_panel, n_graphics > 1], np.float32)


def evidence(caption: str) -> str | None:
    """Returns in a few words what speaks for several panels; None if nothing does."""
    text = caption[:MOST_CHARACTERS]
    letters = _letters(text)
    if letters:
        return f"caption has panels {letters[0]} to {letters[-1]}"
    sides = _sides(text)
    return f"caption has {sides[0]} and {sides[1]}" if sides else None


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


def _in_order(letters: list[str]) -> tuple[str, ...]:
    """Returns the longest run a, b, c … that begins with a, in one case; nothing for fewer than two letters."""
    best: tuple[str, ...] = ()
    if len(letters) < 2:
        return best
    given = set(letters)
    for alphabet in (string.ascii_lowercase, string.ascii_uppercase):
        run = tuple(itertools.takewhile(given.__contains__, alphabet))
        best = max(best, run, key=len)
    return best
