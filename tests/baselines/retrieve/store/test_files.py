"""The default store: filters and concepts are exact, and duplicates are those of the stage `dedup`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.errors import DataError
from roco.base.licenses import COMMERCIAL_LICENSES
from roco.baselines.retrieve.concept_query import ConceptQuery
from roco.baselines.retrieve.hits import COLUMNS
from roco.baselines.retrieve.store import files
from roco.baselines.retrieve.store.store import IMAGE, Fingerprint, Restriction
from roco.release.select.flags import SelectOptions

pytest.importorskip("duckdb", reason="pip install '.[select]'")

CUIS = ("C0000001", "C0000002", "C0000003")
VALUES: dict[str, tuple[str | None, ...]] = {
    "split": ("train", "valid", "test"),
    "modality": ("DRCT", "DRMR", None),
    "region": ("chest", "knee", None),
    "license": ("CC-BY", "CC-BY-NC", "CC0"),
}
ROWS = 60


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """Rows with every combination of values that chance gives."""
    rng = np.random.default_rng(7)

    def drawn(values: tuple[Any, ...]) -> list[Any]:
        return [values[at] for at in rng.integers(len(values), size=ROWS)]

    columns: dict[str, Any] = {name: pa.array(drawn(values), pa.string()) for name, values in VALUES.items()}
    columns |= {
        "id": [f"row_{number:03}" for number in range(ROWS)],
        "caption": pa.array([f"caption {number}" for number in range(ROWS)]),
        "concepts": pa.array([[cui for cui in CUIS if rng.random() < 0.5] for _ in range(ROWS)], pa.list_(pa.string())),
        "article_key": [f"PMC{number // 3}" for number in range(ROWS)],
        "year": pa.array(drawn((2018, 2019, 2020, None)), pa.int32()),
        "sha256": [f"{number:064x}" for number in range(ROWS)],
        "phash": pa.array([None if number % 5 == 0 else f"{1 << number:016x}" for number in range(ROWS)]),
        "phash_fine": pa.array([None if number % 5 == 0 else f"{number:0144x}" for number in range(ROWS)]),
    }
    missing = [name for name in COLUMNS if name not in columns]
    return pa.table(columns | {name: pa.array([""] * ROWS, pa.string()) for name in missing})


@pytest.fixture(scope="module")
def store(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> files.FileStore:
    folder = tmp_path_factory.mktemp("store")
    vectors = np.random.default_rng(3).normal(size=(ROWS, 8)).astype(np.float16)
    vectors[4] = 0
    files.write(folder, table, dict.fromkeys(CUIS, "name"), table["caption"].to_pylist(), {IMAGE: vectors})
    return files.FileStore(folder, frozenset([IMAGE]))


def some(name: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from([value for value in VALUES[name] if value]), max_size=2)


OPTIONS = st.fixed_dictionaries(
    {name: some(name) for name in VALUES}
    | {
        "commercial": st.booleans(),
        "year": st.lists(st.sampled_from(["2018", "2019-", "-2018", "2018-2019"]), max_size=2),
        "where": st.sampled_from([None, "year IS NULL", "caption LIKE '%1%' OR split = 'test'"]),
    }
)


def right(table: pa.Table, options: dict[str, Any]) -> set[str]:
    """Returns the ids that filters select, computed by pyarrow."""
    mask = pa.array([True] * len(table))
    for name in VALUES:
        if options[name]:
            mask = pc.and_(mask, pc.is_in(table[name], pa.array(options[name])))
    if options["commercial"]:
        mask = pc.and_(mask, pc.is_in(table["license"], pa.array(COMMERCIAL_LICENSES)))
    if options["year"]:
        ranges = {"2018": (2018, 2018), "2019-": (2019, 9999), "-2018": (0, 2018), "2018-2019": (2018, 2019)}
        of_years = pa.array([False] * len(table))
        for first, last in (ranges[year] for year in options["year"]):
            within = pc.and_(pc.greater_equal(table["year"], first), pc.less_equal(table["year"], last))
            of_years = pc.or_(of_years, pc.fill_null(within, False))
        mask = pc.and_(mask, of_years)
    if options["where"] == "year IS NULL":
        mask = pc.and_(mask, pc.is_null(table["year"]))
    elif options["where"]:
        has_one = pc.match_substring(table["caption"], "1")
        mask = pc.and_(mask, pc.or_(has_one, pc.equal(table["split"], "test")))
    return set(table.filter(mask)["id"].to_pylist())


@given(OPTIONS)
def test_filters_admit_exactly_the_rows_that_pyarrow_selects(
    store: files.FileStore, table: pa.Table, options: dict[str, Any]
) -> None:
    restriction = Restriction(filters=SelectOptions(**options))
    found = store.by_words("caption", ROWS, restriction)
    assert {row["id"] for row in store.rows([row for row, _ in found])} == right(table, options)
    near = store.by_vector(store.vectors([1])[0], ROWS, restriction)
    assert {row["id"] for row in store.rows([row for row, _ in near])} == right(table, options) - {"row_004"}


@given(st.sampled_from(["C0000001", "C0000001 AND NOT C0000002", "C0000003 OR C0000001", "NOT C0000002"]))
def test_concepts_admit_exactly_the_rows_that_have_them_ranked_by_jaccard(store: files.FileStore, text: str) -> None:
    query = ConceptQuery.parsed(text, store.names)
    rows = store.rows(range(ROWS))
    wanted = set(query.wanted)
    right = {}
    for number, row in enumerate(rows):
        has = {cui: np.array([cui in row["concepts"]]) for cui in CUIS}
        if query.holds(has.__getitem__)[0]:
            right[number] = len(wanted & set(row["concepts"])) / max(1, len(wanted | set(row["concepts"])))
    found = store.by_concepts(ROWS, Restriction(concepts=query))
    assert found == sorted(right.items(), key=lambda one: (-one[1], one[0]))


def test_articles_and_ids_are_excluded(store: files.FileStore) -> None:
    restriction = Restriction(not_articles=frozenset(["PMC0", "unknown"]), not_ids=frozenset(["row_010", "unknown"]))
    rows = [row for row, _ in store.by_words("caption", ROWS, restriction)]
    assert set(range(ROWS)) - set(rows) == {0, 1, 2, 10}


def test_a_duplicate_has_the_same_bytes_or_close_hashes(store: files.FileStore) -> None:
    """Row 8 has the hash 1 << 8: five further bits are within the radius of `dedup` (6), seven are not."""
    assert store.duplicates(Fingerprint(f"{5:064x}")) == [5]
    near, far = (f"{(1 << 8) | (((1 << bits) - 1) << 59 - bits):016x}" for bits in (5, 7))
    fine = f"{8:0144x}"
    assert 8 in store.duplicates(Fingerprint("0" * 64, near, fine))
    assert store.duplicates(Fingerprint("f" * 64, far, fine)) == []
    assert store.duplicates(Fingerprint("f" * 64, near, "f" * 144)) == []


def test_files_of_different_indexes_are_refused(store: files.FileStore, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(store.path, tmp_path / "copy"))
    np.save(copy / "vectors.npy", np.zeros((3, 8), np.float16))
    with pytest.raises(DataError, match="do not belong together"):
        files.FileStore(copy, frozenset([IMAGE]))
    np.save(copy / "vectors.npy", np.array([{}] * ROWS), allow_pickle=True)
    with pytest.raises(DataError, match="cannot be read"):
        files.FileStore(copy, frozenset([IMAGE]))


def test_the_names_of_all_concepts_are_known(store: files.FileStore, table: pa.Table, tmp_path: Path) -> None:
    files.write(tmp_path, table, {}, [""] * ROWS, {IMAGE: np.zeros((ROWS, 2), np.float16)})
    opened = files.FileStore(tmp_path, frozenset())
    assert opened.names == {cui: cui for cui in CUIS}
    assert len((tmp_path / "cui_mapping.csv").read_text().splitlines()) == 1
