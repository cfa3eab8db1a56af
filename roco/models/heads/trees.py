"""Evaluates gradient-boosted trees that are stored as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

MOST_LEAVES = 31
"""Leaves of a tree that are evaluated as bits."""

LEAST_MASKED = 256
"""Rows from which on that is faster than walking through the trees."""

WALKED_AT_ONCE, MASKED_AT_ONCE = 512, 8192
"""Rows that are evaluated at once, which bounds the memory."""

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
        """Returns the log-odds of each row (columns: classes); those of a row do not depend on the other rows."""
        out = np.empty((len(features), len(self.base)))
        most = MASKED_AT_ONCE if self._masks else WALKED_AT_ONCE
        for start in range(0, len(features), most):
            rows = features[start : start + most]
            values = self._masked(rows) if self._masks and len(rows) >= LEAST_MASKED else self._walked(rows)
            out[start : start + most] = self._sums(values)
        return out

    def _sums(self, leaves: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the sum of the values of the leaves (rows x trees) for each class."""
        out = np.tile(self.base, (len(leaves), 1))
        for label in range(len(self.base)):
            out[:, label] += np.ascontiguousarray(leaves[:, self.output == label]).sum(1)
        return out

    def _walked(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Returns the value of the leaf of each row and tree, by walking from the roots."""
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
        return self.value[tree, node].astype(np.float64)

    def _masked(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Returns the same as `_walked` in a fraction of the time if the rows are many.

        Every node of a tree is compared for all rows at once. One whose comparison holds rules out the leaves on its
        right; the first leaf that is not ruled out, counted from the right, is that of the row (QuickScorer: Lucchese
        et al., SIGIR 2015).
        """
        columns = np.ascontiguousarray(features.T)
        out = np.empty((len(self.feature), len(features)))
        for number, (nodes, values) in enumerate(self._masks):
            ruled_out = np.zeros(len(features), np.uint32)
            for feature, threshold, leaves in nodes:
                holds = (columns[feature] <= threshold).view(np.uint8)
                ruled_out |= np.multiply(holds, leaves, dtype=np.uint32)
            first = ~ruled_out & (ruled_out + np.uint32(1))
            out[number] = values[np.frexp(first.astype(float))[1] - 1]
        return np.ascontiguousarray(out.T)

    @cached_property
    def _masks(self) -> list[tuple[list[tuple[int, np.float64, np.uint32]], NDArray[np.float64]]]:
        """Of each tree its inner nodes (feature, threshold, leaves on the right as bits), and the values of its leaves.

        Leaves are counted from the right. Empty if a tree has more leaves than bits, or nodes of two parents.
        """
        out = []
        for number in range(len(self.feature)):
            masks = self._mask(number)
            if masks is None:
                return []
            out.append(masks)
        return out

    def _mask(self, tree: int) -> tuple[list[tuple[int, np.float64, np.uint32]], NDArray[np.float64]] | None:
        feature, left, right = self.feature[tree].tolist(), self.left[tree].tolist(), self.right[tree].tolist()
        values: list[float] = []
        nodes: list[tuple[int, np.float64, np.uint32]] = []
        waiting = [(0, False)]
        before: dict[int, int] = {}  # inner node -> leaves on the right of its subtree
        while waiting:
            node, is_right_done = waiting.pop()
            if is_right_done:
                leaves = (1 << len(values)) - (1 << before[node])
                nodes.append((feature[node], self.threshold[tree, node], np.uint32(leaves)))
                waiting.append((left[node], False))
            elif feature[node] < 0:
                values.append(float(self.value[tree, node]))
                if len(values) > MOST_LEAVES:
                    return None
            else:
                before[node] = len(values)
                waiting += [(node, True), (right[node], False)]
        return nodes, np.array(values, np.float64)
