"""Targets for training several tasks at once: modality, region and direction as classes, concepts as multi-hot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.labels import KINDS
from roco.base.terminal import excerpt
from roco.release.load.vocabulary import Vocabulary

UNLABELLED = -1
"""The class of an image without a label; pass it to a loss as `ignore_index`."""

CLASSES: Mapping[str, tuple[str, ...]] = {kind: tuple(terms) for kind, terms in KINDS.items()}
"""The labels of modality, region and direction; the position of a label is its class. They never change."""

TASKS = (*CLASSES, "concepts")
"""The tasks with targets."""


@dataclass(frozen=True)
class Targets:
    """The targets of images, one row each.

    modality, region, direction: the class of each image, a position in `classes`; -1 where it has no label, as region
    and direction of all images but X-rays. vocabulary: the concepts of the multi-hot vectors.
    unknown: how many concepts of the images are not in the vocabulary, and so in no vector.
    """

    modality: NDArray[np.int64]
    region: NDArray[np.int64]
    direction: NDArray[np.int64]
    vocabulary: Vocabulary
    unknown: int
    _starts: NDArray[np.int64] = field(repr=False)
    _members: NDArray[np.int32] = field(repr=False)

    classes = CLASSES

    def __len__(self) -> int:
        return len(self.modality)

    @cached_property
    def concepts(self) -> NDArray[np.uint8]:
        """Returns the multi-hot vectors: images x concepts of the vocabulary, 0 or 1."""
        matrix = np.zeros((len(self), len(self.vocabulary)), np.uint8)
        rows = np.repeat(np.arange(len(self)), np.diff(self._starts))
        matrix[rows, self._members] = 1
        return matrix

    def concepts_of(self, row: int) -> NDArray[np.int32]:
        """Returns the positions in the vocabulary of the concepts of one image."""
        return self._members[self._starts[row] : self._starts[row + 1]]


def targets_of(labels: Mapping[str, pa.Array], ids: pa.Array, concepts: pa.Array, vocabulary: Vocabulary) -> Targets:
    """Returns the targets of images; labels: their modality, region and direction, null where there is none."""
    starts, members, unknown = _positions(concepts, vocabulary)
    classes = {kind: _classes(kind, labels[kind], ids) for kind in CLASSES}
    return Targets(**classes, vocabulary=vocabulary, unknown=unknown, _starts=starts, _members=members)


def _classes(kind: str, labels: pa.Array, ids: pa.Array) -> NDArray[np.int64]:
    """Returns the class of each label; raises DataError for a label that is no class."""
    known = pa.array(CLASSES[kind], pa.string())
    classes = pc.index_in(labels, known)
    wrong = pc.and_(pc.is_null(classes), pc.is_valid(labels))
    if pc.any(wrong).as_py():
        row = pc.index(wrong, True).as_py()
        label, id = labels[row].as_py(), ids[row].as_py()
        what = f"image '{excerpt(id)}': unknown {kind} '{excerpt(label)}'"
        raise DataError(what, f"the classes are {', '.join(CLASSES[kind])}")
    return np.asarray(pc.fill_null(classes, UNLABELLED)).astype(np.int64)


def _positions(concepts: pa.Array, vocabulary: Vocabulary) -> tuple[NDArray[np.int64], NDArray[np.int32], int]:
    """Returns where the concepts of each row start, the positions of all, and how many have none."""
    positions = pc.index_in(pc.list_flatten(concepts), pa.array(vocabulary.cuis, pa.string()))
    known = np.asarray(pc.is_valid(positions), dtype=bool)
    rows = np.asarray(pc.list_parent_indices(concepts))[known]
    counts = np.bincount(rows, minlength=len(concepts)) if len(concepts) else np.zeros(0, np.int64)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])
    members = np.asarray(pc.drop_null(positions)).astype(np.int32)
    return starts, members, int((~known).sum())


def flags(positions: Iterable[int], size: int) -> NDArray[np.float32]:
    """Returns a multi-hot vector."""
    vector = np.zeros(size, np.float32)
    vector[list(positions)] = 1.0
    return vector
