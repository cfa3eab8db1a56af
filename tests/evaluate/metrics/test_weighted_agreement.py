"""Kappa of a stratified sample, weighted to all images."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.evaluate.metrics import agreement
from roco.evaluate.metrics.weighted_agreement import weighted_kappa

PAIRS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=3, max_size=60)


@given(PAIRS, st.floats(0.1, 1000))
def test_equal_weights_give_the_kappa_of_table_7(pairs: list[tuple[str, str]], weight: float) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    found = weighted_kappa(first, second, [weight] * len(pairs), [""] * len(pairs))
    plain = agreement.kappa(agreement.confusion(first, second, agreement.labels_of(first, second)))
    if math.isnan(plain.value):
        assert math.isnan(found.value) and found.reason == plain.reason
        return
    assert found.value == pytest.approx(plain.value, abs=1e-9)
    n = len(pairs)
    assert found.se == pytest.approx(plain.se * math.sqrt(n / (n - 1)), abs=1e-6)


@given(PAIRS)
def test_a_weight_of_two_counts_as_two_images(pairs: list[tuple[str, str]]) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    weights = [1 + number % 2 for number in range(len(pairs))]
    found = weighted_kappa(first, second, weights, [""] * len(pairs))
    repeated = [pair for pair, weight in zip(pairs, weights, strict=True) for _ in range(weight)]
    a, b = [x for x, _ in repeated], [y for _, y in repeated]
    plain = agreement.kappa(agreement.confusion(a, b, agreement.labels_of(a, b)))
    assert found.value == pytest.approx(plain.value, abs=1e-9, nan_ok=True)


def test_the_interval_of_a_stratified_sample_covers_kappa_of_all_images() -> None:
    """400 samples of 200 from 20,000 images with a rare label, half of each sample from it."""
    rng = np.random.default_rng(5)
    truth = np.where(rng.random(20_000) < 0.05, "rare", "common")
    wrong = rng.random(20_000) < np.where(truth == "rare", 0.3, 0.08)
    other = np.where(wrong, np.where(truth == "rare", "common", "rare"), truth)
    names = ["common", "rare"]
    whole = agreement.kappa(agreement.confusion(truth.tolist(), other.tolist(), names)).value
    members = {name: np.flatnonzero(truth == name) for name in names}
    covered = plain_covered = 0
    for _ in range(400):
        drawn = {name: rng.choice(members[name], 100, replace=False) for name in names}
        rows = np.concatenate(list(drawn.values()))
        weights = np.concatenate([np.full(100, len(members[name]) / 100) for name in names])
        first, second = truth[rows].tolist(), other[rows].tolist()
        found = weighted_kappa(first, second, weights.tolist(), first)
        covered += found.low <= whole <= found.high
        plain = agreement.kappa(agreement.confusion(first, second, names))
        plain_covered += plain.low <= whole <= plain.high
    assert 0.91 < covered / 400 < 0.98
    assert plain_covered / 400 < 0.5  # the sample has another share of the rare label than all images


def test_what_is_undefined_has_a_reason() -> None:
    assert weighted_kappa([], [], [], []).reason == "no image has both labels"
    assert weighted_kappa(["a"], ["a"], [2], [""]).reason == "both raters used the same single label"
