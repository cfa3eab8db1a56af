"""Captions with known concepts, in folds by article."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.files import digest
from roco.base.ids import is_cui
from roco.models.text.learned.manual import MOST
from roco.release.caption_files import Row

__all__ = ["FOLDS", "Row", "Rows"]

FOLDS = 7
"""The last fold is the inner held-out part; it chooses the threshold."""

LEAST_GROUPS = 20


@dataclass(frozen=True)
class Rows:
    """Rows as arrays.

    row, cui: the pairs of caption and concept. cuis: of the concepts. fold: of each row. manual: concepts that people
    assigned. names: of concepts, as far as they are known, by CUI; concepts without a caption are in cuis as well.
    """

    texts: list[str]
    groups: NDArray[np.int64]
    fold: NDArray[np.int64]
    cuis: list[str]
    row: NDArray[np.int64]
    cui: NDArray[np.int64]
    digest: str
    manual: frozenset[str]
    names: Mapping[str, Sequence[str]]

    @classmethod
    def of(
        cls, rows: Sequence[Row], manual: Collection[str] = (), names: Mapping[str, Sequence[str]] | None = None
    ) -> Rows:
        """Checks and numbers rows; their order does not matter. Raises DataError.

        manual: see `Rows`; of more than MOST that occur, the most frequent ones.
        """
        rows = sorted(rows)
        for before, after in pairwise(rows):
            if before.id == after.id:
                raise DataError(f"duplicate id '{after.id[:60]}'", "each row needs an id of its own")
        for row in rows:
            for cui in row.cuis:
                if not is_cui(cui):
                    raise DataError(f"invalid CUI '{cui[:40]}' (row {row.id[:60]})", "a CUI is C and seven digits")
        articles = sorted({row.group for row in rows})
        if len(articles) < LEAST_GROUPS:
            raise DataError(
                f"{len(articles)} articles are too few to learn from", f"use rows of at least {LEAST_GROUPS} articles"
            )
        number = {name: place for place, name in enumerate(articles)}
        groups = np.array([number[row.group] for row in rows], np.int64)
        labelled = {cui for row in rows for cui in row.cuis}
        if not labelled:
            raise DataError("no row has a concept", "check the column of CUIs")
        names = {cui: some for cui, some in (names or {}).items() if is_cui(cui)}
        cuis = sorted(labelled | names.keys())
        code = {cui: place for place, cui in enumerate(cuis)}
        pairs = [(place, code[cui]) for place, row in enumerate(rows) for cui in sorted(set(row.cuis))]
        both = np.array(pairs, np.int64)
        content = digest([[row.id, row.group, row.caption, sorted(set(row.cuis))] for row in rows])
        return cls(
            [row.caption for row in rows], groups, _folds(articles)[groups], cuis, both[:, 0], both[:, 1], content,
            _most_frequent(manual, cuis, both[:, 1]), names,
        )  # fmt: skip

    def labels(self) -> NDArray[np.int64]:
        """Returns the pairs as sorted numbers: row times concepts plus concept."""
        keys: NDArray[np.int64] = np.unique(self.row * len(self.cuis) + self.cui)
        return keys


def _most_frequent(manual: Collection[str], cuis: Sequence[str], cui: NDArray[np.int64]) -> frozenset[str]:
    n = np.bincount(cui, minlength=len(cuis))
    present = [place for place, name in enumerate(cuis) if name in manual and n[place]]
    return frozenset(cuis[place] for place in sorted(present, key=lambda place: (-n[place], place))[:MOST])


def _folds(names: Sequence[str]) -> NDArray[np.int64]:
    """Returns the fold of each group, in turn by the order of hashes, so that no fold is empty."""
    order = sorted(range(len(names)), key=lambda place: hashlib.sha256(names[place].encode()).digest())
    fold = np.empty(len(names), np.int64)
    fold[order] = np.arange(len(names)) % FOLDS
    return fold
