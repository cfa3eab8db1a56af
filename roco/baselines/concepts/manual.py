"""Learns to judge manual concepts: by all words of a caption, and by the words that name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.baselines.concepts.rows import Rows
from roco.baselines.concepts.scorecard import no_trees
from roco.baselines.concepts.word_weights import WordCounts
from roco.baselines.parts import Recipe, train
from roco.models.heads.trees import Trees
from roco.models.text.learned.lexicon import Floats, Ints
from roco.models.text.learned.manual import Manual, evidence, named_evidence, places
from roco.models.text.learned.word_weights import WordWeights

TREES = Recipe("trees", ("layout",), trees=60, leaves=8, rate=0.08)
PARTS = 3
"""The log-odds of a caption for the trees come from weights that were trained without its part of the captions."""

LEAST_ROWS = 10
"""Captions with and without a concept that trees need."""


def no_manual() -> Manual:
    """Returns a judge of no concepts."""
    none = np.zeros(0, np.float32)
    words = WordWeights(np.zeros(0, np.uint64), none, np.zeros((0, 0), np.float32), none)
    return Manual(np.zeros(0, np.int64), words, _joined([]), 1.0)


def fit(
    rows: Rows, counts: WordCounts, which: Ints, row: Ints, cui: Ints, scores: Floats, bound: NDArray[np.float32]
) -> Manual:
    """Learns from some captions.

    which: captions. row, cui, scores, bound: caption, concept, probability and Wilson bound of their candidates, which
    are found without the captions themselves.
    """
    concepts = np.array([place for place, name in enumerate(rows.cuis) if name in rows.manual], np.int64)
    if not len(concepts):
        return no_manual()
    place = places(concepts, len(rows.cuis))
    shape = (len(rows.texts), len(concepts))
    labels = np.zeros(shape, bool)
    is_manual = place[rows.cui] >= 0
    labels[rows.row[is_manual], place[rows.cui[is_manual]]] = True

    part = rows.fold % PARTS
    by_words = np.zeros(shape)
    for number in np.unique(part[which]):
        out, others = which[part[which] == number], which[part[which] != number]
        by_words[out] = counts.logits(out, counts.fit(others if len(others) else out, labels))
    odds, bounds = named_evidence(place[cui], row, scores, bound, shape)
    features = evidence(by_words[which], odds[which], bounds[which])
    trees = _joined([_trees(features, labels[which, number]) for number in range(len(concepts))])

    p = 1 / (1 + np.exp(-trees.logits(features)))
    expected = np.prod(1 - p, axis=1).mean()
    none = (~labels[which].any(1)).mean() / max(expected, 1e-6)
    return Manual(concepts, counts.fit(which, labels), trees, float(min(none, 1e3)))


def _trees(features: NDArray[np.float32], hit: NDArray[np.bool_]) -> Trees:
    """Trains the trees of one concept; the log-odds of its share if there are too few examples."""
    if min(int(hit.sum()), int((~hit).sum())) < LEAST_ROWS:
        share = np.clip(hit.mean(), 1e-4, 1 - 1e-4)
        return replace(no_trees(), base=np.array([0.0, float(np.log(share / (1 - share)))]))
    model = train(TREES, {"layout": features}, hit.astype(np.int64), np.ones(len(hit)), 2).model
    if not isinstance(model, Trees):
        raise TypeError("trees expected")
    return model


def _joined(some: Sequence[Trees]) -> Trees:
    """Returns trees of two classes each as one set of trees: an output for each, its log-odds."""
    nodes = max((trees.feature.shape[1] for trees in some), default=1)

    def joined(name: str, dtype: type) -> NDArray[Any]:
        """Returns an array of all trees; nodes that a tree lacks are leaves that nothing leads to."""
        out = [np.zeros((0, nodes), dtype)]
        for trees in some:
            values = getattr(trees, name)
            empty = -1 if name == "feature" else 0
            out.append(np.pad(values, ((0, 0), (0, nodes - values.shape[1])), constant_values=empty).astype(dtype))
        return np.concatenate(out)

    return Trees(
        feature=joined("feature", np.int32),
        threshold=joined("threshold", np.float64),
        left=joined("left", np.int32),
        right=joined("right", np.int32),
        value=joined("value", np.float32),
        output=np.repeat(np.arange(len(some), dtype=np.int32), [len(trees.feature) for trees in some]),
        base=np.array([trees.base[1] - trees.base[0] for trees in some], float),
    )
