"""Ties count against the right answer; intervals resample whole articles; equal systems do not differ."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, ndcg_score

from roco.base import bootstrap
from roco.evaluate.metrics import ranks

NONE = np.zeros(4, bool)


def right(at: int, n: int = 4) -> np.ndarray:
    return np.arange(n) == at


def rank(scores: list[float], right: np.ndarray, excluded: np.ndarray = NONE) -> float:
    return ranks.first_rank(ranks.ranked(np.array(scores), right.astype(float), excluded) > 0)


def test_a_constant_score_gives_the_last_rank() -> None:
    assert rank([1.0] * 4, right(0)) == 4
    assert rank([3.0, 1, 3, 2], right(0)) == 2
    assert rank([3.0, 1, float("nan"), 2], right(2)) == 4


def test_excluded_candidates_do_not_count() -> None:
    assert rank([1.0, 9, 8, 0], right(0), right(1)) == 2
    assert math.isnan(rank([1.0, 9, 8, 0], right(0), right(0)))


def test_ndcg_equals_that_of_scikit_learn_without_ties() -> None:
    rng = np.random.default_rng(1)
    for k in (None, 3):
        gain, scores = rng.random(8), rng.permutation(8).astype(float)
        ranked = ranks.ranked(scores, gain, np.zeros(8, bool))
        assert ranks.ndcg(ranked, k) == pytest.approx(ndcg_score([gain], [scores], k=k))
    assert math.isnan(ranks.ndcg(np.zeros(4)))
    assert ranks.ndcg(ranks.ranked(np.ones(2), np.array([1.0, 0]), np.zeros(2, bool))) == 1 / math.log2(3)


def test_average_precision_equals_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    for n_right in (1, 3, 8):
        relevant, scores = np.arange(8) < n_right, rng.permutation(8).astype(float)
        ranked = ranks.ranked(scores, relevant.astype(float), np.zeros(8, bool))
        assert ranks.average_precision(ranked > 0) == pytest.approx(average_precision_score(relevant, scores))
    assert math.isnan(ranks.average_precision(np.zeros(3, bool)))


def test_precision_and_mean_gain_divide_by_k_even_if_fewer_candidates_exist() -> None:
    right = np.array([True, False, True])
    assert [ranks.precision_at(right, k) for k in (1, 2, 3, 10)] == [1, 0.5, 2 / 3, 0.2]
    assert ranks.mean_gain(np.array([0.5, 1.0, 0.25]), 2) == 0.75
    assert math.isnan(ranks.precision_at(~right & right, 1)) and math.isnan(ranks.mean_gain(np.zeros(3), 1))


@pytest.mark.parametrize(("pool", "n_right"), [(20, 1), (7, 3), (5, 5), (1, 1)])
def test_scores_by_chance_are_the_means_of_random_orders(pool: int, n_right: int) -> None:
    rng = np.random.default_rng(0)
    drawn = [rng.permutation(np.arange(pool) < n_right) for _ in range(4000)]
    first = np.array([ranks.first_rank(right) for right in drawn])
    chance = ranks.by_chance(pool, n_right)
    for k in (1, min(3, pool)):
        assert (first <= k).mean() == pytest.approx(chance.recall[k - 1], abs=0.03)
    assert (1 / first).mean() == pytest.approx(chance.mrr, abs=0.02)
    assert first.mean() == pytest.approx(chance.median_rank, abs=0.3)
    precisions = [ranks.average_precision(right) for right in drawn]
    assert np.mean(precisions) == pytest.approx(chance.average_precision, abs=0.02)
    gains = [ranks.dcg(right.astype(float)) for right in drawn]
    assert np.mean(gains) == pytest.approx(n_right * chance.discount, abs=0.02)


def test_cosines_are_computed_in_blocks_and_undefined_for_zero_vectors() -> None:
    v = np.array([[1.0, 0], [0, 2], [0, 0]])
    blocks = list(ranks.cosines(v, v, rows=2))
    assert [at for at, _ in blocks] == [0, 2]
    assert blocks[0][1][:, :2].tolist() == [[1, 0], [0, 1]]
    assert np.isnan(blocks[1][1]).all()


def test_the_bootstrap_resamples_whole_articles() -> None:
    values = np.repeat([0.0, 1.0], 50)[:, None]
    alone = bootstrap.of_means(values, np.arange(100))[0]
    tied = bootstrap.of_means(values, np.repeat([0, 1], 50))[0]
    assert alone is not None and tied is not None
    assert 0.38 < alone.low < 0.45 < 0.55 < alone.high < 0.62
    assert tied == (0.0, 1.0)
    assert bootstrap.of_means(values, np.zeros(100, np.int64)) == [None]


def test_the_bootstrap_is_reproducible_for_any_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    values, group = np.random.default_rng(3).random((60, 2)), np.arange(60) // 2
    assert bootstrap.of_means(values, group) == bootstrap.of_means(values, group)
    values[::3, 1] = np.nan
    found = bootstrap.of_means(values, group)[1]
    assert found is not None and found.low < np.nanmean(values[:, 1]) < found.high


def test_a_score_of_sums_has_an_interval() -> None:
    counts = np.array([[1.0, 2.0]] * 5 + [[0.0, 2.0]] * 5)
    found = bootstrap.of_sums(counts, np.arange(10), lambda sums: sums[:, 0] / sums[:, 1])
    assert found is not None and found.low < 0.25 < found.high


def test_only_different_systems_differ_significantly() -> None:
    rng = np.random.default_rng(0)
    a, group = rng.random(200), np.arange(200)
    same = bootstrap.compare(a, a, group)
    assert same is not None and same.difference == 0 and same.p == 1.0
    better = bootstrap.compare(a + 0.1 + rng.normal(0, 0.05, 200), a, group)
    assert better is not None and better.p < 0.001 and better.low > 0.05
    noise = bootstrap.compare(rng.random(200), a, group)
    assert noise is not None and noise.p > 0.01
    assert bootstrap.compare(a, a, np.zeros(200, np.int64)) is None


def test_images_of_one_article_are_swapped_together() -> None:
    a, b = np.ones(100), np.zeros(100)
    found = bootstrap.compare(a, b, np.repeat(np.arange(4), 25))
    assert found is not None and found.p > 0.1  # four articles cannot say more: 2 of 16 ways are as extreme
