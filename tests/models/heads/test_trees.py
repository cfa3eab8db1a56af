"""Trees as arrays: both ways to evaluate them."""

from __future__ import annotations

import numpy as np
import pytest

from roco.models.heads import trees as module
from roco.models.heads.trees import Trees


def random_trees(leaves: int, number: int = 20, features: int = 5) -> Trees:
    """Returns trees that grow at random leaves; two classes."""
    random = np.random.default_rng(leaves)
    nodes = 2 * leaves - 1
    feature = np.full((number, nodes), -1, np.int32)
    left, right = np.zeros((number, nodes), np.int32), np.zeros((number, nodes), np.int32)
    for tree in range(number):
        ends = [0]
        for node in range(1, nodes, 2):
            parent = ends.pop(int(random.integers(len(ends))))
            feature[tree, parent] = random.integers(features)
            left[tree, parent], right[tree, parent] = node, node + 1
            ends += [node, node + 1]
    return Trees(
        feature, random.normal(size=feature.shape), left, right, random.normal(size=feature.shape).astype(np.float32),
        np.arange(number, dtype=np.int32) % 2, np.array([0.5, -0.5]),
    )  # fmt: skip


@pytest.mark.parametrize("leaves", [1, 2, 16, 31, 32])
def test_many_rows_have_the_log_odds_of_single_rows(leaves: int) -> None:
    trees = random_trees(leaves)
    rows = np.random.default_rng(0).normal(size=(400, 5)).astype(np.float32)
    rows[3, 2], rows[4, 1] = np.nan, np.inf
    together = trees.logits(rows)
    assert len(rows) >= module.LEAST_MASKED
    assert (together == np.concatenate([trees.logits(row[None]) for row in rows])).all()
    assert bool(trees._masks) == (leaves <= module.MOST_LEAVES)


def test_a_node_of_two_parents_is_evaluated_as_two_nodes() -> None:
    feature = np.array([[0, 1, -1, -1]], np.int32)
    trees = Trees(
        feature, np.zeros((1, 4)), np.array([[1, 2, 0, 0]], np.int32), np.array([[1, 3, 0, 0]], np.int32),
        np.array([[0, 0, 1, 2]], np.float32), np.zeros(1, np.int32), np.zeros(1),
    )  # fmt: skip
    rows = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    assert (trees.logits(rows)[:, 0] == np.where(rows[:, 1] <= 0, 1, 2)).all()


def test_a_chain_of_nodes_that_doubles_its_paths_costs_no_more_than_its_leaves() -> None:
    size = 60
    following = np.minimum(np.arange(1, size + 1), size - 1).astype(np.int32)[None]
    feature = np.zeros((1, size), np.int32)
    feature[0, -1] = -1
    trees = Trees(
        feature, np.zeros((1, size)), following, following, np.ones((1, size), np.float32), np.zeros(1, np.int32),
        np.zeros(1),
    )  # fmt: skip
    assert trees._masks == []
    assert (trees.logits(np.zeros((300, 1), np.float32)) == 1).all()
