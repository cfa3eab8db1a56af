from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.models.images import near as neighbours
from roco.models.images.near import pairs


def brute(hashes: list[int], radius: int) -> list[tuple[int, int, int]]:
    found = []
    for i, one in enumerate(hashes):
        for j in range(i + 1, len(hashes)):
            if (d := (one ^ hashes[j]).bit_count()) <= radius:
                found.append((i, j, d))
    return found


def joined(hashes: list[int], radius: int) -> list[tuple[int, int, int]]:
    i, j, d = pairs(np.array(hashes, dtype=np.uint64), radius)
    return list(zip(i.tolist(), j.tolist(), d.tolist(), strict=True))


near = st.builds(
    lambda base, flips: [base ^ sum(1 << b for b in set(f)) for f in flips],
    st.integers(0, 2**64 - 1),
    st.lists(st.lists(st.integers(0, 63), max_size=12), max_size=25),
)


@given(st.lists(near, max_size=3), st.integers(0, 16))
def test_no_pair_within_the_radius_is_missed_and_none_beyond_it_is_found(groups: list[list[int]], radius: int) -> None:
    hashes = list(dict.fromkeys(h for group in groups for h in group))
    assert joined(hashes, radius) == brute(hashes, radius)


@pytest.mark.parametrize("hashes", [[], [7]])
def test_none_and_one_have_no_neighbour(hashes: list[int]) -> None:
    assert joined(hashes, 4) == []


def test_a_piece_of_candidates_may_be_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_AT_ONCE", 3)
    hashes = list(range(40))
    assert joined(hashes, 2) == brute(hashes, 2)


def test_a_radius_is_a_number_of_bits() -> None:
    with pytest.raises(ValueError, match="0 to 30"):
        pairs(np.array([1], dtype=np.uint64), 65)
