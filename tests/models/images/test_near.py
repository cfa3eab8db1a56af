"""Images that are close in both hashes are those of comparing all with all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.models.images import near
from roco.models.images.near import WORDS, FineHashes, first_equal, near_pairs

BITS = st.lists(st.integers(0, 5), max_size=3)
HASHES = st.lists(st.tuples(BITS, BITS), max_size=12)


def hashes_of(bits: list[Any]) -> tuple[list[int], list[int]]:
    """Returns two hashes of each image, with some bits set."""
    coarse, fine = ([sum({1 << 11 * bit for bit in some}) for some in column] for column in zip(*bits, strict=True))
    return coarse, fine


def fine_hashes(fine: list[int]) -> FineHashes:
    """The hashes as texts in two chunks of a table, whose rows are in the opposite order."""
    texts = [f"{value:0144x}" for value in reversed(fine)]
    column = pa.chunked_array([texts[:3], texts[3:]], pa.string())
    return FineHashes(column, np.arange(len(fine))[::-1])


@pytest.fixture(params=[1, 2, 1000], autouse=True)
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "_ROWS_AT_ONCE", request.param)
    monkeypatch.setattr(near, "_PAIRS_AT_ONCE", request.param)


@given(HASHES.filter(len))
def test_pairs_within_both_radii_are_found_and_each_once(bits: list[Any]) -> None:
    coarse, fine = hashes_of(bits)
    expected = []
    for first in range(len(bits)):
        for second in range(first + 1, len(bits)):
            distances = [(column[first] ^ column[second]).bit_count() for column in (coarse, fine)]
            if distances[0] <= 2 and distances[1] <= 3:
                expected.append((first, second, *distances))
    found = near_pairs(np.array(coarse, np.uint64), fine_hashes(fine), 2, 3)
    assert list(zip(*(column.tolist() for column in found), strict=True)) == expected


@given(HASHES.filter(len))
def test_the_first_image_with_the_same_hashes_is_found(bits: list[Any]) -> None:
    coarse, fine = hashes_of(bits)
    both = list(zip(coarse, fine, strict=True))
    assert first_equal(np.array(coarse, np.uint64), fine_hashes(fine)).tolist() == [both.index(one) for one in both]


def test_the_second_hash_is_parsed_only_for_images_that_are_close_in_the_first() -> None:
    texts = pa.chunked_array([["0" * 144, "this is no hash", "1" * 144]])
    fine = FineHashes(texts, np.arange(3))
    hashes = np.array([0, 2**40 - 1, 1], np.uint64)
    assert first_equal(hashes, fine).tolist() == [0, 1, 2]
    assert near_pairs(hashes, fine, 2, 64 * WORDS).first.tolist() == [0]


def test_no_images_have_no_pairs() -> None:
    none = FineHashes(pa.chunked_array([], pa.string()), np.arange(0))
    assert len(first_equal(np.empty(0, np.uint64), none)) == len(near_pairs(np.empty(0, np.uint64), none, 8, 8)[0]) == 0
