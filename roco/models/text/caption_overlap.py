"""Compares the caption of a figure with the text that was read in its image."""

from __future__ import annotations

import re
from typing import NamedTuple

LEAST_LETTERS = 15
"""Letters of a sequence of words that counts: shorter ones, such as `a b c d e`, occur by chance."""

_WORD = re.compile(r"[^\W_]+")
_SHORT = 3  # letters; shorter words are not compared one by one


class Overlap(NamedTuple):
    """What an image contains of a caption.

    run: words of the longest sequence. shared: distinct words of three or more letters. share: of all such words.
    """

    run: int
    shared: int
    share: float


def overlap(caption: str, text: str) -> Overlap:
    """Returns what of the caption occurs in the text of the image.

    Sequences are compared without the spaces between words, which OCR loses, and across the ends of lines.
    """
    words, read = _words(caption), _words(text)
    distinct = {word for word in words if len(word) >= _SHORT}
    shared = len(distinct & set(read))
    share = shared / len(distinct) if distinct else 0.0
    return Overlap(_longest_run(words, "".join(read)), shared, share)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _longest_run(words: list[str], text: str) -> int:
    """Returns the number of words of the longest sequence that occurs in a text without spaces."""
    longest = start = 0
    for end in range(1, len(words) + 1):
        # Extended by one word; if the text does not have it, the sequence begins later.
        while start < end and "".join(words[start:end]) not in text:
            start += 1
        if end - start > longest and sum(map(len, words[start:end])) >= LEAST_LETTERS:
            longest = end - start
    return longest
