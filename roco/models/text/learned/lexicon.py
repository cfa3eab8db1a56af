"""Counts of n-grams and of their concepts, as sorted arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lexicon:
    """Which n-grams occur in captions with which concepts.

    gram: hashes, sorted. n: captions with each. first: place of its first pair, one more entry than n-grams.
    cui, together: of each pair, the number of the concept, sorted within an n-gram, and the captions that have both.
    concept_n: captions with each concept. rows: all captions. best: of each pair, how often the concept is labelled
    where this n-gram is its best evidence; columns: not covered, covered by a longer n-gram of another concept.
    named: of each pair, whether the n-gram is a name of the concept; a name counts as one more caption that has both.
    """

    gram: NDArray[np.uint64]
    n: Ints
    first: Ints
    cui: Ints
    together: Ints
    concept_n: Ints
    rows: int
    best: Floats
    named: NDArray[np.bool_]

    @property
    def concepts(self) -> int:
        return len(self.concept_n)

    def find(self, hashes: NDArray[np.uint64]) -> Ints:
        """Returns the places of n-grams by their hashes, -1 for an unknown one."""
        if not len(self.gram):
            return np.full(hashes.shape, -1, np.int64)
        place = np.minimum(np.searchsorted(self.gram, hashes), len(self.gram) - 1)
        known: Ints = np.where((self.gram[place] == hashes) & (hashes != 0), place, -1).astype(np.int64)
        return known

    def pair_keys(self) -> Ints:
        """Returns a number for each pair, sorted, by which `counted` looks it up."""
        keys: Ints = (
            np.repeat(np.arange(len(self.gram), dtype=np.int64), np.diff(self.first)) * self.concepts + self.cui
        )
        return keys


def wilson_low(hits: Floats | Ints, n: Floats | Ints, z: float = 1.0) -> Floats:
    """Returns the lower limit of Wilson's score interval of each proportion; 0 where n is 0."""
    n = np.maximum(n, 1e-9)
    share = hits / n
    spread = z * np.sqrt(np.maximum(share * (1 - share) / n + z * z / (4 * n * n), 0))
    low: Floats = np.maximum((share + z * z / (2 * n) - spread) / (1 + z * z / n), 0)
    return low
