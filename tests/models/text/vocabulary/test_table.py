from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base import packed
from roco.base.errors import DataError
from roco.models.text.terms import table as terms
from roco.models.text.vocabulary import table
from roco.models.text.vocabulary.table import Concept, Vocabulary, load, save

HEADER = "cui,name,synonyms,tui,source,license\n"
CT = "C0040405,X-Ray Computed Tomography,CT|computed tomography,T060,roco,Apache-2.0\n"


def write(folder: Path, text: str | bytes, name: str = "mine.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_shipped_vocabulary_contains_every_concept_of_the_rules_on_modality() -> None:
    shipped = load().by_cui
    assert all(concept.cui in shipped for concept in terms.load().concepts)


def test_a_vocabulary_is_read_with_synonyms_types_source_and_license(tmp_path: Path) -> None:
    text = "\ufeff" + HEADER + CT + "\nC1234567, Own thing ,,,,\n"
    ct, own = load(write(tmp_path, text)).concepts
    assert ct == Concept(
        "C0040405", "X-Ray Computed Tomography", ("CT", "computed tomography"), ("T060",), "roco", "Apache-2.0"
    )
    assert own == Concept("C1234567", "Own thing")
    assert ct.names == ("X-Ray Computed Tomography", "CT", "computed tomography")


def test_a_repeated_synonym_is_read_once_and_keeps_its_case(tmp_path: Path) -> None:
    (ct,) = load(write(tmp_path, HEADER + "C0040405,CT,CT| ct |ct||Ct,T060,,\n")).concepts
    assert ct.synonyms == ("ct", "Ct")


def test_columns_may_stand_in_any_order_and_have_other_names(tmp_path: Path) -> None:
    header = "name,CUI,licence,semantic_types,synonym,source,note\n"
    (ct,) = load(write(tmp_path, header + "CT,C0040405,CC0-1.0,T060|Finding,CAT,mine,any\n")).concepts
    assert ct == Concept("C0040405", "CT", ("CAT",), ("T060", "T033"), "mine", "CC0-1.0")


@pytest.mark.parametrize("column", table.COLUMNS)
def test_a_missing_column_is_an_error_with_its_name(tmp_path: Path, column: str) -> None:
    path = write(tmp_path, HEADER.replace(column, f"{column}x") + CT)
    with pytest.raises(DataError, match=f"line 1: missing column '{column}'"):
        load(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEADER + CT.replace("C0040405", "CT1"), "line 2: invalid CUI 'CT1'"),
        (HEADER + CT.replace("C0040405", "C004040"), "line 2: invalid CUI 'C004040'"),
        (HEADER + CT.replace("C0040405", "c0040405"), "line 2: invalid CUI 'c0040405'"),
        (HEADER + CT + CT, "line 3: duplicate CUI C0040405"),
        ("", "line 1: missing column 'cui'"),
        (HEADER.replace("name", "cui"), "line 1: duplicate column 'cui'"),
        (HEADER.replace("license", "license,licence"), "line 1: duplicate column 'license'"),
        (HEADER, "contains no concepts"),
        (HEADER + CT.replace("T060", "60"), "line 2: unknown semantic type '60'"),
        (HEADER + CT.replace("T060", "T047|T999"), "line 2: unknown semantic type 'T999'"),
        (HEADER + CT.replace("T060", "Fnding"), "did you mean 'Finding'?"),
        (HEADER + CT.replace("X-Ray Computed Tomography", ""), "C0040405 has no name"),
        (HEADER + CT.replace("X-Ray ", "X-Ray|"), "'|' in the preferred name"),
        (HEADER + CT.replace("|", ","), "7 cells, but 6 columns"),
        (HEADER + CT.replace("|", "|--|"), "name '--' has no letters or digits"),
        (HEADER + CT.replace("|", "|a\u202eb|"), "contains a control character"),
        (HEADER + CT.replace("|", "|a\0b|"), "contains a control character"),
        (HEADER + CT.replace("roco", "ro\x1b[31mco"), "control character in the source or license"),
        (HEADER + CT.replace("|", f"|{'a' * 300}|"), "is longer than 200 characters"),
        (HEADER + CT.replace("|", "|" + "a|" * 60_000), "synonyms longer than 100,000 characters"),
        (HEADER + f'C0000001,"{"a" * 200_000}",,,,\n', "line 2: field larger than field limit"),
        (HEADER + 'C0000001,"open,,,,\n', "unexpected end of data"),
        (HEADER.encode() + b"C0000001,caf\xe9,,,,\n", "is not UTF-8"),
    ],
)
def test_an_invalid_vocabulary_is_an_error_with_file_line_and_hint(
    tmp_path: Path, text: str | bytes, says: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(DataError) as caught:
        load(path)
    assert says in str(caught.value)
    assert str(path) in caught.value.message
    assert "\x1b" not in str(caught.value) and caught.value.hint


@pytest.mark.parametrize(("name", "says"), [("none.csv", "does not exist"), ("", "is a folder")])
def test_a_missing_vocabulary_is_an_error(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        load(tmp_path / name)


def test_a_vocabulary_beyond_the_limits_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, HEADER + CT)
    monkeypatch.setattr(table, "MOST_NAMES", 2)
    with pytest.raises(DataError, match="line 2: more than 2 names"):
        load(path)
    monkeypatch.setattr(table, "MOST_BYTES", 100)
    with pytest.raises(DataError, match="is larger than"):
        load(path)


def test_a_small_file_that_decompresses_to_a_huge_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "MOST_BYTES", 2_000_000)
    line = write(tmp_path, gzip.compress(HEADER.encode() + b"a" * 4_000_000), "line.csv.gz")
    rows = write(tmp_path, gzip.compress(HEADER.encode() + b"\n" * 4_000_000), "rows.csv.gz")
    with pytest.raises(DataError, match="line 2: longer than 1,000,000 characters"):
        load(line)
    with pytest.raises(DataError, match="larger than 2 MB decompressed"):
        load(rows)


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"plain text", lambda data: data + b"x"])
def test_a_corrupt_compressed_file_is_an_error(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    path = write(tmp_path, damage(gzip.compress((HEADER + CT).encode())), "mine.csv.gz")
    with pytest.raises(DataError, match="corrupt file"):
        load(path)


def test_a_compressed_vocabulary_has_equal_bytes_wherever_it_is_saved(tmp_path: Path) -> None:
    vocabulary = load()
    save(vocabulary, tmp_path / "a.csv.gz")
    save(vocabulary, tmp_path / "b.csv.gz")
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    assert load(tmp_path / "a.csv.gz") == vocabulary


def test_a_name_that_cannot_be_read_again_is_not_saved(tmp_path: Path) -> None:
    for name in ("a|b", "a\nb", "--", "a" * 201):
        with pytest.raises(DataError, match="C0000001: name"):
            save(Vocabulary((Concept("C0000001", "fine", (name,)),)), tmp_path / "out.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("source", "license"), [("MSH ", ""), ("", " CC0"), ("M\nSH", ""), ("", "CC0\x1f")])
def test_a_source_or_license_that_would_be_read_differently_is_not_saved(
    tmp_path: Path, source: str, license: str
) -> None:
    with pytest.raises(DataError, match="C0000001: source" if source else "C0000001: license"):
        save(Vocabulary((Concept("C0000001", "fine", source=source, license=license),)), tmp_path / "out.csv")
    assert not list(tmp_path.iterdir())


NAMES = st.text(min_size=1, max_size=30).map(str.strip).filter(lambda name: "|" not in name)
NAMES = NAMES.filter(lambda name: name and not table.complaint_about(name))
CONCEPTS = st.builds(
    lambda number, names, tuis: Concept(f"C{number:07d}", names[0], tuple(names[1:]), tuple(tuis), "a, b", 'c"d'),
    st.integers(0, 9_999_999),
    st.lists(NAMES, min_size=1, max_size=5, unique=True),
    st.lists(st.sampled_from(["T047", "T023", "T191"]), max_size=3, unique=True),
)


@given(concepts=st.lists(CONCEPTS, min_size=1, max_size=5, unique_by=lambda concept: concept.cui))
def test_a_saved_vocabulary_is_read_unchanged(tmp_path: Path, concepts: list[Concept]) -> None:
    path = tmp_path / "saved.csv"
    save(Vocabulary(tuple(concepts)), path)
    assert load(path).concepts == tuple(concepts)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_a_vocabulary_or_a_data_error(tmp_path: Path, data: bytes) -> None:
    for path in (write(tmp_path, HEADER.encode() + data), write(tmp_path, data, "x.csv.gz")):
        try:
            vocabulary = load(path)
        except DataError as err:
            assert "\n" not in err.message
        else:
            save(vocabulary, tmp_path / "again.csv")


def test_lines_of_a_file_that_is_not_utf_8_are_an_error_with_the_place(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is not UTF-8 \(after line \d\)"):
        list(packed.lines(write(tmp_path, b"a\nb\n\xff\xfe\n"), 100))
