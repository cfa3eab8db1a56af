"""Flags alone select by pyarrow what their SQL selects in DuckDB."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.release.read import Release
from roco.release.select import engine
from roco.release.select.flag_mask import is_plain, mask_of
from roco.release.select.flags import SelectOptions, query

pytest.importorskip("duckdb", reason="pip install '.[select]'")

TEXTS: dict[str, tuple[str | None, ...]] = {
    "modality": ("DRCT", "DRMR", None), "region": ("chest", None), "direction": ("sagittal", None),
    "license": ("CC-BY", "CC-BY-NC", "CC0", "it's", None), "split": ("train", "test"), "language": ("en", "", None),
}  # fmt: skip
ROWS = 80


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    rng = np.random.default_rng(11)

    def drawn(values: tuple[Any, ...]) -> list[Any]:
        return [values[at] for at in rng.integers(len(values), size=ROWS)]

    columns: dict[str, Any] = {name: pa.array(drawn(values), pa.string()) for name, values in TEXTS.items()}
    columns["id"] = pa.array([f"row_{number}" for number in range(ROWS)])
    columns["year"] = pa.array(drawn((1999, 2018, 2019, 2020, None)), pa.int32())
    folder = tmp_path_factory.mktemp("release")
    pq.write_table(pa.table(columns), folder / "figures.parquet")
    return Release(folder, published=False)


def some(name: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from([value for value in TEXTS[name] if value is not None]), max_size=3)


@given(
    st.fixed_dictionaries({name: some(name) for name in TEXTS}),
    st.lists(st.sampled_from(["2018", "2019-", "-2018", "2018-2019", "1999-2020"]), max_size=3),
    st.booleans(),
)
def test_plain_flags_select_what_their_sql_selects(
    release: Release, texts: dict[str, list[str]], years: list[str], commercial: bool
) -> None:
    flags = SelectOptions(**texts, year=years, commercial=commercial)  # type: ignore[arg-type]
    assert is_plain(flags)
    reads = [*TEXTS, "year"]
    table, by_sql = engine.mask(release, query(flags, None, "id"), None, reads, ())
    assert mask_of(table, flags).to_pylist() == by_sql.to_pylist()


@pytest.mark.parametrize(
    "flags", [{"where": "true"}, {"concept": "C0040405"}, {"one_per_article": True}, {"sample": 3}]
)
def test_other_flags_are_left_to_sql(flags: dict[str, Any]) -> None:
    assert not is_plain(SelectOptions(**flags))


def test_an_empty_table_is_an_empty_selection(release: Release) -> None:
    table = release.table().slice(0, 0)
    assert mask_of(table, SelectOptions(split="train", year="2018")).to_pylist() == []
    assert mask_of(table, SelectOptions()).to_pylist() == []
