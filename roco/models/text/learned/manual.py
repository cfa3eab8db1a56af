"""Judges the concepts that people assign to images: modality, region and direction follow from a whole caption."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roco.models.heads.trees import Trees
from roco.models.text.learned.candidates import FEATURES, Candidates
from roco.models.text.learned.expected_f1 import best_sets
from roco.models.text.learned.lexicon import Floats, Ints
from roco.models.text.learned.ngrams import Words
from roco.models.text.learned.word_weights import WordWeights

MOST = 40
"""Manual concepts of a model."""

ABSENT = -7.0
"""Log-odds of a concept for which no n-gram of the caption is evidence."""

BOUND = FEATURES.index("bound of surest")


@dataclass(frozen=True)
class Manual:
    """concepts: their numbers in the lexicon. words: weights of n-grams for them. trees: one output for each concept.

    none: how many times as many captions have none of the concepts as independent probabilities give.
    """

    concepts: Ints
    words: WordWeights
    trees: Trees
    none: float

    def probabilities(
        self, words: Words, codes: NDArray[np.uint64], found: Candidates, scores: Floats, concepts: int
    ) -> Floats:
        """Returns the probability of each caption and manual concept.

        codes: `hashes(words)`. scores: probabilities of the candidates. concepts: number of all concepts.
        """
        place = places(self.concepts, concepts)[found.cui]
        named = named_evidence(place, found.row, scores, found.features[:, BOUND], (words.rows, len(self.concepts)))
        logits = self.trees.logits(evidence(self.words.logits(words, codes), *named))
        p: Floats = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
        return p

    def choose(self, p: Floats) -> NDArray[np.bool_]:
        return best_sets(p, self.none)


def places(manual: Ints, concepts: int) -> Ints:
    """Returns of each concept its place among the manual ones, -1 for others."""
    out = np.full(concepts, -1, np.int64)
    out[manual] = np.arange(len(manual))
    return out


def named_evidence(
    place: Ints, row: Ints, scores: Floats, bound: NDArray[np.float32], shape: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Returns the log-odds and the Wilson bound of the candidates as captions x manual concepts.

    place, row, scores, bound: of the candidates. shape: number of captions and of manual concepts.
    """
    odds, bounds = np.full(shape, ABSENT), np.zeros(shape)
    kept = place >= 0
    at = row[kept], place[kept]
    odds[at] = np.log((scores[kept] + 1e-3) / (1 - scores[kept] + 1e-3))
    bounds[at] = bound[kept]
    return odds, bounds


def evidence(by_words: Floats, odds: Floats, bounds: Floats) -> NDArray[np.float32]:
    """Returns what the trees read: log-odds by all words, and log-odds and bound of the n-grams that name concepts."""
    return np.concatenate([by_words, odds, bounds], 1).astype(np.float32)
