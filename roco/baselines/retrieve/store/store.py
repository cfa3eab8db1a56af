"""The interface of a store, which holds the rows, words and vectors of an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from roco.baselines.retrieve.concept_query import ConceptQuery
from roco.release.select.flags import SelectOptions

IMAGE, TEXT = "image", "text"
"""The vectors of a row: that of its image, and that of its caption."""

Found = list[tuple[int, float]]
"""Rows and their scores, the best first; equally good ones in the order of the rows."""


@dataclass(frozen=True, kw_only=True)
class Restriction:
    """The rows that may be hits; all conditions must hold.

    filters: as of `roco.select`. concepts: a condition over the concepts of an image. not_articles, not_ids: keys of
    articles and ids of images that are excluded.
    """

    filters: SelectOptions | None = None
    concepts: ConceptQuery | None = None
    not_articles: frozenset[str] = frozenset()
    not_ids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Fingerprint:
    """What identifies an image: the SHA-256 of its file, and its perceptual hashes, None without contrast."""

    sha256: str
    phash: str | None = None
    phash_fine: str | None = None


class Store(Protocol):
    """The rows of an index in the order of the ids, with their words and vectors."""

    names: dict[str, str]
    """The names of concepts, by CUI."""

    def __len__(self) -> int:
        """Returns the number of rows."""

    def row_of(self, id: str) -> int | None:
        """Returns the row of an image; None for an unknown id."""

    def rows(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        """Returns the columns of hits (`hits.COLUMNS`) of some rows."""

    def vectors(self, rows: Sequence[int], of: str = IMAGE) -> NDArray[np.float32]:
        """Returns the vectors of some rows as they are compared, of length 1; zeros for a row without one."""

    def compared(self, vectors: NDArray[Any], of: str = IMAGE) -> NDArray[np.float32]:
        """Returns vectors of an encoder as they are compared: of length 1, after the centre is subtracted."""

    def duplicates(self, image: Fingerprint) -> list[int]:
        """Returns the rows whose image is the given one or a duplicate of it, as the stage `dedup` defines it."""

    def by_words(self, query: str, depth: int, restriction: Restriction) -> Found:
        """Returns the rows that contain a word of a query, ranked by BM25."""

    def by_vector(self, vector: NDArray[np.float32], depth: int, restriction: Restriction, of: str = IMAGE) -> Found:
        """Returns the rows whose vectors are nearest to one that is `compared`; the score is the cosine."""

    def by_concepts(self, depth: int, restriction: Restriction) -> Found:
        """Returns the rows that fulfil `restriction.concepts`, ranked by the Jaccard index with its concepts."""
