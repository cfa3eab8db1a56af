"""Counts n-grams and their concepts by fold, and makes lexicons from any of the folds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.baselines.concepts.names import name_pairs
from roco.baselines.concepts.rows import FOLDS, Rows
from roco.models.text.learned.lexicon import Ints, Lexicon
from roco.models.text.learned.ngrams import Splitter, Words, hashes

LEAST_SHARE = 0.15
LEAST_LIFT = 1.5
MOST_RARE = 30
"""An n-gram that occurs once is evidence for concepts of at most this many captions, fewer in large data."""

MOST_RARE_LABELS = 15_000
"""Labels of all rare concepts; they bound the n-grams that are stored although they occur once."""

FEW = 50
"""Captions from which on the share of a concept is about the same in any choice of folds."""

LABELS_AT_ONCE = 40_000
"""Labels of the concepts that are counted together, which bounds the memory."""

ROWS_AT_ONCE = 4000


@dataclass(frozen=True)
class Counts:
    """Captions by fold (columns): of each n-gram, of each pair of n-gram and concept, of each concept.

    is_rare: whether an n-gram that occurs once is evidence for a concept. named: whether the n-gram of a pair is a name
    of the concept, which counts as a caption of its own that has both.
    """

    gram: NDArray[np.uint64]
    n: NDArray[np.int32]
    pair_gram: Ints
    pair_cui: Ints
    together: NDArray[np.int32]
    concept_n: NDArray[np.int32]
    rows: Ints
    is_rare: NDArray[np.bool_]
    named: NDArray[np.bool_]

    def lexicon(self, folds: Collection[int]) -> tuple[Lexicon, Ints]:
        """Returns what the captions of some folds are evidence for, and the place of each of its pairs in the counts.

        The shares of the decision list are all 0 (`decision_list.listed`).
        """
        used = sorted(folds)
        n = self.n[:, used].sum(1).astype(np.int64)
        concept_n = self.concept_n[:, used].sum(1).astype(np.int64)
        rows = int(self.rows[used].sum())
        together = self.together[:, used].sum(1) + self.named.astype(np.int64)
        n += np.bincount(self.pair_gram[self.named], minlength=len(n))
        concept_n[np.unique(self.pair_cui[self.named])] += 1
        gram_n, of_concept = n[self.pair_gram], concept_n[self.pair_cui]
        share = together / np.maximum(gram_n, 1)
        # A concept of most captions cannot become 1.5 times as frequent: there, half of the others must go.
        least = np.minimum(LEAST_LIFT * of_concept, (rows + of_concept) / 2)
        often = (together >= 2) & (share >= LEAST_SHARE) & (share * rows > least)
        rare = (together == 1) & (gram_n <= 2) & self.is_rare[self.pair_cui]
        kept = np.flatnonzero(often | rare | (self.named & (share >= LEAST_SHARE)))
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
            self.named[kept],
        )
        return lexicon, kept


def count(rows: Rows) -> Counts:
    """Counts the n-grams of all captions that occur twice, or in a caption with a rare concept."""
    row, code = _occurrences(rows, Splitter())
    gram, place, n = np.unique(code, return_inverse=True, return_counts=True)
    concepts = len(rows.cuis)
    total = np.bincount(rows.cui, minlength=concepts)
    is_rare = total <= most_rare(total)
    has_rare = np.zeros(len(rows.texts), bool)
    has_rare[rows.row[is_rare[rows.cui]]] = True

    # N-grams of one caption are far more than all others; without a rare concept they are evidence for nothing.
    kept = (n >= 2)[place] | has_rare[row]
    row, place = row[kept], place[kept]
    used, place = np.unique(place, return_inverse=True)
    gram, n = gram[used], n[used]
    by_fold = np.bincount(place * FOLDS + rows.fold[row], minlength=len(gram) * FOLDS).reshape(-1, FOLDS)
    concept_n = np.bincount(rows.cui * FOLDS + rows.fold[rows.row], minlength=concepts * FOLDS).reshape(-1, FOLDS)
    pair, together = _pairs(rows, row, place, n, total, is_rare)
    counts = Counts(
        gram,
        by_fold.astype(np.int32),
        pair // concepts,
        pair % concepts,
        together,
        concept_n.astype(np.int32),
        np.bincount(rows.fold, minlength=FOLDS).astype(np.int64),
        is_rare,
        np.zeros(len(pair), bool),
    )
    return _with_names(counts, *name_pairs(rows.names, rows.cuis))


def _with_names(counts: Counts, code: NDArray[np.uint64], cui: Ints) -> Counts:
    """Returns the counts with all names: n-grams and pairs that no caption has count 0. code, cui: of each name."""
    if not len(code):
        return counts
    concepts = len(counts.is_rare)
    gram = np.union1d(counts.gram, code)
    n = np.zeros((len(gram), FOLDS), np.int32)
    place = np.searchsorted(gram, counts.gram)
    n[place] = counts.n
    old = place[counts.pair_gram] * concepts + counts.pair_cui
    names = np.searchsorted(gram, code) * concepts + cui
    pair = np.union1d(old, names)
    together = np.zeros((len(pair), FOLDS), np.int32)
    together[np.searchsorted(pair, old)] = counts.together
    return replace(
        counts, gram=gram, n=n, pair_gram=pair // concepts, pair_cui=pair % concepts, together=together,
        named=np.isin(pair, names),
    )  # fmt: skip


def most_rare(total: Ints) -> int:
    """Returns the captions that a rare concept may have. total: captions of each concept."""
    labels = np.cumsum(np.bincount(total, total, MOST_RARE + 1)[: MOST_RARE + 1])
    return max(2, int(np.searchsorted(labels, MOST_RARE_LABELS, side="right")) - 1)


def _pairs(
    rows: Rows, row: Ints, place: Ints, n: Ints, total: Ints, is_rare: NDArray[np.bool_]
) -> tuple[Ints, NDArray[np.int32]]:
    """Returns n-gram times concepts plus concept of each pair, sorted, and its captions by fold.

    Pairs that are evidence in no choice of folds are left out.
    """
    from scipy import sparse

    concepts, size = len(rows.cuis), len(rows.texts)
    labels: Any = sparse.csc_array((np.ones(len(rows.row), np.int32), (rows.row, rows.cui)), shape=(size, concepts))
    by_fold: list[Any] = []
    for fold in range(FOLDS):
        here = rows.fold[row] == fold
        ones = np.ones(int(here.sum()), np.int32)
        by_fold.append(sparse.csr_array((ones, (place[here], row[here])), shape=(len(n), size)))
    block = np.cumsum(total) // LABELS_AT_ONCE
    pairs, tables = [], []
    for number in np.unique(block):
        names = np.flatnonzero(block == number)
        some = labels[:, names].tocsr()
        keys, numbers = [], []
        for fold, grams in enumerate(by_fold):
            both = (grams @ some).tocoo()
            keys.append((both.row.astype(np.int64) * concepts + names[both.col]) * FOLDS + fold)
            numbers.append(both.data.astype(np.int32))
        key, count_of = np.concatenate(keys), np.concatenate(numbers)
        pair, at = np.unique(key // FOLDS, return_inverse=True)
        together = np.bincount(at, count_of, len(pair))
        gram_n = n[pair // concepts]
        # Shares in some folds are close to the share in all of them, unless the captions are few.
        kept = (together >= 2) & ((gram_n < FEW) | (together >= LEAST_SHARE / 2 * gram_n))
        kept |= is_rare[pair % concepts] & (gram_n <= 2 + FOLDS)
        table = np.zeros((int(kept.sum()), FOLDS), np.int32)
        chosen = kept[at]
        table[(np.cumsum(kept) - 1)[at[chosen]], key[chosen] % FOLDS] = count_of[chosen]
        pairs.append(pair[kept])
        tables.append(table)
    pair = np.concatenate(pairs)
    order = np.argsort(pair)
    return pair[order], np.concatenate(tables)[order]


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
