"""Collects the concepts for which n-grams of captions are evidence, and the numbers by which they are judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roco.models.text.learned.lexicon import Floats, Ints, Lexicon, wilson_low
from roco.models.text.learned.ngrams import LONGEST, Words
from roco.models.text.learned.rivals import CROSSING, EQUAL, INNER, LONGER, rivals

COVERED = 0.5
"""A longer n-gram of another concept covers a place if its Wilson bound is above this."""

SHORTER_FIRST = 1e-7
"""What a word more costs: it decides between equal evidence only."""

FEATURES = (
    "share of surest", "log captions of surest", "bound of surest", "concept explained by surest", "words of surest",
    "share of span", "log captions of span", "bound of span", "concept explained by span", "words of span",
    "dice of span", "same n-gram", "log captions of concept", "share of concept",
    "share with left word", "share with right word", "share with both words",
    "log captions with left word", "log captions with right word", "log captions with both words",
    "longer rival", "equal rival", "inner rival", "crossing rival",
    "rank", "n-grams", "any evidence", "sum of bounds", "listed", "listed log-odds", "log words of caption", "place",
    "concepts of n-gram", "part of n-gram", "explained words", "surest is name", "span is name",
)  # fmt: skip


@dataclass(frozen=True)
class Candidates:
    """Concepts that a caption may have.

    row, cui: caption and concept. gram, pair: of the span, places in the lexicon. start, length: words of the span.
    covered: whether a longer n-gram of another concept covers the span. features: see FEATURES.
    """

    row: Ints
    cui: Ints
    gram: Ints
    pair: Ints
    start: Ints
    length: Ints
    covered: NDArray[np.bool_]
    features: NDArray[np.float32]


def candidates(lexicon: Lexicon, keys: Ints, words: Words, grams: Ints) -> Candidates:
    """Returns the candidates of a batch, by caption and concept.

    keys: `lexicon.pair_keys()`. grams: the n-gram of each place and length in the lexicon (`lexicon.find`).
    """
    start, length = np.nonzero(grams >= 0)
    gram = grams[start, length]
    start, length, gram = _first_only(words.row[start], gram, start, length, len(lexicon.gram))
    pairs = lexicon.first[gram + 1] - lexicon.first[gram]
    occurrence = np.repeat(np.arange(len(gram)), pairs)
    within = np.arange(len(occurrence)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    pair = lexicon.first[gram[occurrence]] + within
    cui = lexicon.cui[pair]
    row = words.row[start[occurrence]]

    # All evidence for one concept in one caption lies together.
    key = row * lexicon.concepts + cui
    order = np.argsort(key, kind="stable")
    pair, occurrence, key = pair[order], occurrence[order], key[order]
    begins = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else np.zeros(0, np.int64)
    if not len(begins):
        none = np.zeros(0, np.int64)
        return Candidates(
            none, none, none, none, none, none, none.astype(bool), np.zeros((0, len(FEATURES)), np.float32)
        )

    together = lexicon.together[pair].astype(float)
    n = lexicon.n[gram[occurrence]].astype(float)
    concept_n = lexicon.concept_n[lexicon.cui[pair]].astype(float)
    bound = wilson_low(together, n)
    dice = 2 * together / (n + concept_n)
    # Of n-grams that always occur together the shortest is the name: `liver`, not `liver shows`.
    longer = SHORTER_FIRST * length[occurrence]
    surest, span = _largest(bound - longer, begins), _largest(dice - longer, begins)

    at = occurrence[span]
    first, size = start[at], length[at] + 1
    row, cui = words.row[first], lexicon.cui[pair[span]]
    rival = rivals(first, size, bound[span], len(words.code))
    covered = rival[:, LONGER] > COVERED
    listed = lexicon.best[pair[span], covered.astype(np.int64)]
    counts = np.diff(np.append(begins, len(pair))).astype(float)
    share = together / n
    context = _context(lexicon, keys, grams, first, size, cui, share[span])
    caption = np.bincount(words.row, minlength=words.rows)[row]
    starts = np.searchsorted(words.row, row)
    columns = (
        share[surest], np.log(n[surest]), bound[surest], together[surest] / concept_n[surest],
        length[occurrence[surest]] + 1,
        share[span], np.log(n[span]), bound[span], together[span] / concept_n[span], size,
        dice[span], surest == span, np.log(concept_n[span]), concept_n[span] / lexicon.rows,
        *context,
        rival[:, LONGER], rival[:, EQUAL], rival[:, INNER], rival[:, CROSSING],
        _rank(row, bound[surest]), np.log(counts), 1 - np.exp(np.add.reduceat(np.log1p(-0.95 * share), begins)),
        np.add.reduceat(bound, begins), listed, np.log((listed + 0.01) / (1.01 - listed)),
        np.log(caption), (first - starts) / caption,
        np.log(pairs[at]), dice[span] / _sums(dice, occurrence, len(gram))[at],
        _explained(first, size, bound[span], len(words.code)), lexicon.named[pair[surest]], lexicon.named[pair[span]],
    )  # fmt: skip
    features = np.stack([np.asarray(column, np.float32) for column in columns], 1)
    return Candidates(row, cui, gram[at], pair[span], first, size, covered, features)


def _first_only(row: Ints, gram: Ints, start: Ints, length: Ints, grams: int) -> tuple[Ints, Ints, Ints]:
    """Keeps the first occurrence of each n-gram in a caption, so that repetition costs no more."""
    _, kept = np.unique(row * grams + gram, return_index=True)
    return start[kept], length[kept], gram[kept]


def _largest(values: Floats, begins: Ints) -> Ints:
    """Returns the place of the first largest value of each group."""
    sizes = np.diff(np.append(begins, len(values)))
    is_largest = values == np.repeat(np.maximum.reduceat(values, begins), sizes)
    places = np.where(is_largest, np.arange(len(values)), len(values))
    largest: Ints = np.minimum.reduceat(places, begins)
    return largest


def _sums(values: Floats, group: Ints, groups: int) -> Floats:
    sums: Floats = np.bincount(group, values, groups).astype(float)
    return sums


def _explained(start: Ints, length: Ints, bound: Floats, words: int) -> Floats:
    """Returns the share of the words of each span that lie in the span of another candidate with a high bound."""
    sure = bound > COVERED
    edges = np.bincount(start[sure], minlength=words + 1) - np.bincount(start[sure] + length[sure], minlength=words + 1)
    spans = np.cumsum(edges)  # spans over each word
    out = np.zeros(len(start))
    for more in range(LONGEST):
        inside = more < length
        place = np.minimum(start + more, words)
        out += inside & (spans[place] - sure > 0)
    return out / length


def _rank(row: Ints, score: Floats) -> Floats:
    """Returns the logarithm of the rank of each candidate in its caption, by score."""
    order = np.lexsort((-score, row))
    sorted_rows = row[order]
    rank = np.empty(len(row))
    rank[order] = np.arange(len(row)) - np.searchsorted(sorted_rows, sorted_rows)
    return np.log1p(rank)


def _context(
    lexicon: Lexicon, keys: Ints, grams: Ints, start: Ints, length: Ints, cui: Ints, share: Floats
) -> tuple[Floats, ...]:
    """Returns the share of the concept where the words to the left, right, and both sides are the same, and log n.

    The shares are shrunk to that of the span, by two captions.
    """
    # Two more columns and one row hold -1 for n-grams that are too long or begin before the batch.
    padded = np.full((len(grams) + 1, LONGEST + 2), -1, np.int64)
    padded[1:, :LONGEST] = grams
    shares, logs = [], []
    for gram in (padded[start, length], padded[start + 1, length], padded[start, length + 1]):
        known = gram >= 0
        place = np.maximum(gram, 0)
        n = np.where(known, lexicon.n[place], 0)
        key = place * lexicon.concepts + cui
        at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        together = np.where(known & (keys[at] == key), lexicon.together[at], 0)
        shares.append((together + 2 * share) / (n + 2))
        logs.append(np.log1p(n))
    return (*shares, *logs)
