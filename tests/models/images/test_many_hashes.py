"""Pairs of many hashes are those of comparing all with all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.models.images import hamming, many_hashes
from roco.models.images.hamming import pairs_within
from roco.models.images.many_hashes import LARGEST_RADIUS, pairs_of_many

ONE = np.uint64(1)


def clustered(n: int, flips: int, seed: int) -> np.ndarray:
    """Returns distinct hashes: a tenth are new, the others copies with flipped bits, most of them in few places."""
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, max(1, n // 10), dtype=np.uint64)[rng.integers(0, max(1, n // 10), n)]
    for _ in range(flips):
        bits = rng.integers(0, rng.choice([6, 64]), n).astype(np.uint64)
        hashes = np.where(rng.random(n) < 0.7, hashes ^ (ONE << bits), hashes)
    return np.unique(hashes)


def by_all(hashes: np.ndarray, radius: int) -> set[tuple[int, int, int]]:
    distances = np.bitwise_count(hashes[:, None] ^ hashes[None, :])
    i, j = np.nonzero(np.triu(distances <= radius, 1))
    return set(zip(i.tolist(), j.tolist(), distances[i, j].tolist(), strict=True))


@pytest.fixture(params=[1, 7, 1_000_000], autouse=True)
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_hashes, "_ROWS_AT_ONCE", request.param)
    monkeypatch.setattr(many_hashes, "_CANDIDATES_AT_ONCE", request.param)


@given(st.integers(0, 60), st.integers(0, 12), st.integers(0, 2**32), st.integers(0, 8))
def test_all_pairs_within_a_radius_are_found_and_each_once(n: int, flips: int, seed: int, radius: int) -> None:
    hashes = clustered(n, flips, seed)
    i, j, distances = pairs_of_many(hashes, radius)
    found = list(zip(i.tolist(), j.tolist(), distances.tolist(), strict=True))
    assert len(found) == len(set(found)) and set(found) == by_all(hashes, radius)


@pytest.mark.parametrize("bits", range(LARGEST_RADIUS + 1))
@pytest.mark.parametrize("part", [0, 1, 2, None])
def test_pairs_at_exactly_the_radius_are_found_wherever_their_bits_are(bits: int, part: int | None) -> None:
    """The bits are all in one of the three parts, or spread over all of them."""
    places = range(bits) if part is None else range(part, part + 3 * bits, 3)
    hashes = np.unique(np.array([0, sum(1 << place for place in places)], np.uint64))
    if len(hashes) == 2:
        assert [int(values[0]) for values in pairs_of_many(hashes, bits)] == [0, 1, bits]
        assert len(pairs_of_many(hashes, max(0, bits - 1))[0]) == (bits == 0)


def test_few_and_many_hashes_give_the_same_pairs_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = clustered(3000, 6, 1)
    monkeypatch.setattr(many_hashes, "_ROWS_AT_ONCE", 1000)
    monkeypatch.setattr(many_hashes, "_CANDIDATES_AT_ONCE", 1000)
    few = pairs_within(hashes, 8)
    monkeypatch.setattr(hamming, "MANY", 0)
    many = pairs_within(hashes, 8)
    assert len(few[0]) > 1000
    assert all((one == other).all() and one.dtype == other.dtype for one, other in zip(few, many, strict=True))
