"""Bins of features: the thresholds that scikit-learn would choose, and codes that compare as the values do."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble._hist_gradient_boosting.binning import _find_binning_thresholds

from roco.baselines.bins import MOST, binned, edges


@pytest.mark.parametrize("kind", ["continuous", "few values", "one value", "mostly one value"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_edges_are_those_of_scikit_learn(kind: str, weighted: bool) -> None:
    rng = np.random.default_rng(0)
    values = {
        "continuous": rng.normal(size=2000),
        "few values": rng.integers(0, 9, 2000).astype(np.float64),
        "one value": np.full(2000, 3.0),
        "mostly one value": np.where(rng.random(2000) < 0.8, 0.0, rng.normal(size=2000)),
    }[kind]
    weights = rng.choice([0.7, 1.9], 2000) if weighted else np.ones(2000)
    assert np.array_equal(edges(values, weights), _find_binning_thresholds(values, MOST, weights))


def test_a_value_is_at_most_an_edge_where_its_code_is_at_most_the_bin() -> None:
    features = np.random.default_rng(0).normal(size=(900, 2)).astype(np.float32)
    codes, of_columns = binned(features, np.ones(900))
    assert len(np.unique(codes[:, 0])) <= MOST
    for column, of_column in enumerate(of_columns):
        for place in (0, 100, len(of_column) - 1):
            assert np.array_equal(features[:, column] <= of_column[place], codes[:, column] <= place)
