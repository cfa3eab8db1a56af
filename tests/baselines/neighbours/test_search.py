"""The search is exact, deterministic where vectors are equal, and leaves out the article of a query."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from roco.baselines.neighbours import search
from roco.baselines.neighbours.search import nearest, unit


def drawn(n: int, seed: int = 0, width: int = 24) -> np.ndarray:
    return unit(np.random.default_rng(seed).standard_normal((n, width), np.float32))


@pytest.mark.parametrize("k", [1, 7, 90])
def test_the_neighbours_are_those_of_scikit_learn(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    index, queries = drawn(90), drawn(40, seed=1)
    expected = NearestNeighbors(n_neighbors=k, algorithm="brute", metric="cosine").fit(index).kneighbors(queries)
    monkeypatch.setattr(search, "BLOCK_BYTES", 4 * 90 * 7)  # blocks of 7 queries
    found = nearest(queries, index, k)
    assert found.positions.tolist() == expected[1].tolist()
    np.testing.assert_allclose(found.similarities, 1 - expected[0], atol=1e-5)


def test_equally_near_ones_are_in_the_order_of_the_index_whatever_the_block() -> None:
    once = drawn(13)
    index = np.concatenate([once, once, once])
    queries = np.concatenate([once, drawn(200, seed=1)])
    found = nearest(queries, index, 5)
    # The three copies of each vector are next to each other, the first one first.
    for row, positions in enumerate(found.positions[:13].tolist()):
        assert positions[:3] == [row, row + 13, row + 26]
    for positions, similarities in zip(found.positions, found.similarities, strict=True):
        order = sorted(zip((-similarities).tolist(), positions.tolist(), strict=True))
        assert [position for _, position in order] == positions.tolist()


def test_the_result_does_not_depend_on_the_size_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    index, queries = drawn(300, width=129), drawn(50, seed=1, width=129)
    whole = nearest(queries, index, 9)
    for rows in (1, 3, 50):
        monkeypatch.setattr(search, "BLOCK_BYTES", 4 * 300 * rows)
        found = nearest(queries, index, 9)
        assert found.positions.tobytes() == whole.positions.tobytes()
        assert found.similarities.tobytes() == whole.similarities.tobytes()


def test_images_of_the_article_of_a_query_are_no_neighbours_of_it() -> None:
    index, articles = drawn(6), np.array([0, 0, 1, 1, 2, 2])
    found = nearest(index, index, 6, query_articles=articles, index_articles=articles)
    for row, positions in enumerate(found.positions.tolist()):
        kept = [position for position in positions if position != search.NOBODY]
        assert len(kept) == 4 and all(articles[position] != articles[row] for position in kept)
        assert found.similarities[row, 4:].tolist() == [0, 0]
    of_nobody = np.full(6, search.NOBODY)
    found = nearest(index, index, 1, query_articles=of_nobody, index_articles=articles)
    assert found.positions[:, 0].tolist() == [0, 1, 2, 3, 4, 5]


def test_more_neighbours_than_images_are_all_images_and_no_query_has_no_neighbours() -> None:
    assert nearest(drawn(2), drawn(3, seed=1), 10).positions.shape == (2, 3)
    assert nearest(drawn(2), drawn(3)[:0], 10).positions.shape == (2, 0)
    assert nearest(drawn(3)[:0], drawn(3), 2).positions.shape == (0, 2)


def test_vectors_have_length_1_after_the_centre_is_subtracted_and_zeros_stay_zeros() -> None:
    values = unit(np.array([[3, 4], [1, 1], [0, 0]], np.float16))
    np.testing.assert_allclose(values, [[0.6, 0.8], [2**-0.5, 2**-0.5], [0, 0]], rtol=1e-6)
    centred = unit(np.array([[3, 4], [1, 1]], np.float16), np.array([1, 1], np.float32))
    np.testing.assert_allclose(centred, [[2 / 13**0.5, 3 / 13**0.5], [0, 0]], rtol=1e-6)
