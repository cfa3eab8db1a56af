"""Counts n-grams and their concepts by fold, and makes lexicons from any of the folds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.baselines.concepts.rows import FOLDS, Rows
from roco.models.text.lexicon import Ints, Lexicon
from roco.models.text.ngrams import Splitter, Words, hashes

LEAST_SHARE = 0.15
LEAST_LIFT = 1.5
RARE = 3
"""An n-gram of one caption is evidence only for concepts of at most this many captions."""

ROWS_AT_ONCE = 4000


@dataclass(frozen=True)
class Counts:
    """Captions by fold (columns): of each n-gram, of each pair of n-gram and concept, of each concept."""

    gram: NDArray[np.uint64]
    n: NDArray[np.int32]
    pair_gram: Ints
    pair_cui: Ints
    together: NDArray[np.int32]
    concept_n: NDArray[np.int32]
    rows: Ints

    def lexicon(self, folds: Collection[int]) -> tuple[Lexicon, Ints]:
        """Returns what the captions of some folds are evidence for, and the place of each of its pairs in the counts.

        The shares of the decision list are all 0 (`decision_list.listed`).
        """
        used = sorted(folds)
        n = self.n[:, used].sum(1).astype(np.int64)
        concept_n = self.concept_n[:, used].sum(1).astype(np.int64)
        rows = int(self.rows[used].sum())
        together = self.together[:, used].sum(1).astype(np.int64)
        gram_n, of_concept = n[self.pair_gram], concept_n[self.pair_cui]
        share = together / np.maximum(gram_n, 1)
        # A concept of most captions cannot become 1.5 times as frequent: there, half of the others must go.
        least = np.minimum(LEAST_LIFT * of_concept, (rows + of_concept) / 2)
        often = (together >= 2) & (share >= LEAST_SHARE) & (share * rows > least)
        rare = (together == 1) & (gram_n <= 2) & (of_concept <= RARE)
        kept = np.flatnonzero(often | rare)
        # An n-gram without a concept matters beside a word that has one, if it is not unique.
        useful = n >= 2
        useful[self.pair_gram[kept]] = True
        place = np.cumsum(useful) - 1
        pairs = np.bincount(place[self.pair_gram[kept]], minlength=int(useful.sum()))
        lexicon = Lexicon(
            self.gram[useful],
            n[useful],
            np.append(0, np.cumsum(pairs)).astype(np.int64),
            self.pair_cui[kept],
            together[kept],
            concept_n,
            rows,
            np.zeros((len(kept), 2)),
        )
        return lexicon, kept


def count(rows: Rows) -> Counts:
    """Counts the n-grams of all captions that occur twice, or beside a rare concept."""
    from scipy import sparse

    splitter = Splitter()
    row, code = _occurrences(rows, splitter)
    gram, place, n = np.unique(code, return_inverse=True, return_counts=True)
    concepts, size = len(rows.cuis), len(rows.texts)
    labels: Any = sparse.csr_array((np.ones(len(rows.row), np.int32), (rows.row, rows.cui)), shape=(size, concepts))
    total = np.bincount(rows.cui, minlength=concepts)

    # N-grams of one caption are far more than all others, so they are multiplied with rare concepts only.
    repeated = n >= 2
    rare = labels[:, total <= 2 * RARE].tocsr()
    rare_row = np.diff(rare.indptr) > 0
    kept = repeated[place] | rare_row[row]
    row, place = row[kept], place[kept]
    used = np.unique(place)
    gram, repeated = gram[used], repeated[used]
    place = np.searchsorted(used, place)

    keys, numbers = [], []
    rare_cui = np.flatnonzero(total <= 2 * RARE)
    for fold in range(FOLDS):
        here = rows.fold[row] == fold
        for which, table, names in ((repeated, labels, np.arange(concepts)), (~repeated, rare, rare_cui)):
            chosen = here & which[place]
            grams: Any = sparse.csr_array(
                (np.ones(int(chosen.sum()), np.int32), (place[chosen], row[chosen])), shape=(len(gram), size)
            )
            both = (grams @ table).tocoo()
            keys.append((both.row.astype(np.int64) * concepts + names[both.col]) * FOLDS + fold)
            numbers.append(both.data.astype(np.int32))
    return _joined(rows, gram, np.concatenate(keys), np.concatenate(numbers), row, place)


def _joined(rows: Rows, gram: NDArray[np.uint64], key: Ints, number: Ints, row: Ints, place: Ints) -> Counts:
    concepts = len(rows.cuis)
    pair, at = np.unique(key // FOLDS, return_inverse=True)
    # A pair that could not become evidence in any choice of folds is not stored.
    together = np.bincount(at, number, len(pair))
    n = np.bincount(place, minlength=len(gram))
    kept = (together >= 2) | (n[pair // concepts] <= 2 + FOLDS)
    number_of = np.cumsum(kept) - 1
    chosen = kept[at]
    table = np.zeros((int(kept.sum()), FOLDS), np.int32)
    table[number_of[at[chosen]], key[chosen] % FOLDS] = number[chosen]
    by_fold = np.bincount(place * FOLDS + rows.fold[row], minlength=len(gram) * FOLDS).reshape(-1, FOLDS)
    concept_n = np.bincount(rows.cui * FOLDS + rows.fold[rows.row], minlength=concepts * FOLDS).reshape(-1, FOLDS)
    return Counts(
        gram,
        by_fold.astype(np.int32),
        pair[kept] // concepts,
        pair[kept] % concepts,
        table,
        concept_n.astype(np.int32),
        np.bincount(rows.fold, minlength=FOLDS).astype(np.int64),
    )


def _occurrences(rows: Rows, splitter: Splitter) -> tuple[Ints, NDArray[np.uint64]]:
    """Returns caption and hash of each different n-gram of each caption."""
    all_rows, all_codes = [], []
    for begin in range(0, len(rows.texts), ROWS_AT_ONCE):
        words: Words = splitter.split(rows.texts[begin : begin + ROWS_AT_ONCE])
        grams = hashes(words)
        at, length = np.nonzero(grams)
        row, code = words.row[at], grams[at, length]
        order = np.lexsort((code, row))
        row, code = row[order], code[order]
        new = np.append(True, (row[1:] != row[:-1]) | (code[1:] != code[:-1])) if len(row) else np.zeros(0, bool)
        all_rows.append(row[new] + begin)
        all_codes.append(code[new])
    return np.concatenate(all_rows), np.concatenate(all_codes)
