"""Counts the relations between images that cross the splits of a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from roco.base.columns import NONE, Indices, codes, runs
from roco.release.relations import relations


class Ties(NamedTuple):
    """What relates images in one way: the number of articles, groups or captions, and what crosses the splits.

    crossing: the places of the images of each one that has images in more than one split.
    """

    number: int
    crossing: tuple[Indices, ...]

    @property
    def images(self) -> int:
        """Returns the number of images that the crossing ones relate."""
        return sum(map(len, self.crossing))


def ties(table: pa.Table) -> dict[str, Ties]:
    """Returns, by kind, how many articles, groups and captions there are, and which of them cross the splits.

    table: split, and RELATION_COLUMNS; a column that it lacks relates no images.
    """
    splits = codes(table["split"])
    return {kind: _ties(numbers, splits) for kind, numbers in relations(table).items()}


def leakage(table: pa.Table) -> dict[str, int]:
    """Counts, by kind, the articles, groups and captions that have images in more than one split."""
    return {kind: len(one.crossing) for kind, one in ties(table).items()}


def _ties(numbers: Indices, splits: Indices) -> Ties:
    order = np.argsort(numbers, kind="stable")
    order = order[np.count_nonzero(numbers == NONE) :]
    bounds = runs(numbers[order])
    return Ties(len(bounds) - 1, tuple(_crossing(order, splits[order], bounds)))


def _crossing(order: Indices, splits: Indices, bounds: Indices) -> Iterator[Indices]:
    """Yields the places of the images of each run with images in more than one split."""
    if len(bounds) < 2:
        return
    starts = bounds[:-1]
    is_crossing = np.minimum.reduceat(splits, starts) != np.maximum.reduceat(splits, starts)
    for run in np.flatnonzero(is_crossing):
        yield order[bounds[run] : bounds[run + 1]]
