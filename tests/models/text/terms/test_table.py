from __future__ import annotations

from pathlib import Path

import pytest

from roco.base import labels as vocab
from roco.base.errors import DataError
from roco.models.text.terms import table as vocabulary
from roco.models.text.terms.table import load

HEADER = "cui,name,tui,kind,label,synonyms\n"
CT = "C0040405,X-Ray Computed Tomography,T060,modality,DRCT,CT|computed tomography\n"


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "mine.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_shipped_vocabulary_contains_every_label_of_the_paper_that_has_a_cui() -> None:
    shipped = load().by_cui
    for kind, terms in vocab.KINDS.items():
        for term in terms.values():
            if term.cui:
                found = shipped[term.cui]
                assert (found.kind, found.label, found.name, found.tui) == (kind, term.label, term.name, term.tui)


def test_the_shipped_vocabulary_gives_no_name_to_two_concepts() -> None:
    owners: dict[str, str] = {}
    for concept in load().concepts:
        for name in concept.names:
            assert owners.setdefault(name.casefold(), concept.cui) == concept.cui, name


def test_the_frequent_concepts_of_the_paper_are_in_the_shipped_vocabulary() -> None:
    shipped = load().by_cui
    table_5 = "C0444611 C0027651 C0205207 C0018787 C0023884 C0012359 C1266909 C0006104 C0032227 C0028259"
    assert all(cui in shipped for cui in table_5.split())


def test_a_custom_vocabulary_is_read_with_its_synonyms(tmp_path: Path) -> None:
    text = HEADER + CT + "\nC1234567,Own thing,,concept,,\n"
    ct, own = load(write(tmp_path, "\ufeff" + text)).concepts
    assert ct.names == ("X-Ray Computed Tomography", "CT", "computed tomography")
    assert (own.tui, own.label, own.names) == (None, None, ("Own thing",))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEADER + CT.replace("C0040405", "CT1"), "line 2: invalid CUI 'CT1'"),
        (HEADER + CT + CT, "line 3: duplicate CUI C0040405"),
        ("cui,name,tui,kind,label\n", "line 1: missing column 'synonyms'"),
        ("", "line 1: missing column 'cui'"),
        (HEADER.replace("name", "cui"), "line 1: duplicate column 'cui'"),
        (HEADER, "contains no concepts"),
        (HEADER + CT.replace("T060", "60"), "line 2: invalid semantic type '60'"),
        (HEADER + CT.replace("modality", "modalty"), "did you mean 'modality'?"),
        (HEADER + CT.replace("DRCT", "DRTC"), "did you mean 'DRCT'?"),
        (HEADER + CT.replace("modality", "concept"), "label 'DRCT' for the kind 'concept'"),
        (HEADER + CT.replace("X-Ray Computed Tomography", ""), "C0040405 has no name"),
        (HEADER + CT.replace("|", ","), "7 cells, but 6 columns"),
        (HEADER + CT.replace("|", "|--|"), "name without letters or digits: '--'"),
        (HEADER + CT.replace("|", "|a\u202eb|"), "control character in the name"),
        (HEADER + CT.replace("|", f"|{'a' * 300}|"), "name longer than 200 characters"),
        (HEADER + CT.replace("|", "|" + "a|" * 60_000), "synonyms longer than 100,000 characters"),
        (HEADER + f'C0000001,"{"a" * 200_000}",,concept,,\n', "line 2: field larger than field limit"),
        (HEADER + 'C0000001,"open,,concept,,\n', "unexpected end of data"),
        (HEADER.encode() + b"C0000001,caf\xe9,,concept,,\n", "is not UTF-8"),
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
    assert caught.value.hint


def test_a_missing_vocabulary_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        load(tmp_path / "none.csv")


def test_a_vocabulary_beyond_the_limits_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, HEADER + CT)
    monkeypatch.setattr(vocabulary, "MOST_NAMES", 2)
    with pytest.raises(DataError, match="more than 2 names"):
        load(path)
    monkeypatch.setattr(vocabulary, "MOST_BYTES", 10)
    with pytest.raises(DataError, match="larger than"):
        load(path)
