"""Judges candidates of a learned linker: log-odds linear in their features, and trees where these are unsure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roco.models.heads.trees import Trees
from roco.models.text.learned.lexicon import Floats, Ints
from roco.models.text.learned.rivals import rivals

BESIDE = 6
"""Numbers that the trees read beside the features."""

LEAST, MOST = 0.01, 0.995
"""The trees judge the candidates to which the linear part gives a probability between these."""


@dataclass(frozen=True)
class Scorecard:
    """mean, scale, weights: of the features. trees: read more (`beside`); without any the linear part judges alone."""

    mean: Floats
    scale: Floats
    weights: Floats
    bias: float
    trees: Trees

    def linear(self, features: NDArray[np.float32]) -> Floats:
        """Returns the log-odds of the linear part."""
        standard = np.clip((features - self.mean) / self.scale, -8, 8)
        # Summed row by row: a matrix product may round otherwise in a batch of another size.
        logits: Floats = (standard * self.weights).sum(1) + self.bias
        return logits

    def is_unsure(self, logits: Floats) -> NDArray[np.bool_]:
        """Returns which candidates the trees judge."""
        unsure: NDArray[np.bool_] = (logits > np.log(LEAST / (1 - LEAST))) & (logits < np.log(MOST / (1 - MOST)))
        return unsure

    def probabilities(self, features: NDArray[np.float32], row: Ints, start: Ints, length: Ints) -> Floats:
        """Returns the probability of each candidate; see `Candidates`."""
        logits = self.linear(features)
        if len(self.trees.feature):
            unsure = np.flatnonzero(self.is_unsure(logits))
            judged = self.trees.logits(beside(features, logits, row, start, length)[unsure])
            logits[unsure] = judged[:, 1] - judged[:, 0]
        return _probability(logits)


def beside(features: NDArray[np.float32], logits: Floats, row: Ints, start: Ints, length: Ints) -> NDArray[np.float32]:
    """Returns what the trees read: the features, the linear log-odds, and the probabilities of other candidates.

    Those are the highest one of a longer, equal, inner and crossing candidate, and the sum over the caption: a name is
    no mention where a longer one is.
    """
    p = _probability(logits)
    others = rivals(start, length, p, int((start + length).max(initial=0)) + 1)
    total = np.bincount(row, p)[row] if len(row) else p
    return np.concatenate([features, logits[:, None], others, total[:, None]], 1).astype(np.float32)


def _probability(logits: Floats) -> Floats:
    probability: Floats = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return probability
