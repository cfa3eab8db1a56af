"""Trains the parts of a head with scikit-learn, and turns them into arrays."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import MissingExtra
from roco.baselines.bins import binned
from roco.models.heads.head import Floats, Linear, Logits, Part, side_by_side
from roco.models.heads.trees import Trees

LEAST_SCALE = 1e-4
"""A number that hardly varies in training would blow up any difference."""


@dataclass(frozen=True)
class Recipe:
    """What a part is trained on, and how.

    c: inverse strength of the penalty of a linear part. embedding: first and last place (exclusive) of the numbers of
    the embedding that a linear part reads, all of them by default.
    """

    kind: Literal["linear", "trees"]
    blocks: tuple[str, ...]
    embedding: tuple[int, int] | None = None
    c: float = 0.003
    trees: int = 150
    leaves: int = 12
    rate: float = 0.08


def recipes(sections: Sequence[int] = ()) -> tuple[Recipe, ...]:
    """Returns the parts of a head that reads embedding and layout.

    sections: of the embedding, as the card of its backbone has them.
    One linear part for each section, the last with the layout, and trees on the layout. Stacked, they are better on
    sources that they were not trained on than one part that reads everything: modality 93.7 instead of 90.9 %.
    """
    trees = Recipe("trees", ("layout",))
    if not sections:
        return Recipe("linear", ("embedding", "layout")), trees
    ends = list(itertools.accumulate(sections))
    linear = []
    for width, end in zip(sections, ends, strict=True):
        blocks = ("embedding", "layout") if end == ends[-1] else ("embedding",)
        linear.append(Recipe("linear", blocks, (end - width, end), c=0.003 if width > 1000 else 0.01))
    return *linear, trees


def scikit_learn() -> Any:
    """Imports scikit-learn; raises MissingExtra."""
    try:
        import sklearn
    except ImportError as err:
        raise MissingExtra("scikit-learn", "fit") from err
    return sklearn


def train(
    recipe: Recipe, blocks: Mapping[str, Floats], labels: NDArray[np.int64], weights: NDArray[np.float64], classes: int
) -> Part:
    """Trains one part; weights: of the rows, already balanced."""
    scikit_learn()
    from threadpoolctl import threadpool_limits

    features = side_by_side(blocks, recipe.blocks)
    # One thread: more wait for each other by computing, which takes many times as long where other processes need the
    # cores. And sums do not depend on the number of cores, so that equal examples give equal heads anywhere.
    used = _used(recipe, blocks)
    with threadpool_limits(1):
        if recipe.kind == "trees":
            return Part(recipe.blocks, _trees(recipe, features, labels, weights, classes))
        model = _linear(recipe, features[:, used], labels, weights, classes)
    return Part(recipe.blocks, model if used.all() else _widened(model, used))


def _used(recipe: Recipe, blocks: Mapping[str, Floats]) -> NDArray[np.bool_]:
    """Returns which of the numbers side by side the part reads."""
    flags = []
    for name in recipe.blocks:
        width = blocks[name].shape[1]
        first, last = recipe.embedding if recipe.embedding and name == "embedding" else (0, width)
        place = np.arange(width)
        flags.append((place >= first) & (place < last))
    return np.concatenate(flags)


def _widened(model: Linear, used: NDArray[np.bool_]) -> Linear:
    """Returns the same model on all numbers; those that it was not trained on have weight 0."""
    mean, scale = np.zeros(len(used), np.float32), np.ones(len(used), np.float32)
    weights = np.zeros((len(used), len(model.bias)), np.float32)
    mean[used], scale[used], weights[used] = model.mean, model.scale, model.weights
    return Linear(mean, scale, weights, model.bias)


def _linear(
    recipe: Recipe, features: Floats, labels: NDArray[np.int64], weights: NDArray[np.float64], classes: int
) -> Linear:
    from sklearn.linear_model import LogisticRegression

    mean, scale = moments(features, weights)
    standard = np.clip((features - mean) / scale, -8, 8)
    model = LogisticRegression(C=recipe.c, max_iter=150, tol=1e-3)
    model.fit(standard, labels, sample_weight=weights)
    present = model.classes_.astype(int)
    if len(present) == 2:
        coefficients = np.concatenate([-model.coef_ / 2, model.coef_ / 2])
        intercept = np.concatenate([-model.intercept_ / 2, model.intercept_ / 2])
    else:
        coefficients, intercept = model.coef_, model.intercept_
    all_weights = np.zeros((features.shape[1], classes), np.float32)
    bias = np.full(classes, -8.0, np.float32)  # a class that these rows lack
    all_weights[:, present] = coefficients.T
    bias[present] = intercept
    return Linear(mean, scale, all_weights, bias)


def moments(features: Floats, weights: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """Returns mean and standard deviation of each number over weighted rows."""
    mean = np.average(features, axis=0, weights=weights).astype(np.float32)
    scale = np.sqrt(np.average((features - mean) ** 2, axis=0, weights=weights)).astype(np.float32)
    return mean, np.maximum(scale, LEAST_SCALE)


def _trees(
    recipe: Recipe, features: Floats, labels: NDArray[np.int64], weights: NDArray[np.float64], classes: int
) -> Trees:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=recipe.trees,
        learning_rate=recipe.rate,
        max_leaf_nodes=recipe.leaves,
        min_samples_leaf=15,
        l2_regularization=1.0,
        max_features=0.3,
        early_stopping=False,
        random_state=0,
    )
    codes, edges = binned(features, weights)
    model.fit(codes, labels, sample_weight=weights)
    trees = _arrays(model, classes, edges)
    given = np.asarray(model.decision_function(codes[:64]), np.float64).reshape(len(codes[:64]), -1)
    ours = trees.logits(features[:64])[:, model.classes_.astype(int)]
    if given.shape[1] == 1:
        ours = ours[:, 1:] - ours[:, :1]
    if not np.allclose(given, ours, atol=1e-3):
        raise RuntimeError("trees of this version of scikit-learn are stored in another way")
    return trees


def _arrays(model: Any, classes: int, edges: Sequence[NDArray[np.float64]]) -> Trees:
    """Returns the trees of a HistGradientBoostingClassifier, fitted on bins, as arrays of trees x nodes.

    edges: of the bins of each feature, which the thresholds of the trees become.
    """
    present = model.classes_.astype(int)
    base = np.full(classes, -8.0)
    start = np.asarray(model._baseline_prediction, np.float64).ravel()
    predictors = [(tree, k) for stage in model._predictors for k, tree in enumerate(stage)]
    most = max(len(tree.nodes) for tree, _ in predictors)
    shape = (len(predictors), most)
    feature = np.full(shape, -1, np.int32)
    threshold, value = np.zeros(shape, np.float64), np.zeros(shape, np.float32)
    left, right = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    output = np.zeros(len(predictors), np.int32)
    for place, (tree, k) in enumerate(predictors):
        nodes = tree.nodes
        n = len(nodes)
        is_leaf = nodes["is_leaf"].astype(bool)
        feature[place, :n] = np.where(is_leaf, -1, nodes["feature_idx"])
        for at in np.flatnonzero(~is_leaf):
            # A threshold between bins k and k + 1 is the edge of bin k.
            threshold[place, at] = edges[nodes["feature_idx"][at]][int(nodes["num_threshold"][at])]
        left[place, :n], right[place, :n] = nodes["left"], nodes["right"]
        value[place, :n] = nodes["value"]
        output[place] = present[1] if len(present) == 2 else present[k]
    if len(present) == 2:
        base[present[0]], base[present[1]] = 0.0, start[0]
    else:
        base[present] = start
    return Trees(feature, threshold, left, right, value, output, base)


def logits(part: Part, blocks: Mapping[str, Floats]) -> Logits:
    """Returns the log-odds of a part for each row."""
    return part.model.logits(side_by_side(blocks, part.blocks))
