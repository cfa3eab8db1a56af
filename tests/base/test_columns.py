from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base import columns
from roco.base.columns import NONE, codes, components, first_of, runs, taken, taken_by_chunks

TEXTS = st.lists(st.lists(st.sampled_from(["a", "b", "é", "", None]), max_size=4), max_size=4)


@given(TEXTS)
def test_texts_have_equal_codes_if_and_only_if_they_are_equal(
    chunks: list[list[str | None]],
) -> None:
    texts = [text for chunk in chunks for text in chunk]
    found = codes(pa.chunked_array(chunks, pa.string())).tolist()
    assert [code == NONE for code in found] == [not text for text in texts]
    for text, code in zip(texts, found, strict=True):
        assert [one == code for one in found] == [(one or "") == (text or "") for one in texts]


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20))
def test_components_are_the_places_that_can_be_reached(pairs: list[tuple[int, int]]) -> None:
    reached = {place: {place} for place in range(12)}
    for _ in range(12):
        for one, other in pairs:
            both = reached[one] | reached[other]
            for place in both:
                reached[place] = both
    first, second = np.array(pairs, np.int64).reshape(-1, 2).T
    assert components(12, first, second).tolist() == [min(reached[place]) for place in range(12)]


def test_a_long_chain_is_one_component() -> None:
    n = 100_000
    order = np.random.default_rng(1).permutation(n)
    assert not components(n, order[1:], order[:-1]).any()


@given(st.lists(st.integers(NONE, 4), max_size=9))
def test_first_of_and_runs_divide_numbers_by_value(numbers: list[int]) -> None:
    assert first_of(np.array(numbers, np.int64)).tolist() == [
        NONE if one == NONE else numbers.index(one) for one in numbers
    ]
    bounds = runs(np.sort(numbers)).tolist() if numbers else [0]
    assert len(bounds) == len(set(numbers)) + 1 and bounds[-1] == len(numbers)


def test_values_at_no_place_are_null() -> None:
    values = pa.chunked_array([["a"], ["b"]])
    assert taken(values, np.array([1, NONE, 0])).to_pylist() == ["b", None, "a"]


@pytest.mark.parametrize(("at_once", "joined"), [(1, -1), (3, -1), (1000, -1), (1000, 1000)])
def test_values_are_taken_from_many_chunks(at_once: int, joined: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "_TAKEN_AT_ONCE", at_once)
    monkeypatch.setattr(columns, "_JOINED", joined)
    values = pa.chunked_array([["a", None], [], ["c"], ["d", "e"]], pa.string())
    places = np.array([4, NONE, 0, 2, 1, 3, NONE, 4])
    assert taken_by_chunks(values, places).to_pylist() == ["e", None, "a", "c", None, "d", None, "e"]
    assert taken_by_chunks(values, places[:0]).to_pylist() == []
    assert taken_by_chunks(pa.chunked_array([], pa.string()), np.array([NONE])).to_pylist() == [None]


def test_values_are_taken_from_more_than_two_gigabytes_of_text() -> None:
    chunk = pa.array(["a" * 2**26, "b"])
    values = pa.chunked_array([chunk] * 33)
    assert taken_by_chunks(values, np.array([65, 1])).to_pylist() == ["b", "b"]
