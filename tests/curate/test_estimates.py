"""Precision and recall of a filter from labels: known values, limits of the data, and coverage of the true recall."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.curate.estimates import Estimate, Tally, precision, recall, share_interval, total
from roco.curate.sample import allocated

LARGE = 10**9
"""A stratum of which the labelled figures are a negligible part."""


# --- known values -----------------------------------------------------------------------------------------------------


def test_the_sum_of_two_proportions_has_the_interval_of_newcombes_table() -> None:
    """Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17
    (1998), table II, method 10: 56/70 - 48/80 is 0.2, from 0.0524 to 0.3339; here as 56/70 + 32/80 - 1."""
    summed = total([Tally(LARGE, 70, 56), Tally(LARGE, 80, 32)])
    assert summed is not None
    assert [limit / LARGE - 1 for limit in summed] == pytest.approx([0.2, 0.0524, 0.3339], abs=5e-5)


@pytest.mark.parametrize(
    ("wanted", "low"),
    # Brown, Cai and DasGupta (2001), 4.1.1: half the 5 % quantile of chi-square with 2 x degrees of freedom, over n.
    [(1, 0.05129 / 50), (2, 0.35536 / 50), (3, 0.81769 / 50)],
)
def test_the_limit_of_a_rare_class_is_that_of_the_poisson_distribution(wanted: int, low: float) -> None:
    assert share_interval(wanted, 50, LARGE)[0] == pytest.approx(low, rel=1e-4)
    assert share_interval(50 - wanted, 50, LARGE)[1] == pytest.approx(1 - low, rel=1e-4)


def test_recall_is_weighted_by_the_sizes_of_the_strata() -> None:
    kept = [Tally(900, 10, 10), Tally(100, 10, 5)]
    dropped = [Tally(1000, 50, 1), Tally(30, 10, 10)]
    found = recall(kept, dropped)
    assert found is not None
    assert found.value == pytest.approx((900 + 50) / (900 + 50 + 20 + 30))
    kept_share = precision(kept)
    assert kept_share is not None and kept_share.value == pytest.approx(0.95)


def test_the_interval_of_recall_is_that_of_the_closed_form_of_donner_and_zou() -> None:
    kept, dropped = [Tally(5000, 80, 70), Tally(900, 30, 11)], [Tally(4000, 60, 9), Tally(2000, 40, 5)]
    found, k, d = recall(kept, dropped), total(kept), total(dropped)
    assert found and k and d

    def ratio(sign: int, d_limit: float, k_limit: float) -> float:
        product = k.value * d.value
        root = math.sqrt(product**2 - d_limit * k_limit * (2 * d.value - d_limit) * (2 * k.value - k_limit))
        return (product + sign * root) / (k_limit * (2 * k.value - k_limit))

    # The ratio is wanted and dropped over wanted and kept: a high one is a low recall.
    assert found.low == pytest.approx(1 / (1 + ratio(1, d.high, k.low)))
    assert found.high == pytest.approx(1 / (1 + ratio(-1, d.low, k.high)))


# --- limits -----------------------------------------------------------------------------------------------------------


def test_labels_of_all_figures_leave_no_uncertainty() -> None:
    kept, dropped = [Tally(20, 20, 18)], [Tally(10, 10, 2), Tally(5, 5, 0)]
    assert recall(kept, dropped) == pytest.approx(Estimate(0.9, 0.9, 0.9))
    assert precision(kept) == Estimate(0.9, 0.9, 0.9)
    assert total(dropped) == Estimate(2.0, 2.0, 2.0)


def test_a_stage_that_dropped_nothing_has_a_recall_of_1() -> None:
    assert recall([Tally(1000, 50, 40)], []) == pytest.approx(Estimate(1.0, 1.0, 1.0))


def test_a_side_without_labels_has_no_estimate() -> None:
    assert recall([Tally(100, 10, 10)], [Tally(100, 0, 0)]) is None
    assert recall([Tally(100, 0, 0)], [Tally(100, 10, 1)]) is None
    assert precision([Tally(100, 0, 0)]) is None
    assert precision([]) is None
    assert recall([Tally(100, 10, 0)], [Tally(100, 10, 0)]) is None  # no wanted figure


def test_a_stratum_without_labels_may_contain_anything() -> None:
    known = total([Tally(1000, 50, 5)])
    half = total([Tally(1000, 50, 5), Tally(1000, 0, 0)])
    assert known and half
    assert half.value == pytest.approx(200)
    assert half.high - half.value >= 900 and half.low <= known.low + 100


tallies = st.lists(
    st.integers(1, 40).flatmap(
        lambda size: st.integers(0, size).flatmap(
            lambda labelled: st.integers(0, labelled).map(lambda wanted: Tally(size, labelled, wanted))
        )
    ),
    max_size=4,
)


@given(tallies, tallies)
def test_an_estimate_lies_in_its_interval_and_both_in_what_is_possible(kept: list[Tally], dropped: list[Tally]) -> None:
    lost = total(dropped)
    if lost is not None:
        least = sum(stratum.wanted for stratum in dropped)
        most = sum(stratum.size - stratum.labelled + stratum.wanted for stratum in dropped)
        assert least - 1e-6 <= lost.low <= lost.value + 1e-6 and lost.value - 1e-6 <= lost.high <= most + 1e-6
    for found in (recall(kept, dropped), precision(kept)):
        if found is not None:
            assert -1e-9 <= found.low <= found.value + 1e-9 and found.value - 1e-9 <= found.high <= 1 + 1e-9


# --- coverage ---------------------------------------------------------------------------------------------------------

RUNS = {
    "a good filter of many figures": ([(500, 0.8), (5000, 0.99), (60_000, 1.0)], [(90_000, 0.0002), (2000, 0.1)]),
    "wanted figures near the threshold": (
        [(2000, 0.6), (4000, 0.9), (9000, 0.98)],
        [(20_000, 0.01), (6000, 0.05), (2000, 0.3), (400, 0.5)],
    ),
    "a poor filter": ([(30_000, 0.5), (20_000, 0.8)], [(30_000, 0.3), (20_000, 0.1), (9000, 0.4)]),
    "strata that are smaller than the sample": ([(300, 0.95), (40, 0.5)], [(60, 0.2), (900, 0.05), (8, 0.5)]),
}
"""Sizes and shares of wanted figures of kept and of dropped strata."""


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("n", [60, 200])
def test_the_interval_contains_the_true_value_in_about_95_of_100_samples(name: str, n: int) -> None:
    sides = [[(size, round(size * share)) for size, share in side] for side in RUNS[name]]
    kept_wanted, dropped_wanted = (sum(wanted for _, wanted in side) for side in sides)
    true_recall = kept_wanted / (kept_wanted + dropped_wanted)
    true_precision = kept_wanted / sum(size for size, _ in sides[0])
    random = np.random.default_rng(7)
    hits = {"recall": 0, "precision": 0}
    for _ in range(400):
        kept, dropped = (sampled(side, n, random) for side in sides)
        hits["recall"] += covers(recall(kept, dropped), true_recall)
        hits["precision"] += covers(precision(kept), true_precision)
    assert hits["recall"] / 400 >= 0.925 and hits["precision"] / 400 >= 0.925


def test_intervals_are_no_wider_than_they_must_be() -> None:
    """Of two large strata with shares of a half, the interval is right in 93 to 97 of 100 samples."""
    random = np.random.default_rng(3)
    side = [(10**6, 500_000), (10**6, 500_000)]
    found = [recall(sampled(side, 100, random), sampled(side, 100, random)) for _ in range(1000)]
    assert 0.93 <= sum(covers(one, 0.5) for one in found) / 1000 <= 0.97


def sampled(side: list[tuple[int, int]], n: int, random: np.random.Generator) -> list[Tally]:
    """Draws and labels a sample of a side, as `roco audit` allocates it."""
    shares = allocated([size for size, _ in side], n)
    return [
        Tally(size, labelled, int(random.hypergeometric(wanted, size - wanted, labelled)))
        for (size, wanted), labelled in zip(side, shares, strict=True)
    ]


def covers(found: Estimate | None, truth: float) -> bool:
    return found is not None and found.low - 1e-9 <= truth <= found.high + 1e-9
