"""Evaluates gradient-boosted trees that are stored as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ARRAYS = ("feature", "threshold", "left", "right", "value", "output")


@dataclass(frozen=True)
class Trees:
    """Trees as arrays of trees x nodes; node 0 is the root.

    feature: the number that a node compares, -1 for a leaf. threshold: a value up to it goes left. left, right: the
    next nodes. value: what a leaf adds. output: of each tree, the class to whose log-odds it adds. base: where the
    log-odds of each class begin.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float32]
    output: NDArray[np.int32]
    base: NDArray[np.float64]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]], prefix: str) -> Trees:
        """Checks the arrays; raises ValueError if a node points outside its tree or reads no feature."""
        given = {name: np.asarray(arrays[prefix + name]) for name in (*ARRAYS, "base")}
        trees = cls(
            given["feature"].astype(np.int32),
            given["threshold"].astype(np.float64),
            given["left"].astype(np.int32),
            given["right"].astype(np.int32),
            given["value"].astype(np.float32),
            given["output"].astype(np.int32),
            given["base"].astype(np.float64),
        )
        shape = trees.feature.shape
        same = all(given[name].shape == shape for name in ("threshold", "left", "right", "value"))
        if len(shape) != 2 or not shape[1] or not same or trees.output.shape != shape[:1] or trees.base.ndim != 1:
            raise ValueError("trees of different shapes")
        for nodes in (trees.left, trees.right):
            # A child comes after its parent, so that every walk ends.
            inner = trees.feature >= 0
            if ((nodes <= np.arange(shape[1])) & inner).any() or (nodes >= shape[1]).any():
                raise ValueError("a tree that is not a tree")
        if len(trees.output) and not 0 <= trees.output.min() <= trees.output.max() < len(trees.base):
            raise ValueError("a tree of an unknown class")
        if not (np.isfinite(trees.value).all() and np.isfinite(trees.base).all()) or np.isnan(trees.threshold).any():
            raise ValueError("trees with numbers that are not finite")
        return trees

    @property
    def width(self) -> int:
        """Returns the number of features that the trees need at least."""
        return int(self.feature.max(initial=-1)) + 1

    @property
    def outputs(self) -> int:
        return len(self.base)

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Returns the log-odds of each row (columns: classes)."""
        out = np.empty((len(features), len(self.base)))
        for start in range(0, len(features), 512):  # rows x trees at once: bounds the memory
            rows = features[start : start + 512]
            out[start : start + 512] = self._some(rows)
        return out

    def _some(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        n, trees = len(features), len(self.feature)
        tree = np.arange(trees)[None, :]
        row = np.arange(n)[:, None]
        node = np.zeros((n, trees), np.int32)
        while True:
            feature = self.feature[tree, node]
            inner = feature >= 0
            if not inner.any():
                break
            goes_left = features[row, np.maximum(feature, 0)] <= self.threshold[tree, node]
            step = np.where(goes_left, self.left[tree, node], self.right[tree, node])
            node = np.where(inner, step, node)
        leaves = self.value[tree, node].astype(np.float64)
        out = np.tile(self.base, (n, 1))
        for label in range(len(self.base)):
            out[:, label] += leaves[:, self.output == label].sum(1)
        return out
