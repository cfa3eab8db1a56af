from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roco.base import lists

CUIS = st.lists(st.one_of(st.none(), st.lists(st.sampled_from(["C1", "C2", "C3"]), max_size=4)), max_size=9)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CUIS, st.integers(1, 4))
def test_values_are_counted_and_chosen_list_by_list_whatever_their_blocks(
    monkeypatch: pytest.MonkeyPatch, rows: list[list[str] | None], at_once: int
) -> None:
    monkeypatch.setattr(lists, "_AT_ONCE", at_once)
    column = pa.chunked_array([rows[:3], rows[3:]], pa.list_(pa.string()))
    distinct = lists.texts(column)
    counts = Counter(cui for row in rows for cui in set(row or ()))
    assert dict(zip(distinct.to_pylist(), lists.n_rows(column, distinct).tolist(), strict=True)) == counts

    def is_chosen(values: lists.Values) -> np.ndarray:
        return (values.rows % 2 == 0) & (distinct.take(pa.array(values.numbers)).to_numpy(False) != "C2")

    chosen = lists.chosen(column, distinct, is_chosen)
    expected = [[cui for cui in row or () if number % 2 == 0 and cui != "C2"] for number, row in enumerate(rows)]
    assert chosen.to_pylist() == expected and chosen.type == column.type
    assert lists.empty(chosen).to_pylist() == [not row for row in expected]
