"""Decides which concepts captions have: by words that name them, and manual ones by all words of the caption."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.models.text.learned.candidates import Candidates, candidates
from roco.models.text.learned.lexicon import Floats, Ints, Lexicon
from roco.models.text.learned.manual import Manual, places
from roco.models.text.learned.ngrams import Words, hashes
from roco.models.text.learned.scorecard import Scorecard

NAMED = 0.1
"""Least probability, by the n-grams that name it, of a manual concept that is mentioned rather than suggested."""


class Judged(NamedTuple):
    """What is known about a batch of captions.

    grams: see `candidates`. score: probability of each candidate. is_manual: of each candidate. p: probability of each
    caption and manual concept; chosen: those that it has; named: those that words of the caption name.
    """

    grams: Ints
    found: Candidates
    score: Floats
    is_manual: NDArray[np.bool_]
    p: Floats
    chosen: NDArray[np.bool_]
    named: NDArray[np.bool_]


@dataclass(frozen=True)
class Judge:
    """What is learned, without threshold and names. keys: `lexicon.pair_keys()`."""

    lexicon: Lexicon
    keys: Ints
    scorecard: Scorecard
    manual: Manual

    def judge(self, words: Words) -> Judged:
        """Judges a batch; the score of a candidate of a manual concept is the probability by the whole caption."""
        codes = hashes(words)
        grams = self.lexicon.find(codes)
        found = candidates(self.lexicon, self.keys, words, grams)
        score = self.scorecard.probabilities(found.features, found.row, found.start, found.length)
        shape = (words.rows, len(self.manual.concepts))
        named = np.zeros(shape, bool)
        if not len(self.manual.concepts):
            return Judged(grams, found, score, np.zeros(len(score), bool), np.zeros(shape), named, named)
        p = self.manual.probabilities(words, codes, found, score, self.lexicon.concepts)
        place = places(self.manual.concepts, self.lexicon.concepts)[found.cui]
        is_manual = place >= 0
        is_named = is_manual & (score >= NAMED)
        named[found.row[is_named], place[is_named]] = True
        score = np.where(is_manual, p[found.row, np.maximum(place, 0)], score)
        return Judged(grams, found, score, is_manual, p, self.manual.choose(p), named)
