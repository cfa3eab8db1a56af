from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.models.images import hamming
from roco.models.images.hamming import hex_distance, pairs_within


def by_brute_force(hashes: list[int], radius: int) -> list[tuple[int, int, int]]:
    found = []
    for i, one in enumerate(hashes):
        for j in range(i + 1, len(hashes)):
            if (d := (one ^ hashes[j]).bit_count()) <= radius:
                found.append((i, j, d))
    return found


def pairs(hashes: list[int], radius: int) -> list[tuple[int, int, int]]:
    i, j, d = pairs_within(np.array(hashes, dtype=np.uint64), radius)
    return list(zip(i.tolist(), j.tolist(), d.tolist(), strict=True))


near_hashes = st.builds(
    lambda base, flips: [base ^ sum(1 << b for b in set(f)) for f in flips],
    st.integers(0, 2**64 - 1),
    st.lists(st.lists(st.integers(0, 63), max_size=12), max_size=25),
)


@given(st.lists(near_hashes, max_size=3), st.integers(0, 16))
def test_exactly_the_pairs_within_the_radius_are_found(groups: list[list[int]], radius: int) -> None:
    hashes = list(dict.fromkeys(h for group in groups for h in group))
    assert pairs(hashes, radius) == by_brute_force(hashes, radius)


@pytest.mark.parametrize("hashes", [[], [7]])
def test_fewer_than_two_hashes_have_no_pairs(hashes: list[int]) -> None:
    assert pairs(hashes, 4) == []


def test_candidates_compared_in_small_batches_give_the_same_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hamming, "_CANDIDATES_AT_ONCE", 3)
    hashes = list(range(40))
    assert pairs(hashes, 2) == by_brute_force(hashes, 2)


@pytest.mark.parametrize("radius", [-1, 31])
def test_a_radius_out_of_range_is_an_error(radius: int) -> None:
    with pytest.raises(ValueError, match="0 to 30"):
        pairs_within(np.array([1], dtype=np.uint64), radius)


def test_the_distance_of_two_hashes_is_the_number_of_different_bits() -> None:
    assert hex_distance("ff00", "ff00") == 0
    assert hex_distance("ff00", "0f01") == 5
    assert hex_distance("f" * 144, "0" * 144) == 576
