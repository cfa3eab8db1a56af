"""Trains the scorecard of a learned linker on out-of-fold candidates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.baselines.parts import Recipe, train
from roco.models.heads.trees import Trees
from roco.models.text.learned.lexicon import Ints
from roco.models.text.learned.scorecard import Scorecard, beside

TREES = Recipe("trees", ("layout",), trees=200, leaves=16, rate=0.05)
LEAST_SCALE = 1e-3
MOST_LINEAR = 300_000
"""Candidates of which the linear part is trained; more, and every second, third, … is used."""

MOST_TREES = 400_000


def fit(features: NDArray[np.float32], hit: NDArray[np.bool_], row: Ints, start: Ints, length: Ints) -> Scorecard:
    """Trains the linear part on all candidates, and trees on those of which it is unsure.

    row, start, length: see `Candidates`; no two captions share a place.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    some = slice(None, None, -(-len(features) // MOST_LINEAR))
    mean = features[some].mean(0, dtype=float)
    scale = np.maximum(features[some].std(0, dtype=float), LEAST_SCALE)
    standard = np.clip((features[some] - mean) / scale, -8, 8)
    model: Any = LogisticRegression(C=1.0, max_iter=200, tol=1e-3)
    with threadpool_limits(1):
        model.fit(standard, hit[some])
    linear = Scorecard(mean, scale, model.coef_[0].astype(float), float(model.intercept_[0]), no_trees())
    trees = _trees(linear, features, hit, row, start, length)
    return Scorecard(linear.mean, linear.scale, linear.weights, linear.bias, trees)


def _trees(
    linear: Scorecard, features: NDArray[np.float32], hit: NDArray[np.bool_], row: Ints, start: Ints, length: Ints
) -> Trees:
    logits = linear.linear(features)
    unsure = np.flatnonzero(linear.is_unsure(logits))
    unsure = unsure[:: max(1, -(-len(unsure) // MOST_TREES))]
    if len(np.unique(hit[unsure])) < 2:
        return no_trees()
    blocks = {"layout": beside(features, logits, row, start, length)[unsure]}
    model = train(TREES, blocks, hit[unsure].astype(np.int64), np.ones(len(unsure)), 2).model
    if not isinstance(model, Trees):
        raise TypeError("trees expected")
    return model


def no_trees() -> Trees:
    """Returns no trees: the linear part judges alone."""
    nodes = np.zeros((0, 1))
    return Trees(
        nodes.astype(np.int32), nodes, nodes.astype(np.int32), nodes.astype(np.int32), nodes.astype(np.float32),
        np.zeros(0, np.int32), np.zeros(2),
    )  # fmt: skip
