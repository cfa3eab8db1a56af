"""An index of words, ranked by BM25 (Robertson and Zaragoza 2009; the inverse document frequency is Lucene's)."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

K1, B = 1.2, 0.75
_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """Returns the words of a text, in lower case and without the s of a plural."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [_singular(word) for word in _WORD.findall(folded)]


def _singular(word: str) -> str:
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    return word[:-2] if word.endswith("sses") else word[:-1]


@dataclass(frozen=True)
class Words:
    """The words of documents. Those of term i are in documents[starts[i]:starts[i + 1]], counts times each.

    terms: sorted. lengths: words of each document.
    """

    terms: tuple[str, ...]
    starts: NDArray[np.int64]
    documents: NDArray[np.int32]
    counts: NDArray[np.int32]
    lengths: NDArray[np.int32]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Words:
        """Returns the index of texts."""
        found: dict[str, list[tuple[int, int]]] = {}
        lengths = np.zeros(len(texts), np.int32)
        for number, text in enumerate(texts):
            words = words_of(text)
            lengths[number] = len(words)
            for word, count in Counter(words).items():
                found.setdefault(word, []).append((number, count))
        terms = tuple(sorted(found))
        sizes = np.array([0, *(len(found[term]) for term in terms)], np.int64)
        pairs = np.array([pair for term in terms for pair in found[term]], np.int32).reshape(-1, 2)
        return cls(terms, np.cumsum(sizes), pairs[:, 0].copy(), pairs[:, 1].copy(), lengths)

    def scores(self, query: str) -> NDArray[np.float64]:
        """Returns the score of each document, 0 for one without any word of the query; a repeated word counts once."""
        total, n = np.zeros(len(self.lengths)), len(self.lengths)
        mean = max(1e-9, float(self.lengths.mean())) if n else 1.0
        for word in sorted(set(words_of(query))):
            number = self._number.get(word)
            if number is None:
                continue
            part = slice(int(self.starts[number]), int(self.starts[number + 1]))
            documents, counts = self.documents[part], self.counts[part].astype(np.float64)
            rarity = np.log1p((n - len(documents) + 0.5) / (len(documents) + 0.5))
            length = K1 * (1 - B + B * self.lengths[documents] / mean)
            total[documents] += rarity * counts / (counts + length)
        return total

    @cached_property
    def _number(self) -> dict[str, int]:
        return {term: number for number, term in enumerate(self.terms)}
