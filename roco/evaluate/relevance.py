"""Which candidates answer a query of a ranking: those with its caption, or those that share its concepts."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from roco.base import bootstrap

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Judged(NamedTuple):
    """The gain of each candidate for one query, from 0, and which candidates are not in its pool."""

    gains: Floats
    excluded: Bools


class Relevance(Protocol):
    """How relevant candidates are, and from which gain on they are right answers."""

    threshold: float

    def judge(self, query: int) -> Judged:
        """Returns the gains of all images for one of them, and the excluded ones."""


class SameCaption:
    """Between image and text, all images with the same caption are right, whatever its case and white space.

    Of several images with one caption, no ranking by the caption can prefer one. An empty caption has no right answer.
    The other candidates of the query's own article are excluded.
    """

    threshold = 1.0

    def __init__(self, captions: Sequence[str], articles: NDArray[np.int64]) -> None:
        words = [tuple(unicodedata.normalize("NFC", caption).casefold().split()) for caption in captions]
        self.captions = bootstrap.groups_of(words)
        self.has_words = np.array([bool(of_caption) for of_caption in words])
        self.articles = articles

    def judge(self, query: int) -> Judged:
        right = (self.captions == self.captions[query]) & self.has_words
        return Judged(right.astype(float), (self.articles == self.articles[query]) & ~right)


class SharedConcepts:
    """Between images, those of other articles are right that share enough concepts; the gain is the shared part.

    threshold: the smallest Jaccard index of a right answer.
    """

    def __init__(self, concepts: Sequence[frozenset[str]], articles: NDArray[np.int64], threshold: float) -> None:
        self.matrix = one_hot(concepts)
        self.counts = self.matrix.sum(1)
        self.articles = articles
        self.threshold = threshold

    def judge(self, query: int) -> Judged:
        excluded = self.articles == self.articles[query]
        return Judged(np.where(excluded, 0.0, concept_shares(self.matrix, self.counts, query)), excluded)


def one_hot(concepts: Sequence[frozenset[str]]) -> NDArray[np.float32]:
    """Returns which image has which concept, shape (images, concepts)."""
    columns = {cui: i for i, cui in enumerate(sorted(frozenset().union(*concepts)))}
    matrix = np.zeros((len(concepts), len(columns)), np.float32)
    for row, cuis in zip(matrix, concepts, strict=True):
        row[[columns[cui] for cui in cuis]] = 1
    return matrix


def concept_shares(matrix: NDArray[np.float32], counts: NDArray[np.float32], image: int) -> Floats:
    """Returns the Jaccard index of one image's concepts with those of each image; 0 of two empty sets.

    counts: the number of concepts of each image. Matrix products are fast enough for ten thousand images, for which
    sets would be intersected a hundred million times.
    """
    shared = (matrix @ matrix[image]).astype(float)
    union = counts + counts[image] - shared
    shares: Floats = np.divide(shared, union, out=np.zeros(len(shared)), where=union > 0)
    return shares
