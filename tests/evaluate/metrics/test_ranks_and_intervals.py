"""Ties count against the right answer; intervals resample whole articles; equal systems do not differ."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from roco.evaluate.metrics import intervals, ranks

NONE = np.zeros(4, bool)


def right(at: int, n: int = 4) -> np.ndarray:
    return np.arange(n) == at


def test_a_constant_score_gives_the_last_rank() -> None:
    assert ranks.pessimistic_rank(np.ones(4), right(0), NONE) == 4
    assert ranks.pessimistic_rank(np.array([3.0, 1, 3, 2]), right(0), NONE) == 2
    assert ranks.pessimistic_rank(np.array([3.0, 1, np.nan, 2]), right(2), NONE) == 4


def test_excluded_candidates_do_not_count() -> None:
    scores = np.array([1.0, 9, 8, 0])
    assert ranks.pessimistic_rank(scores, right(0), right(1)) == 2
    assert math.isnan(ranks.pessimistic_rank(scores, right(0), right(0)))


def test_recall_and_reciprocal_rank() -> None:
    found = np.array([1.0, 5, 6, np.nan])
    assert ranks.recall_at(found, 5)[:3].tolist() == [1, 1, 0]
    assert math.isnan(ranks.recall_at(found, 5)[3])
    assert ranks.reciprocal(found)[:2].tolist() == [1, 0.2]


def test_ndcg_equals_that_of_scikit_learn_without_ties() -> None:
    rng = np.random.default_rng(1)
    for k in (None, 3):
        gain, scores = rng.random(8), rng.permutation(8).astype(float)
        assert ranks.ndcg(scores, gain, np.zeros(8, bool), k) == pytest.approx(ndcg_score([gain], [scores], k=k))
    assert math.isnan(ranks.ndcg(np.ones(4), np.zeros(4), NONE))
    assert ranks.ndcg(np.ones(2), np.array([1.0, 0]), np.zeros(2, bool)) == pytest.approx(1 / math.log2(3))


def test_scores_by_chance_are_the_means_of_random_orders() -> None:
    rng = np.random.default_rng(0)
    drawn = np.array(
        [
            ranks.pessimistic_rank(rng.permutation(20.0 + np.arange(20)), right(3, 20), np.zeros(20, bool))
            for _ in range(4000)
        ]
    )
    chance = ranks.by_chance(np.array([20]), (1, 5))
    assert chance["recall@5"] == 0.25
    assert (drawn <= 5).mean() == pytest.approx(chance["recall@5"], abs=0.03)
    assert (1 / drawn).mean() == pytest.approx(chance["mrr"], abs=0.02)


def test_cosines_are_computed_in_blocks_and_undefined_for_zero_vectors() -> None:
    v = np.array([[1.0, 0], [0, 2], [0, 0]])
    blocks = list(ranks.cosines(v, v, rows=2))
    assert [at for at, _ in blocks] == [0, 2]
    assert blocks[0][1][:, :2].tolist() == [[1, 0], [0, 1]]
    assert np.isnan(blocks[1][1]).all()


def test_the_bootstrap_resamples_whole_articles() -> None:
    values = np.repeat([0.0, 1.0], 50)[:, None]
    alone = intervals.of_means(values, np.arange(100))[0]
    tied = intervals.of_means(values, np.repeat([0, 1], 50))[0]
    assert alone is not None and tied is not None
    assert 0.38 < alone.low < 0.45 < 0.55 < alone.high < 0.62
    assert tied == (0.0, 1.0)
    assert intervals.of_means(values, np.zeros(100, np.int64)) == [None]


def test_the_bootstrap_is_reproducible_for_any_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    values, group = np.random.default_rng(3).random((60, 2)), np.arange(60) // 2
    assert intervals.of_means(values, group) == intervals.of_means(values, group)
    values[::3, 1] = np.nan
    found = intervals.of_means(values, group)[1]
    assert found is not None and found.low < np.nanmean(values[:, 1]) < found.high


def test_a_score_of_sums_has_an_interval() -> None:
    counts = np.array([[1.0, 2.0]] * 5 + [[0.0, 2.0]] * 5)
    found = intervals.of_sums(counts, np.arange(10), lambda sums: sums[:, 0] / sums[:, 1])
    assert found is not None and found.low < 0.25 < found.high


def test_only_different_systems_differ_significantly() -> None:
    rng = np.random.default_rng(0)
    a, group = rng.random(200), np.arange(200)
    same = intervals.compare(a, a, group)
    assert same is not None and same.difference == 0 and same.p == 1.0
    better = intervals.compare(a + 0.1 + rng.normal(0, 0.05, 200), a, group)
    assert better is not None and better.p < 0.001 and better.low > 0.05
    noise = intervals.compare(rng.random(200), a, group)
    assert noise is not None and noise.p > 0.01
    assert intervals.compare(a, a, np.zeros(200, np.int64)) is None


def test_images_of_one_article_are_swapped_together() -> None:
    a, b = np.ones(100), np.zeros(100)
    found = intervals.compare(a, b, np.repeat(np.arange(4), 25))
    assert found is not None and found.p > 0.1  # four articles cannot say more: 2 of 16 ways are as extreme
