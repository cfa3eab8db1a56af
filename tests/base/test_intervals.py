"""The interval of a proportion, against published tables."""

from __future__ import annotations

import pytest

from roco.base.intervals import wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998), table I.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_score_interval_is_that_of_the_published_table(hits: int, n: int, low: float, high: float) -> None:
    assert wilson(hits, n) == pytest.approx((low, high), abs=5e-5)
    assert wilson(n - hits, n) == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_without_observations_the_interval_is_everything() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_an_interval_that_ends_at_0_or_1_does_so_exactly() -> None:
    assert all(wilson(0, n)[0] == 0.0 and wilson(n, n)[1] == 1.0 for n in range(1, 200))
