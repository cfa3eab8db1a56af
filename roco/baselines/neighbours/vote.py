"""The votes of neighbours for concepts, and the choice of k, power and threshold on the validation images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roco.baselines import scores
from roco.baselines.neighbours.options import NeighbourOptions
from roco.baselines.neighbours.search import NOBODY, Neighbours
from roco.baselines.scores import Floats, Ints, Truth, Tuned
from roco.release.load.vocabulary import Vocabulary

LEAST_SIMILARITY = 1e-6
"""Lower similarities, such as negative ones, vote like this one."""

ROWS = 1024
"""Images whose votes are counted at once, which bounds the memory."""


@dataclass(frozen=True)
class Concepts:
    """The concepts of the images of an index: those of row i are members[starts[i]:starts[i + 1]]."""

    starts: Ints
    members: Ints
    size: int

    @classmethod
    def of(cls, truth: Truth) -> Concepts:
        """Returns the concepts of multi-hot vectors."""
        counts = truth.flags.sum(1)
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])
        return cls(starts, np.nonzero(truth.flags)[1].astype(np.int64), truth.flags.shape[1])


def votes(found: Neighbours, concepts: Concepts, k: int, power: float) -> NDArray[np.float32]:
    """Returns the share of the votes for each concept, from 0 to 1: queries x vocabulary.

    A neighbour votes for each of its concepts with its similarity to a power. A query without neighbours has no votes.
    """
    shares = np.zeros((len(found.positions), concepts.size), np.float32)
    for start in range(0, len(shares), ROWS):
        shares[start : start + ROWS] = _votes(found[start : start + ROWS], concepts, k, power)
    return shares


def _votes(found: Neighbours, concepts: Concepts, k: int, power: float) -> Floats:
    positions, similarities = found.positions[:, :k], found.similarities[:, :k]
    weights = np.maximum(similarities, LEAST_SIMILARITY) ** power
    weights[positions == NOBODY] = 0
    totals = weights.sum(1, keepdims=True)
    weights = np.divide(weights, totals, out=np.zeros_like(weights), where=totals > 0)
    rows, columns = np.nonzero(positions != NOBODY)
    neighbours = positions[rows, columns]
    # One entry for each concept of each neighbour.
    starts, lengths = concepts.starts[neighbours], np.diff(concepts.starts)[neighbours]
    within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    members = concepts.members[np.repeat(starts, lengths) + within]
    cells = np.repeat(rows, lengths) * concepts.size + members
    n_cells = len(positions) * concepts.size
    counted: Floats = np.bincount(cells, np.repeat(weights[rows, columns], lengths), n_cells).astype(np.float64)
    return counted.reshape(len(positions), concepts.size)


def tune(
    found: Neighbours,
    concepts: Concepts,
    truth: Truth,
    articles: Ints,
    options: NeighbourOptions,
    vocabulary: Vocabulary,
) -> Tuned[tuple[int, float]]:
    """Returns the k, power and threshold with the highest mean F1 of the queries, and their honest scores.

    found: the neighbours of the queries among the training images. truth, articles: of the queries.
    """

    def curves() -> Iterator[tuple[tuple[int, float], Floats]]:
        for k in options.k:
            for power in options.power:
                shares = votes(found, concepts, k, power)
                raised = scores.with_modality(shares, vocabulary) if options.modality else shares
                yield (k, power), scores.curve(truth, raised, options.thresholds)

    return scores.tuned(curves(), articles, options.thresholds, options.seed)
