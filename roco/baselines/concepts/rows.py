"""Captions with known concepts, in folds by article."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.files import digest
from roco.base.ids import is_cui

FOLDS = 7
"""The last fold is the inner held-out part; it chooses the threshold."""

LEAST_GROUPS = 20


class Row(NamedTuple):
    """One caption. group: the article, whose rows are never divided between folds."""

    id: str
    group: str
    caption: str
    cuis: tuple[str, ...]


@dataclass(frozen=True)
class Rows:
    """Rows as arrays. row, cui: the pairs of caption and concept; cuis: names of the concepts; fold: of each row."""

    texts: list[str]
    groups: NDArray[np.int64]
    fold: NDArray[np.int64]
    cuis: list[str]
    row: NDArray[np.int64]
    cui: NDArray[np.int64]
    digest: str

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Rows:
        """Checks and numbers rows; their order does not matter. Raises DataError."""
        rows = sorted(rows)
        for before, after in pairwise(rows):
            if before.id == after.id:
                raise DataError(f"duplicate id '{after.id[:60]}'", "each row needs an id of its own")
        for row in rows:
            for cui in row.cuis:
                if not is_cui(cui):
                    raise DataError(f"invalid CUI '{cui[:40]}' (row {row.id[:60]})", "a CUI is C and seven digits")
        names = sorted({row.group for row in rows})
        if len(names) < LEAST_GROUPS:
            raise DataError(
                f"{len(names)} articles are too few to learn from", f"use rows of at least {LEAST_GROUPS} articles"
            )
        number = {name: place for place, name in enumerate(names)}
        groups = np.array([number[row.group] for row in rows], np.int64)
        cuis = sorted({cui for row in rows for cui in row.cuis})
        if not cuis:
            raise DataError("no row has a concept", "check the column of CUIs")
        code = {cui: place for place, cui in enumerate(cuis)}
        pairs = [(place, code[cui]) for place, row in enumerate(rows) for cui in sorted(set(row.cuis))]
        both = np.array(pairs, np.int64)
        content = digest([[row.id, row.group, row.caption, sorted(set(row.cuis))] for row in rows])
        return cls([row.caption for row in rows], groups, _folds(names)[groups], cuis, both[:, 0], both[:, 1], content)

    def labels(self) -> NDArray[np.int64]:
        """Returns the pairs as sorted numbers: row times concepts plus concept."""
        keys: NDArray[np.int64] = np.unique(self.row * len(self.cuis) + self.cui)
        return keys


def _folds(names: Sequence[str]) -> NDArray[np.int64]:
    """Returns the fold of each group, in turn by the order of hashes, so that no fold is empty."""
    order = sorted(range(len(names)), key=lambda place: hashlib.sha256(names[place].encode()).digest())
    fold = np.empty(len(names), np.int64)
    fold[order] = np.arange(len(names)) % FOLDS
    return fold
