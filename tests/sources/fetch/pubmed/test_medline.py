"""XML of MEDLINE: what is read of a record, and hostile XML, which is rejected whatever it contains."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roco.base.errors import RejectedInput
from roco.sources.fetch.pubmed.medline import Record, Term, read_answer
from tests.sources.fetch.pubmed.ncbi import DOCTYPE, article_set, record

GOOD = article_set(record(11, "Review", mesh=["*Lung", "Humans/methods"], pmcid="PMC1"), record(12, "Letter"))


def test_references_do_not_give_a_record_their_pmcid() -> None:
    first, second = read_answer(GOOD)
    assert (first.pmcid, second.pmcid) == ("PMC1", None)
    assert (first.mesh[0].major, first.mesh[1].major, first.mesh[1].qualifiers[0].major) == (
        True,
        False,
        False,
    )


def test_a_book_has_types_too() -> None:
    book = (
        '<PubmedBookArticle><BookDocument><PMID Version="1">7</PMID><PublicationType UI="D016454">Review'
        "</PublicationType></BookDocument><PubmedBookData/></PubmedBookArticle>"
    )
    (read,) = read_answer(article_set(book))
    assert read == Record("7", 1, None, None, (Term("D016454", "Review"),), ())


def test_control_and_bidirectional_characters_are_removed_and_odd_ids_are_null() -> None:
    odd = record(11, "Re\u202eview\u200b").replace('UI="D000001"', 'UI="&lt;script>"')
    (read,) = read_answer(article_set(odd))
    assert read.types == (Term(None, "Review"),)


def hostile(declarations: str, text: str = "Review") -> bytes:
    doctype = f"<!DOCTYPE PubmedArticleSet [{declarations}]>"
    return (doctype + article_set(record(11, text)).decode().removeprefix(DOCTYPE)).encode()


LAUGHS = '<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "xml",
    [
        hostile('<!ENTITY a "b">'),
        hostile('<!ENTITY a SYSTEM "file:///etc/passwd">', "&a;"),
        hostile('<!ENTITY a SYSTEM "http://127.0.0.1:9/">', "&a;"),
        hostile('<!ENTITY % a SYSTEM "http://127.0.0.1:9/"> %a;'),
        hostile(LAUGHS, "&i;"),
        hostile("", "&undeclared;"),
        article_set("<a>" * 400 + "</a>" * 400),
        article_set(record(11, "x" * 20_000)),
        article_set(record(11, *["Review"] * 2000)),
        article_set(record(11, mesh=["Lung/" + "/".join(["q"] * 2000)])),
        article_set(record(0, "Review")),
        article_set(record(11, "")),
        article_set("<PubmedArticle/>"),
        GOOD + b"<x/>",
        GOOD + GOOD,
        GOOD.replace(b"PubmedArticleSet", b"ArticleSet"),
        GOOD.decode().encode("utf-16")[:-7],
    ],
    ids=lambda xml: xml[-60:-40].decode(errors="replace"),
)
def test_hostile_xml_is_rejected(xml: bytes) -> None:
    with pytest.raises(RejectedInput):
        read_answer(xml)


def test_an_external_entity_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden words")
    with pytest.raises(RejectedInput) as rejected:
        read_answer(hostile(f'<!ENTITY a SYSTEM "{secret.as_uri()}">', "&a;"))
    assert "hidden" not in str(rejected.value)


@settings(max_examples=150)
@given(st.data())
def test_a_cut_or_changed_answer_is_rejected_or_read_whole(data: st.DataObject) -> None:
    """No cut gives fewer records, and whatever is changed, what is read is a list of records."""
    cut = data.draw(st.integers(0, len(GOOD) - 1))
    with pytest.raises(RejectedInput):
        read_answer(GOOD[:cut])
    at, junk = data.draw(st.integers(0, len(GOOD))), data.draw(st.binary(max_size=30))
    changed = GOOD[:at] + junk + GOOD[at + data.draw(st.integers(0, 30)) :]
    try:
        records = read_answer(changed)
    except RejectedInput:
        return
    assert all(isinstance(one, Record) and one.pmid.isdigit() for one in records)
