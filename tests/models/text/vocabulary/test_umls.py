from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.errors import DataError, UsageError
from roco.models.text.vocabulary import rrf, umls
from roco.models.text.vocabulary.records import Record
from roco.models.text.vocabulary.umls import Options
from tests.models.text.vocabulary import sources
from tests.models.text.vocabulary.sources import ATOMS, TYPES, atom


def records(folder: Path, options: Options | None = None) -> dict[str, Record]:
    read = umls.read(folder, options)
    assert read.records is not None
    return {record.cui: record for record in read.records.records()}


def test_the_preferred_name_of_umls_comes_first_and_other_languages_are_left_out(tmp_path: Path) -> None:
    heart = records(sources.umls(tmp_path))["C0018787"]
    assert heart.name == "Heart"
    assert set(heart.synonyms) == {"HEART", "heart structure"}
    assert heart.tuis == ("T023",)
    assert heart.credits == (
        ("UMLS:MSH", "UMLS license, category 0"),
        ("UMLS:SNOMEDCT_US", "UMLS license, category 9"),
    )


def test_a_source_without_a_license_category_has_the_license_of_umls(tmp_path: Path) -> None:
    only = records(sources.umls(tmp_path, atom("C0000001", "Heart").replace("|0|N|", "||N|")))["C0000001"]
    assert only.credits == (("UMLS:MSH", "UMLS license"),)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("|0|N|", "|0 |N|", "SRL '0 ' begins or ends with a space"),
        ("|MSH|", "|M\x01SH|", "SAB 'M\\x01SH' contains a control character"),
    ],
)
def test_a_source_that_a_vocabulary_cannot_name_is_an_error(tmp_path: Path, before: str, after: str, says: str) -> None:
    with pytest.raises(DataError) as caught:
        records(sources.umls(tmp_path, atom("C0000001", "Heart").replace(before, after)))
    assert says in caught.value.message and "MRCONSO.RRF" in caught.value.message


def test_records_come_in_the_order_of_their_cuis_with_all_their_types(tmp_path: Path) -> None:
    found = records(sources.umls(tmp_path))
    assert list(found) == ["C0000001", "C0018787", "C0032227"]
    assert found["C0032227"].tuis == ("T046", "T047")


@pytest.mark.parametrize(
    ("options", "cui", "name"),
    [
        (Options(languages=("GER",)), "C0018787", "Herz"),
        (Options(languages=("GER", "ENG")), "C0018787", "Herz"),
        (Options(sources=("SNOMEDCT_US",)), "C0018787", "heart structure"),
        (Options(term_types=("SY",)), "C0018787", "heart structure"),
    ],
)
def test_options_decide_which_names_are_read(tmp_path: Path, options: Options, cui: str, name: str) -> None:
    assert records(sources.umls(tmp_path), options)[cui].name == name


def test_suppressed_and_obsolete_names_are_read_if_asked_for(tmp_path: Path) -> None:
    folder = sources.umls(tmp_path)
    assert "Cor" in records(folder, Options(suppressed=True))["C0018787"].synonyms
    assert "Hydrothorax" not in records(folder, Options(suppressed=True))["C0032227"].synonyms
    assert "Hydrothorax" in records(folder, Options(obsolete=True))["C0032227"].synonyms


def test_only_concepts_of_the_given_types_are_read(tmp_path: Path) -> None:
    folder = sources.umls(tmp_path)
    assert list(records(folder, Options(types=frozenset({"T046"})))) == ["C0032227"]
    assert umls.read(folder, Options(types=frozenset({"T046"}))).left_out["other semantic type"] == 4


def test_rows_left_out_are_counted_by_reason(tmp_path: Path) -> None:
    bad = atom("C0000002", "--") + atom("C0000002", "a\u202eb") + atom("C0000002", "a\0b") + atom("C0000002", "x" * 201)
    read = umls.read(sources.umls(tmp_path, ATOMS + bad))
    assert read.rows == 12
    assert {reason: n for reason, n in read.left_out.items() if n} == {
        "other language": 1,
        "suppressed or obsolete": 2,
        "name too long": 1,
        "name without letters or digits": 1,
        "control character in the name": 2,
    }


def test_compressed_tables_in_the_meta_folder_are_read(tmp_path: Path) -> None:
    (tmp_path / "META").mkdir()
    for name, text in (("MRCONSO.RRF.gz", ATOMS), ("MRSTY.RRF.gz", TYPES)):
        (tmp_path / "META" / name).write_bytes(gzip.compress(text.encode()))
    assert len(records(tmp_path)) == 3


def test_the_order_of_rows_decides_nothing(tmp_path: Path) -> None:
    rows = ATOMS.splitlines(keepends=True)
    (tmp_path / "b").mkdir()
    assert records(sources.umls(tmp_path)) == records(sources.umls(tmp_path / "b", "".join(reversed(rows))))


def test_names_in_quotes_and_accents_are_read_as_they_are(tmp_path: Path) -> None:
    names = ['"Heart" thing', "Ménière's disease", "a, b; c\td".replace("\t", " ")]
    text = "".join(atom(f"C000001{at}", name) for at, name in enumerate(names))
    assert [record.name for record in records(sources.umls(tmp_path, text)).values()] == names


@pytest.mark.parametrize(
    ("atoms", "types", "says"),
    [
        (ATOMS[:-30], TYPES, "MRCONSO.RRF, line 8: 7 fields, but MRCONSO.RRF has 18"),
        (ATOMS, TYPES[:-3], "MRSTY.RRF, line 4: 4 fields, but MRSTY.RRF has 6"),
        ("\n" + ATOMS.replace("C0032227|ENG|P", "C003222|ENG|P"), TYPES, "line 7: invalid CUI 'C003222'"),
        (ATOMS.replace("|", "\t"), TYPES, "line 1: 0 fields, but MRCONSO.RRF has 18, each ended by '|'"),
        (ATOMS.replace("|PF|", "|"), TYPES, "line 1: 17 fields"),
        (ATOMS, TYPES.replace("T054", "T954"), "MRSTY.RRF, line 4: unknown semantic type 'T954'"),
        (ATOMS, TYPES.replace("C0000001", "cui"), "MRSTY.RRF, line 4: invalid CUI 'cui'"),
        (b"", TYPES, "MRCONSO.RRF is empty"),
        (ATOMS, b"", "MRSTY.RRF is empty"),
        (ATOMS, b"\n\n\n", "MRSTY.RRF is empty"),
        (ATOMS.encode("utf-16"), TYPES, "MRCONSO.RRF"),
        (ATOMS.replace("Heart", "C\xe6ur").encode("latin-1"), TYPES, "MRCONSO.RRF is not UTF-8 (after line"),
        (b"\0" * 500, TYPES, "line 1: 0 fields"),
    ],
)  # fmt: skip
def test_a_damaged_table_is_an_error_with_file_and_line(
    tmp_path: Path, atoms: str | bytes, types: str | bytes, says: str
) -> None:
    with pytest.raises(DataError) as caught:
        umls.read(sources.umls(tmp_path, atoms, types))
    assert says in caught.value.message and "\n" not in caught.value.message
    assert caught.value.hint


def test_a_folder_without_both_tables_is_an_error(tmp_path: Path) -> None:
    sources.umls(tmp_path)
    (tmp_path / "MRSTY.RRF").unlink()
    with pytest.raises(DataError, match=r"contains no MRSTY\.RRF"):
        umls.read(tmp_path)
    with pytest.raises(DataError, match="is not a folder"):
        umls.read(tmp_path / "none")


@pytest.mark.parametrize(
    ("options", "says", "hint"),
    [
        (Options(languages=("EN",)), "language 'EN' (LAT)", "ENG"),
        (Options(sources=("SNOMED",)), "source 'SNOMED' (SAB)", "SNOMEDCT_US"),
        (Options(term_types=("PTT",)), "term type 'PTT' (TTY)", "PT"),
    ],
)
def test_an_unknown_value_of_an_option_is_an_error_with_the_nearest(
    tmp_path: Path, options: Options, says: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        umls.read(sources.umls(tmp_path), options)
    assert says in caught.value.message and hint in caught.value.hint


def test_a_table_that_decompresses_to_more_than_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources.umls(tmp_path)
    (tmp_path / "MRCONSO.RRF").unlink()
    (tmp_path / "MRCONSO.RRF.gz").write_bytes(gzip.compress((ATOMS * 30_000).encode()))
    monkeypatch.setattr(rrf, "MOST_BYTES", 5_000_000)
    with pytest.raises(DataError, match="larger than 5 MB decompressed"):
        umls.read(tmp_path)


@given(st.binary(max_size=200), st.integers(0, len(ATOMS)))
def test_any_damage_of_a_table_is_read_or_one_error(tmp_path: Path, junk: bytes, at: int) -> None:
    atoms = ATOMS.encode()
    folder = sources.umls(tmp_path, atoms[:at] + junk + atoms[at:])
    try:
        records(folder)
    except (DataError, UsageError) as err:
        assert "\n" not in err.message and err.hint
