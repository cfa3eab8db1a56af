"""Splits captions into words, and numbers their n-grams by hashes, many captions at once."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LONGEST = 6
"""Words of the longest n-gram."""

MOST_HASHES = 200_000
"""Hashes of words that are stored; beyond that, the store is emptied."""

# Words; a single letter with a hyphen belongs to the word that follows: x-ray, t-tube.
_WORD = re.compile(r"[a-zA-Z]-(?=[a-zA-Z])[^\W_]+|[^\W_]+|[.;:,()]")
_STEP = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Words:
    """The words of a batch, one after the other; each caption begins and ends with a word of no characters.

    row: number of the caption. start, end: code points of the caption. code: hash of the folded word.
    """

    row: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    code: NDArray[np.uint64]
    rows: int


class Splitter:
    """Splits captions and stores the hashes of words; equal words have equal hashes in any process."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def split(self, texts: Sequence[str]) -> Words:
        rows: list[int] = []
        starts: list[int] = []
        ends: list[int] = []
        codes: list[int] = []
        first, last = self._code("^"), self._code("$")
        for row, text in enumerate(texts):
            found = [(match.start(), match.end(), self._code(match[0])) for match in _WORD.finditer(text)]
            starts += [0, *(item[0] for item in found), len(text)]
            ends += [0, *(item[1] for item in found), len(text)]
            codes += [first, *(item[2] for item in found), last]
            rows += [row] * (len(found) + 2)
        return Words(
            np.array(rows, np.int64),
            np.array(starts, np.int64),
            np.array(ends, np.int64),
            np.array(codes, np.uint64),
            len(texts),
        )

    def _code(self, word: str) -> int:
        code = self._codes.get(word)
        if code is None:
            if len(self._codes) >= MOST_HASHES:
                self._codes.clear()
            code = int.from_bytes(hashlib.blake2b(folded(word).encode(), digest_size=8).digest(), "little")
            self._codes[word] = code
        return code


def folded(word: str) -> str:
    """Returns a word as it is compared: any case, usual letters, without the s of a plural."""
    if not word.isascii():
        word = unicodedata.normalize("NFKC", word)
    word = word.casefold()
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def hashes(words: Words) -> NDArray[np.uint64]:
    """Returns the hashes of n-grams: rows are the first words, columns the lengths 1 to 6; 0 where a caption ends."""
    n = len(words.code)
    grams = np.zeros((n, LONGEST), np.uint64)
    if not n:
        return grams
    grams[:, 0] = words.code
    for more in range(1, LONGEST):
        if n <= more:
            break
        inside = words.row[:-more] == words.row[more:]
        longer = grams[:-more, more - 1] * _STEP + words.code[more:]
        grams[:-more, more] = np.where(inside, longer, np.uint64(0))
    return grams
