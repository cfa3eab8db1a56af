"""Labelled examples for a head: numbers, labels, and what must not be on both sides of a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Examples:
    """One row for each labelled image.

    blocks: numbers by block, rows x numbers. labels: index of the class. groups: the articles, patients or videos that
    an image is from (a composed image has several). sources: data set, repository or generator. derived: made from
    other images, or drawn; used to train, never to judge.
    """

    ids: tuple[str, ...]
    blocks: Mapping[str, Floats]
    labels: Ints
    groups: tuple[tuple[str, ...], ...]
    sources: tuple[str, ...]
    derived: Flags

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Flags | Ints) -> Examples:
        """Returns some of the rows, given as flags or as positions."""
        places: Sequence[int] = (np.flatnonzero(rows) if rows.dtype == np.bool_ else rows).tolist()
        return Examples(
            tuple(self.ids[i] for i in places),
            {name: values[rows] for name, values in self.blocks.items()},
            self.labels[rows],
            tuple(self.groups[i] for i in places),
            tuple(self.sources[i] for i in places),
            self.derived[rows],
        )
