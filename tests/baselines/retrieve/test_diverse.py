"""Maximal marginal relevance, as computed by hand."""

from __future__ import annotations

import numpy as np

from roco.baselines.retrieve.diverse import most_different


def unit(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_a_copy_of_the_best_hit_comes_after_a_worse_one_that_differs() -> None:
    """Relevance 1, 0.9 and 0; the second is a copy of the first: 0.45 - 0.5 < 0 - 0."""
    assert most_different([10, 9, 0], unit(0, 0, 90), 3) == [0, 2, 1]


def test_of_hits_that_differ_equally_the_order_is_that_of_relevance() -> None:
    assert most_different([3, 2, 1], np.eye(3, dtype=np.float32), 2) == [0, 1]


def test_equally_relevant_hits_are_chosen_by_difference_and_ties_by_position() -> None:
    assert most_different([5, 5, 5], unit(0, 10, 90), 3) == [0, 2, 1]
    assert most_different([5, 5], unit(0, 0), 2) == [0, 1]


def test_hits_without_a_vector_differ_from_all_and_fewer_candidates_than_asked_are_all_chosen() -> None:
    vectors = unit(0, 0, 0)
    vectors[2] = 0
    assert most_different([3, 2.9, 2.8], vectors, 5) == [0, 2, 1]
    assert most_different([], np.zeros((0, 2), np.float32), 5) == []
