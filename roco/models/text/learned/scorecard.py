"""Judges candidates of a learned linker: log-odds linear in their features, and trees where these are unsure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roco.models.heads.trees import Trees
from roco.models.text.learned.lexicon import Floats

LEAST, MOST = 0.01, 0.995
"""The trees judge the candidates to which the linear part gives a probability between these."""


@dataclass(frozen=True)
class Scorecard:
    """mean, scale, weights: of the features; the trees read the features and the linear log-odds after them.

    Without trees the linear part judges alone.
    """

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

    def with_logits(self, features: NDArray[np.float32], logits: Floats) -> NDArray[np.float32]:
        """Returns what the trees read."""
        return np.concatenate([features, logits[:, None].astype(np.float32)], 1)

    def probabilities(self, features: NDArray[np.float32]) -> Floats:
        """Returns the probability of each candidate."""
        logits = self.linear(features)
        if len(self.trees.feature):
            unsure = np.flatnonzero(self.is_unsure(logits))
            judged = self.trees.logits(self.with_logits(features[unsure], logits[unsure]))
            logits[unsure] = judged[:, 1] - judged[:, 0]
        probabilities: Floats = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
        return probabilities
