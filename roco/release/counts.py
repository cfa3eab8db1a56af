"""Counts images by a label and by split: for the dataset card and for the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from roco.base.schema import SPLITS


class SplitCounts(NamedTuple):
    """Number of images of one label in each split, and in all."""

    label: str
    by_split: tuple[int, ...]
    total: int


def by_split(labels: Sequence[str | None], splits: Sequence[str], names: Sequence[str] = SPLITS) -> list[SplitCounts]:
    """Returns the counts of each label, sorted by label; images without a label are not counted.

    labels, splits: of each image. names: the splits to count, in order.
    """
    counts = Counter((label, split) for label, split in zip(labels, splits, strict=True) if label is not None)
    found = []
    for label in sorted({label for label, _ in counts}):
        numbers = tuple(counts[label, split] for split in names)
        found.append(SplitCounts(label, numbers, sum(numbers)))
    return found


def total(counts: Sequence[SplitCounts], names: Sequence[str] = SPLITS) -> SplitCounts:
    """Returns the sums over all labels, under the label `all`."""
    sums = tuple(sum(one.by_split[place] for one in counts) for place in range(len(names)))
    return SplitCounts("all", sums, sum(sums))
