"""The set of labels with the highest expected F1."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from roco.models.text.learned import expected_f1
from roco.models.text.learned.expected_f1 import best_sets


def expectation(p: np.ndarray, chosen: tuple[int, ...], none: float = 1.0) -> float:  # type: ignore[type-arg]
    """Returns the expected F1 of a set over all combinations of true labels; none: factor of the empty one."""
    total, empty = 0.0, float(np.prod(1 - p))
    for true in itertools.product((0, 1), repeat=len(p)):
        share = float(np.prod(np.where(true, p, 1 - p)))
        share *= none if not any(true) else (1 - none * empty) / (1 - empty)
        both = sum(true) + len(chosen)
        total += share * (2 * sum(true[label] for label in chosen) / both if both else 1.0)
    return total


@pytest.mark.parametrize("none", [1.0, 0.3, 0.0])
def test_no_other_set_has_a_higher_expected_f1(none: float) -> None:
    p = np.random.default_rng(0).random((30, 4)) ** 2
    sets = [some for size in range(5) for some in itertools.combinations(range(4), size)]
    for row, chosen in zip(p, best_sets(p, none), strict=True):
        best = max(expectation(row, some, none) for some in sets)
        assert expectation(row, tuple(np.flatnonzero(chosen)), none) == pytest.approx(best)


def test_labels_that_exclude_each_other_leave_no_row_without_one() -> None:
    p = np.array([[0.35, 0.33, 0.32]])
    assert not best_sets(p, 3.0).any()
    assert best_sets(p, 0.0).any()


def test_unlikely_labels_beyond_the_first_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    p = np.concatenate([np.random.default_rng(0).random((50, 3)), np.full((50, 5), 1e-6)], 1)
    full = best_sets(p)
    monkeypatch.setattr(expected_f1, "MOST", 3)
    assert (best_sets(p) == full).all()


def test_no_rows_and_no_labels_have_no_sets() -> None:
    assert best_sets(np.zeros((0, 3))).shape == (0, 3)
    assert best_sets(np.zeros((2, 0))).shape == (2, 0)
