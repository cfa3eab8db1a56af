"""Out-of-fold candidates, and how often a concept is labelled where an n-gram is its best evidence."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from roco.baselines.concepts.counts import Counts
from roco.baselines.concepts.rows import Rows
from roco.models.text.learned.candidates import Candidates, candidates
from roco.models.text.learned.lexicon import Ints, Lexicon, wilson_low
from roco.models.text.learned.ngrams import Splitter, hashes

WEIGHT = 1.5
"""Captions for which the Wilson bound counts."""

AT_ONCE = 256


def batches(rows: Rows, which: Ints, lexicon: Lexicon, splitter: Splitter) -> Iterator[tuple[Candidates, Ints, Ints]]:
    """Yields the candidates of some rows, the row of each candidate, and all rows of the batch."""
    keys = lexicon.pair_keys()
    for begin in range(0, len(which), AT_ONCE):
        chosen = which[begin : begin + AT_ONCE]
        words = splitter.split([rows.texts[row] for row in chosen])
        found = candidates(lexicon, keys, words, lexicon.find(hashes(words)))
        yield found, chosen[found.row], chosen


def is_label(labels: Ints, concepts: int, row: Ints, cui: Ints) -> NDArray[np.bool_]:
    """Returns whether pairs of row and concept are labelled. labels: `Rows.labels()`."""
    key = row * concepts + cui
    place = np.minimum(np.searchsorted(labels, key), len(labels) - 1)
    hit: NDArray[np.bool_] = labels[place] == key
    return hit


class DecisionList:
    """Counts, by fold, how often pairs of n-gram and concept are the best evidence, and how often the label agrees.

    A use is stored as a number: pair, whether it is covered, and place of the fold.
    """

    def __init__(self, counts: Counts, folds: Collection[int]) -> None:
        self._counts = counts
        self._folds = sorted(folds)
        self._uses = np.zeros(0, np.int64)
        self._hits = np.zeros(0, np.int64)

    def learn(self, rows: Rows, splitter: Splitter, labels: Ints) -> None:
        """Finds the candidates of each fold by the counts of the others."""
        uses, hits = [], []
        for number, fold in enumerate(self._folds):
            lexicon, pairs = self._counts.lexicon([other for other in self._folds if other != fold])
            for found, row, _ in batches(rows, np.flatnonzero(rows.fold == fold), lexicon, splitter):
                use = (pairs[found.pair] * 2 + found.covered) * len(self._folds) + number
                uses.append(use)
                hits.append(use[is_label(labels, len(rows.cuis), row, found.cui)])
        self._uses, self._hits = np.concatenate(uses), np.concatenate(hits)

    def lexicon(self, without: int | None = None) -> Lexicon:
        """Returns the lexicon of the folds with the shares of the list.

        without: place of a fold that is left out.
        """
        used = [fold for number, fold in enumerate(self._folds) if number != without]
        lexicon, pairs = self._counts.lexicon(used)
        uses, hits = self._totals(self._uses, pairs, without), self._totals(self._hits, pairs, without)
        n = np.repeat(lexicon.n, np.diff(lexicon.first))
        recall = lexicon.together / lexicon.concept_n[lexicon.cui]
        prior = (wilson_low(lexicon.together, n) * np.sqrt(recall))[:, None]
        return replace(lexicon, best=(hits + WEIGHT * prior) / (uses + WEIGHT))

    def _totals(self, uses: Ints, pairs: Ints, without: int | None) -> NDArray[np.int64]:
        kept = uses // len(self._folds)
        if without is not None:
            kept = kept[uses % len(self._folds) != without]
        totals: Ints = np.bincount(kept, minlength=2 * len(self._counts.pair_gram)).reshape(-1, 2)[pairs]
        return totals
