"""Judges captions by weights of all their n-grams: what no place of a caption names alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roco.models.text.learned.lexicon import Floats, Ints
from roco.models.text.learned.ngrams import Words

LONGEST = 4
"""Words of the longest n-gram that has a weight."""


@dataclass(frozen=True)
class WordWeights:
    """Logistic regressions on tf-idf of n-grams, one for each label.

    gram: hashes, sorted. idf: of each n-gram. weights: n-grams x labels. bias: of each label.
    """

    gram: NDArray[np.uint64]
    idf: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def logits(self, words: Words, codes: NDArray[np.uint64]) -> Floats:
        """Returns the log-odds of each caption and label. codes: `hashes(words)`."""
        row, place = present(self.gram, words, codes)
        out = np.tile(self.bias.astype(float), (words.rows, 1))
        if not len(row):
            return out
        begins = np.flatnonzero(np.append(True, row[1:] != row[:-1]))
        idf = self.idf[place].astype(float)
        norm = np.sqrt(np.add.reduceat(idf * idf, begins))
        sums = np.add.reduceat(idf[:, None] * self.weights[place], begins)
        out[row[begins]] += sums / norm[:, None]
        return out


def present(gram: NDArray[np.uint64], words: Words, codes: NDArray[np.uint64]) -> tuple[Ints, Ints]:
    """Returns the different n-grams of each caption: caption and place in `gram` (sorted hashes), in this order."""
    none = np.zeros(0, np.int64)
    if not len(gram):
        return none, none
    some = codes[:, :LONGEST]
    place = np.minimum(np.searchsorted(gram, some), len(gram) - 1)
    first, size = np.nonzero((gram[place] == some) & (some != 0))
    key = np.unique(words.row[first] * len(gram) + place[first, size])
    return key // len(gram), key % len(gram)
