"""The store `lance` gives what the default store gives: the same words, images, filters and duplicates."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import roco
from roco.base.errors import DataError, UsageError
from roco.baselines.retrieve.concept_query import ConceptQuery
from roco.baselines.retrieve.hits import COLUMNS
from roco.baselines.retrieve.store import files, lance_filters, lance_table, lance_write
from roco.baselines.retrieve.store.files import FileStore
from roco.baselines.retrieve.store.lance import LanceStore
from roco.baselines.retrieve.store.lance_table import reading
from roco.baselines.retrieve.store.store import IMAGE, TEXT, Fingerprint, Found, Restriction
from roco.release.select.flags import SelectOptions
from tests.baselines import drawn

pytest.importorskip("lancedb", reason="pip install '.[search]'")
pytest.importorskip("duckdb", reason="pip install '.[select]'")
pytestmark = pytest.mark.neural

ROWS, WIDTH = 90, 16
CUIS = ("C0000001", "C0000002", "C0000003")
NAMES = {"C0000001": "Heart's valve", "C0000002": "Lung"}
WORDS = ("chest", "nodule", "CT", "Größe", "the", "a", "running", "runs", "O'Brien", "3.5", "liver")
EVERYTHING = Restriction()


def rows(n: int = ROWS) -> pa.Table:
    """Rows with every combination of values that chance gives, missing ones included."""
    rng = np.random.default_rng(7)

    def drawn_from(*values: Any) -> list[Any]:
        return [values[at] for at in rng.integers(len(values), size=n)]

    columns: dict[str, Any] = {
        "id": [f"row_{number:05}" for number in range(n)],
        "split": drawn_from("train", "valid", "test"),
        "caption": [" ".join(rng.choice(WORDS, size=rng.integers(1, 9))) for _ in range(n)],
        "concepts": pa.array(
            [None if rng.random() < 0.1 else [cui for cui in CUIS if rng.random() < 0.5] for _ in range(n)],
            pa.list_(pa.string()),
        ),
        "modality": pa.array(drawn_from("DRCT", "DRMR", None)),
        "region": pa.array(drawn_from("chest", "knee", None)),
        "license": pa.array(drawn_from("CC-BY", "CC-BY-NC", "CC0", None)),
        "year": pa.array(drawn_from(2018, 2019, 2020, None), pa.int32()),
        "article_key": [f"PMC'{number // 3}" for number in range(n)],
        "sha256": pa.array([None if number % 11 == 0 else f"{number // 2:064x}" for number in range(n)]),
        "phash": pa.array([None if number % 5 == 0 else f"{1 << number % 60:016x}" for number in range(n)]),
        "phash_fine": pa.array([None if number % 5 == 0 else f"{number:0144x}" for number in range(n)]),
    }
    missing = [name for name in COLUMNS if name not in columns]
    return pa.table(columns | {name: pa.array([""] * n, pa.string()) for name in missing})


def vectors(n: int = ROWS, width: int = WIDTH) -> np.ndarray:
    """Vectors in clusters; some rows have the same one, and some have none."""
    rng = np.random.default_rng(8)
    centres = rng.standard_normal((10, width))
    found = centres[rng.integers(10, size=n)] + 0.5 * rng.standard_normal((n, width)) + 0.3
    found[3::10] = found[2::10][: len(found[3::10])]
    found[7::20] = 0
    return found.astype(np.float16)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[FileStore, LanceStore]:
    folder = tmp_path_factory.mktemp("stores of 100%20 (a#b?)")
    table = rows()
    texts = table["caption"].to_pylist()
    found = {IMAGE: vectors(), TEXT: vectors()[::-1]}
    for name in ("files", "lance"):
        (folder / name).mkdir()
    files.write(folder / "files", table, NAMES, texts, found)
    lance_write.write(folder / "lance", table, NAMES, texts, found, centred=frozenset([IMAGE]))
    return FileStore(folder / "files", frozenset([IMAGE])), LanceStore(folder / "lance")


def check_equal(ours: Found, theirs: Found, tolerance: float) -> None:
    """The same rows with the same scores; rows whose scores differ by less than rounding may be in another order."""
    assert sorted(row for row, _ in ours) == sorted(row for row, _ in theirs)
    assert [score for _, score in ours] == pytest.approx([score for _, score in theirs], abs=tolerance)
    scores = dict(theirs)
    assert [score for _, score in ours] == pytest.approx([scores[row] for row, _ in ours], abs=tolerance)


@given(words=st.lists(st.sampled_from([*WORDS, "nobody", "RUN", "grösse"]), min_size=1, max_size=4))
def test_words_find_the_same_rows_with_the_same_scores(both: tuple[FileStore, LanceStore], words: list[str]) -> None:
    query = " ".join(words)
    theirs, ours = (store.by_words(query, ROWS, EVERYTHING) for store in both)
    check_equal(ours, theirs, 1e-5)


@pytest.mark.parametrize("of", [IMAGE, TEXT])
def test_vectors_find_the_same_rows_and_equal_ones_are_in_the_order_of_the_rows(
    both: tuple[FileStore, LanceStore], of: str
) -> None:
    for query in np.random.default_rng(9).standard_normal((20, WIDTH)).astype(np.float32):
        theirs, ours = (store.by_vector(store.compared(query[None], of)[0], ROWS, EVERYTHING, of) for store in both)
        check_equal(ours, theirs, 1e-3)
        assert len(ours) == int(vectors().any(axis=1).sum())
        assert ours == sorted(ours, key=lambda one: (-one[1], one[0]))
        assert [row for row, _ in ours[:3]] == [row for row, _ in theirs[:3]]


def test_rows_ids_vectors_and_duplicates_are_the_same(both: tuple[FileStore, LanceStore]) -> None:
    theirs, ours = both
    asked = [5, 0, 88, 5, 7]
    assert ours.rows(asked) == theirs.rows(asked) and ours.rows([]) == []
    assert ours.names == theirs.names and len(ours) == len(theirs)
    assert [ours.row_of(id) for id in ("row_00012", "nobody", "x' OR 'a' = 'a")] == [12, None, None]
    assert ours.vectors(asked) == pytest.approx(theirs.vectors(asked), abs=1e-3)
    assert not ours.vectors([7]).any()
    for number in (1, 4, 5, 10, 22):
        image = Fingerprint(f"{number // 2:064x}", f"{1 << number % 60:016x}", f"{number:0144x}")
        assert ours.duplicates(image) == theirs.duplicates(image) != []
    assert ours.duplicates(Fingerprint("'")) == []


WHERE = (
    None, "year > 2018", "year IS NULL OR caption ILIKE '%GRÖSSE%'", "NOT (license = 'CC-BY')", "len(concepts) = 2",
    "regexp_matches(caption, '^(chest|CT)')", "modality IS DISTINCT FROM 'DRCT' -- and a comment", "false",
)  # fmt: skip
CONCEPTS = (None, "lung", 'NOT "Heart\'s valve"', "C0000001 AND NOT (lung OR C0000003)", "lung OR NOT lung")
RESTRICTIONS = st.builds(
    lambda options, concepts, articles, ids: Restriction(
        filters=SelectOptions(**options), concepts=concepts, not_articles=frozenset(articles), not_ids=frozenset(ids)
    ),
    st.fixed_dictionaries(
        {
            "where": st.sampled_from(WHERE),
            "commercial": st.booleans(),
            "modality": st.sampled_from([(), ("DRCT",), ("DRCT", "drmr")]),
            "split": st.sampled_from([(), ("train",), ("train", "test")]),
            "year": st.sampled_from([(), ("2018",), ("2019-",), ("-2018", "2020")]),
            "license": st.sampled_from([(), ("CC BY-NC",), ("cc0",)]),
            "concept": st.sampled_from([(), ("C0000001",), ("lung", "C0000001")]),
            "one_per_article": st.booleans(),
            "sample": st.sampled_from([None, 7]),
        }
    ),
    st.sampled_from(CONCEPTS).map(
        lambda text: None if text is None else ConceptQuery.parsed(text, {cui: NAMES.get(cui, cui) for cui in CUIS})
    ),
    st.sets(st.sampled_from(["PMC'1", "PMC'2", "nobody"])),
    st.sets(st.sampled_from(["row_00001", "row_00030", "it's nobody"])),
)  # fmt: skip


@given(restriction=RESTRICTIONS)
def test_restrictions_admit_the_same_rows_for_vectors_words_and_concepts(
    both: tuple[FileStore, LanceStore], restriction: Restriction
) -> None:
    theirs, ours = both
    query = np.ones(WIDTH, np.float32) / 4
    check_equal(ours.by_vector(query, ROWS, restriction), theirs.by_vector(query, ROWS, restriction), 1e-3)
    check_equal(ours.by_words("chest CT", ROWS, restriction), theirs.by_words("chest CT", ROWS, restriction), 1e-5)
    if restriction.concepts is not None:
        assert ours.by_concepts(ROWS, restriction) == theirs.by_concepts(ROWS, restriction)


@pytest.mark.parametrize(
    "options",
    [{"where": "nothing = 1"}, {"modality": ("DRCTX",)}, {"language": ("en",)}, {"where": "1"}, {"concept": ("x",)}],
)
def test_an_invalid_filter_has_the_error_of_the_default_store(
    both: tuple[FileStore, LanceStore], options: dict[str, Any]
) -> None:
    errors = []
    for store in both:
        with pytest.raises(UsageError) as caught:
            store.by_words("chest", 5, Restriction(filters=SelectOptions(**options)))
        errors.append((caught.value.message, caught.value.hint))
    assert errors[0] == errors[1]


def test_a_condition_reads_only_the_columns_that_it_names(
    both: tuple[FileStore, LanceStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: set[str] = set()
    table = lance_filters.RowsOfTable.table

    def seen(self: Any, split: str | None = None, columns: Any = None) -> pa.Table:
        read.update(self.columns if columns is None else columns)
        return table(self, split, columns)

    monkeypatch.setattr(lance_filters.RowsOfTable, "table", seen)
    both[1].by_words("chest", 5, Restriction(filters=SelectOptions(where="year > 2017 AND split = 'train'")))
    assert read == {"id", "year", "split"}


FIRST = "id < 'row_00040'"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[FileStore, LanceStore]:
    """Rows above the number from which an index of partitions is searched."""
    folder = tmp_path_factory.mktemp("large")
    n = 6000
    table, found = rows(n), {IMAGE: vectors(n, 64)}
    for name in ("files", "lance"):
        (folder / name).mkdir()
    files.write(folder / "files", table, NAMES, table["caption"].to_pylist(), found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lance_write, "PARTITION", 100)
        lance_write.write(folder / "lance", table, NAMES, table["caption"].to_pylist(), found, ivf_from=1000)
    return FileStore(folder / "files", frozenset([IMAGE])), LanceStore(folder / "lance")


@pytest.mark.parametrize(
    "filters",
    [
        None,
        SelectOptions(modality=("DRCT",)),
        SelectOptions(where="year = 2019"),
        SelectOptions(where="id < 'row_00040'"),
    ],
)
def test_an_index_of_partitions_finds_nearly_all_neighbours_and_filters_stay_exact(
    large: tuple[FileStore, LanceStore], filters: SelectOptions | None
) -> None:
    theirs, ours = large
    assert json.loads((ours.path / "lance.json").read_text())["partitions"] == {IMAGE: 57}
    restriction = Restriction(filters=filters)
    admitted = {row for row, _ in theirs.by_vector(theirs.vectors([1])[0], len(theirs), restriction)}
    same = n = 0
    for row in range(0, 6000, 301):
        query = theirs.vectors([row])[0]
        if not query.any():
            continue
        right, found = (store.by_vector(query, 10, restriction) for store in large)
        assert len(found) == 10 and {row for row, _ in found} <= admitted
        # Of equally near rows the last ones may be others.
        same += sum(score >= right[-1][1] - 1e-4 for _, score in found)
        n += 10
    assert same / n >= 0.95


@pytest.mark.parametrize("name", ["a.b", "index_row", "_distance"])
def test_a_column_that_the_table_cannot_have_is_one_line_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    table = rows().append_column(name, pa.array([1] * ROWS))
    with pytest.raises(DataError, match=f"cannot have a column '{name}'"):
        lance_write.write(tmp_path, table, {}, [""] * ROWS, {IMAGE: vectors()})
    assert not list(tmp_path.iterdir())


# --- a damaged or hostile folder ------------------------------------------------------------------------------------


@pytest.fixture
def copy(both: tuple[FileStore, LanceStore], tmp_path: Path) -> Path:
    return Path(shutil.copytree(both[1].path, tmp_path / "copy"))


def data_file(folder: Path) -> Path:
    return max((folder / "lance" / "rows.lance" / "data").iterdir(), key=lambda path: path.stat().st_size)


def test_a_file_that_is_cut_added_removed_or_a_link_is_refused(copy: Path) -> None:
    file = data_file(copy)
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    with pytest.raises(DataError, match="has changed since the index was written"):
        LanceStore(copy)
    file.unlink()
    with pytest.raises(DataError, match="is missing"):
        LanceStore(copy)
    file.symlink_to(copy / "lance.json")
    with pytest.raises(DataError, match="neither a file nor a folder"):
        LanceStore(copy)
    file.unlink()
    file.write_bytes(whole)
    LanceStore(copy)
    (copy / "lance" / "more").write_text("")
    with pytest.raises(DataError, match="more has changed"):
        LanceStore(copy)


def test_a_flipped_bit_is_refused_and_one_in_a_large_table_is_not_looked_for(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = data_file(copy)
    whole = file.read_bytes()
    file.write_bytes(whole[:20] + bytes([whole[20] ^ 1]) + whole[21:])
    with pytest.raises(DataError, match="has changed since the index was written"):
        LanceStore(copy)
    monkeypatch.setattr(lance_table, "DIGESTED", 0)
    LanceStore(copy)


def test_bytes_of_a_large_table_that_were_changed_are_one_line_when_they_are_read(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lance_table, "DIGESTED", 0)
    for path in (copy / "lance").rglob("*"):
        if path.is_file():
            path.write_bytes(b"\x00" * path.stat().st_size)
    with pytest.raises(DataError, match=r"cannot be read|do not belong together") as caught:
        LanceStore(copy)
    assert "\n" not in caught.value.message


def test_pages_of_a_large_table_that_were_changed_are_an_error_and_no_crash(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lance_table, "DIGESTED", 0)
    store = LanceStore(copy)
    file = data_file(copy)
    size = file.stat().st_size
    file.write_bytes(b"\xff" * (size - 2000) + file.read_bytes()[-2000:])
    with pytest.raises(DataError) as caught:
        LanceStore(copy).rows(range(ROWS))
        store.rows(range(ROWS))
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("name", ["PanicException", "RustPanic"])
def test_a_panic_of_the_library_is_one_line(tmp_path: Path, name: str) -> None:
    panic = type(name, (BaseException,), {})
    with pytest.raises(DataError, match="cannot be read"), reading(tmp_path):
        raise panic("rust future panicked: unknown error")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"rows": "x", "files": {}, "partitions": {}, "concepts": []}', "[" * 100_000]
)
def test_an_invalid_list_of_contents_is_one_line(copy: Path, content: str) -> None:
    (copy / "lance.json").write_text(content)
    with pytest.raises(DataError, match=r"lance\.json|lance .* has changed|rows\.lance"):
        LanceStore(copy)


def test_contents_of_another_table_do_not_belong_together(copy: Path) -> None:
    content = json.loads((copy / "lance.json").read_text())
    (copy / "lance.json").write_text(json.dumps(content | {"rows": ROWS + 1}))
    with pytest.raises(DataError, match="do not belong together"):
        LanceStore(copy)


# --- the whole ------------------------------------------------------------------------------------------------------


def test_an_index_with_the_store_lance_gives_the_hits_of_the_default_one(tmp_path: Path) -> None:
    dataset = drawn.write(tmp_path / "dataset")
    indexes = []
    for store in ("files", "lance"):
        roco.index(dataset, tmp_path / store, store=store)
        indexes.append(roco.Index.open(tmp_path / store))
    theirs, ours = indexes
    picture = drawn.image_file(dataset, "drawn_train_000005")
    for query in (
        {"words": "rings"}, {"image": picture}, {"words": "stripes", "image": picture, "not_same_article": True},
        {"like": "drawn_test_000001", "diverse": True}, {"concepts": "C0040405 OR C0041618"},
        {"words": "number", "filters": roco.SelectOptions(where="split <> 'train'")},
    ):  # fmt: skip
        found = [index.search(**query, n=24) for index in (theirs, ours)]  # type: ignore[arg-type]
        assert [hit.id for hit in found[0]] == [hit.id for hit in found[1]] != []
        assert [hit.score for hit in found[0]] == pytest.approx([hit.score for hit in found[1]], abs=1e-3)
        assert found[0][0].attribution == found[1][0].attribution
