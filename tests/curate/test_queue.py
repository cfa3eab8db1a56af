"""The order of figures: doubt, spread, double labels, checks."""

from __future__ import annotations

import numpy as np

from roco.curate import queue


def test_the_most_doubtful_figures_come_first() -> None:
    margin = np.array([0.98, 0.2, np.nan, 0.8])
    has_guess, disagrees = np.array([True, True, False, True]), np.array([False, False, False, True])
    doubts = queue.doubt(margin, np.full(4, 0.99), has_guess, disagrees)
    assert np.allclose(doubts, [0.02, 0.8, 1.0, 1.2])
    assert queue.by_doubt(doubts, np.zeros(4, np.int64), "s").tolist() == [3, 2, 1, 0]


def test_of_two_guesses_of_one_probability_that_with_the_closer_second_is_more_doubtful() -> None:
    both = np.array([True, True])
    first, second = queue.doubt(np.array([0.4, 0.1]), np.array([0.6, 0.6]), both, ~both)
    assert second > first


def test_without_a_margin_the_probability_is_used_and_without_both_one_half() -> None:
    has_guess = np.array([True, True])
    doubts = queue.doubt(np.full(2, np.nan), np.array([0.9, np.nan]), has_guess, ~has_guess)
    assert np.allclose(doubts, [0.1, 0.5])


def test_figures_of_one_cluster_are_not_in_a_row() -> None:
    clusters = np.array([0] * 50 + [1] * 50)
    order = queue.by_doubt(np.ones(100), clusters, "s")
    assert sorted(order.tolist()) == list(range(100))
    assert all(set(pair) == {0, 1} for pair in clusters[order].reshape(50, 2).tolist())


def test_the_spread_never_moves_a_figure_out_of_its_band_of_doubt() -> None:
    n = 3 * queue.BAND
    order = queue.by_doubt(np.linspace(1, 0, n), np.arange(n) % 7, "s")
    assert set(order[: queue.BAND].tolist()) == set(range(queue.BAND))


def test_like_embeddings_are_in_one_cluster() -> None:
    rng = np.random.default_rng(3)
    one, other = rng.standard_normal((2, 300)).astype(np.float32)
    noise = rng.standard_normal((400, 300)).astype(np.float32) * 0.01
    points = np.concatenate([one + noise[:200], other + noise[200:]])
    clusters = queue.clustered([points[:300], points[300:]])
    assert len(set(clusters.tolist())) <= queue.CLUSTERS
    assert not set(clusters[:200].tolist()) & set(clusters[200:].tolist())


def test_embeddings_are_compared_as_seen_from_their_mean() -> None:
    rng = np.random.default_rng(4)
    common, kind = rng.standard_normal((2, 300))
    strength = np.concatenate([np.full(4, 0.05), np.linspace(1, 3, 196)])
    sides = np.concatenate([strength, -strength])  # a weak one is closer to the weak ones of the other kind
    points = 50 * common + sides[:, None] * kind + rng.standard_normal((400, 300)) / 1000
    points[7] = 0  # one is missing
    for seed in range(20):
        clusters = queue.clustered([points.astype(np.float32)], seed)
        assert not set(np.delete(clusters[:200], 7).tolist()) & set(clusters[200:].tolist())


def test_a_tenth_of_the_images_is_labelled_twice_and_the_same_tenth_in_a_larger_run() -> None:
    keys = [f"k{number}" for number in range(4000)]
    some = queue.drawn(keys[:2000], "curated", 0.1)
    assert 0.08 < some.mean() < 0.12
    assert (queue.drawn(keys, "curated", 0.1)[:2000] == some).all()
    assert not (queue.drawn(keys[:2000], "another round", 0.1) == some).all()
    assert queue.drawn(keys, "curated", 1.0).all()


def test_a_second_annotator_is_asked_only_what_two_people_label() -> None:
    nobody = np.array([False, False, False, False])
    due = queue.due(nobody, np.array([0, 1, 1, 2]), np.array([False, False, True, True]))
    assert due.tolist() == [True, False, True, False]


def test_one_page_in_twenty_has_checks() -> None:
    assert [page for page in range(60) if queue.is_check(page * 40, 40)] == [19, 39, 59]
