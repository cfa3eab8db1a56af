"""Orders hits so that they differ: maximal marginal relevance (Carbonell and Goldstein 1998)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BALANCE = 0.5
"""How much relevance counts; the rest is difference from the hits before."""

CANDIDATES = 10
"""n hits are chosen among the best 10 n."""


def most_different(relevance: Sequence[float], vectors: NDArray[np.float32], n: int) -> list[int]:
    """Returns the positions of n candidates, each the best by relevance less its cosine with the nearest chosen one.

    relevance: scores of the candidates, the best first; their range is scaled to 0 to 1. vectors: of length 1, zeros
    for a candidate without one, which differs from all others. Of equally good candidates the first one is chosen.
    """
    values = np.asarray(relevance, float)
    spread = float(values.max() - values.min()) if len(values) else 0.0
    values = (values - values.min()) / spread if spread > 0 else np.ones(len(values))
    nearest = np.zeros(len(values))
    is_open = np.ones(len(values), bool)
    chosen: list[int] = []
    while len(chosen) < min(n, len(values)):
        marginal = np.where(is_open, BALANCE * values - (1 - BALANCE) * nearest, -np.inf)
        best = int(marginal.argmax())
        chosen.append(best)
        is_open[best] = False
        nearest = np.maximum(nearest, vectors @ vectors[best])
    return chosen
