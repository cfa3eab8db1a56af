"""What the front matter says: dates, authors, keywords, related articles, and how the article stands."""

from __future__ import annotations

from typing import Any

import pytest

from roco.base.ids import clean_pmid
from roco.sources.jats.article import Article, parse
from roco.sources.jats.meta import Dated, Related

XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


def article(meta: str = "", kind: str = "case-report", lang: str = "en", body: str = "") -> Article:
    xml = f"""<article {XLINK} article-type="{kind}" xml:lang="{lang}"><front><journal-meta><custom-meta-group>
    <custom-meta><meta-name>pmc-prop-open-access</meta-name><meta-value>no</meta-value></custom-meta>
    </custom-meta-group></journal-meta><article-meta>{meta}</article-meta></front><body>{body}</body></article>"""
    return parse(xml.encode())


def date(year: str, more: str = "", **attributes: str) -> str:
    told = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f"<pub-date{told}>{more}<year>{year}</year></pub-date>"


@pytest.mark.parametrize(
    ("dates", "kind", "told"),
    [
        (date("2016", "<day>3</day><month>11</month>", pub_type="epub"), "epub", "2016-11-03"),
        (date("2016", "<month>Nov</month>", pub_type="ppub"), "ppub", "2016-11"),
        (date("2016", "<season>Spring</season>", pub_type="collection"), "collection", "2016"),
        (date("2016", date_type="pub", publication_format="electronic"), "epub", "2016"),
        (date("2016", date_type="pub", publication_format="print"), "ppub", "2016"),
        (date("2016", date_type="collection", publication_format="electronic"), "collection", "2016"),
        (date("2016", pub_type="pmc-release"), "pmc-release", "2016"),
    ],
)
def test_each_date_has_its_kind(dates: str, kind: str, told: str) -> None:
    assert article(dates).dates == (Dated(kind, told),)


def test_the_year_is_the_earliest_of_publication_with_its_kind() -> None:
    found = article(
        date("2020", pub_type="ppub") + date("2019", pub_type="epub") + date("2011", pub_type="pmc-release")
    )
    assert (found.year, found.year_from) == (2019, "epub")
    assert (article(date("2011", pub_type="pmc-release")).year_from, article().year) == ("pmc-release", None)


def test_one_date_can_be_of_both_kinds_of_publication() -> None:
    assert article(date("2016", pub_type="epub-ppub")).dates == (Dated("epub", "2016"), Dated("ppub", "2016"))


def test_separately_listed_members_of_a_collaboration_are_not_authors() -> None:
    apart = '<contrib-group content-type="collab-list"><contrib contrib-type="author"><name><surname>M</surname></name>'
    assert article(CONTRIBS + apart + "</contrib></contrib-group>").authors[-1] == "Study Group"


def test_an_invalid_year_is_not_a_date() -> None:
    assert article(date("20x9", pub_type="epub") + date("0999", pub_type="ppub")).dates == ()


CONTRIBS = """<contrib-group>
<contrib contrib-type="author"><name-alternatives><name name-style="eastern"><surname>李</surname></name>
<name name-style="western"><surname>Li</surname><given-names>Wei</given-names></name></name-alternatives></contrib>
<contrib contrib-type="editor"><name><surname>Editor</surname></name></contrib>
<contrib contrib-type="author"><string-name><given-names>Ana</given-names> <surname>Paz</surname></string-name>
</contrib>
<contrib contrib-type="author"><name><surname>Sukarno</surname></name></contrib>
<contrib contrib-type="author"><collab><institution>Study Group</institution><contrib-group>
<contrib contrib-type="author"><name><surname>Member</surname></name></contrib></contrib-group></collab></contrib>
<contrib contrib-type="translator"><name><surname>Other</surname></name></contrib></contrib-group>
<contrib-group content-type="editors"><contrib><name><surname>Chief</surname></name></contrib></contrib-group>"""


def test_authors_are_in_order_and_editors_are_not_authors() -> None:
    assert article(CONTRIBS).authors == ("Li, Wei", "Paz, Ana", "Sukarno", "Study Group")


def author(parts: str) -> tuple[str, ...]:
    return article(f'<contrib-group><contrib contrib-type="author">{parts}</contrib></contrib-group>').authors


@pytest.mark.parametrize(
    ("surname", "given", "suffix", "name"),
    [
        ("Doe", "John", "Jr", "Doe, John, Jr"),
        ("Doe", "John", "III", "Doe, John, III"),
        ("Doe", "John", "Jr., MD, PhD", "Doe, John, Jr."),
        ("Doe", "John", "MD", "Doe, John"),  # a degree is not part of the name
        ("Costa", "Ana", "Filho", "Costa, Ana, Filho"),
        ("Doe, Jr.", "John", "", "Doe, John, Jr."),
        ("Doe III", "John", "", "Doe, John, III"),
        ("Costa Filho", "Ana", "", "Costa Filho, Ana"),  # here it may be the surname
        ("Le Vi", "Anh", "", "Le Vi, Anh"),
        ("Iv", "Jr", "", "Iv, Jr"),
        ("Doe", "", "2nd", "Doe, 2nd"),
    ],
)
def test_a_suffix_follows_the_name(surname: str, given: str, suffix: str, name: str) -> None:
    parts = f"<surname>{surname}</surname><given-names>{given}</given-names><suffix>{suffix}</suffix>"
    assert author(f"<name>{parts}</name>") == (name,)
    assert author(f"<string-name>{parts}</string-name>") == (name,)
    assert author(f"<name-alternatives><name name-style='western'>{parts}</name></name-alternatives>") == (name,)


def test_keywords_are_in_the_language_of_the_article() -> None:
    groups = """<kwd-group xml:lang="pt"><kwd>tórax</kwd></kwd-group><kwd-group xml:lang="en"><title>Keywords</title>
    <kwd>chest <italic>CT</italic></kwd><kwd>lung</kwd><kwd>lung</kwd></kwd-group>"""
    assert article(groups).keywords == ("chest CT", "lung")


def related(kind: str, href: str, of: str = "doi") -> str:
    return f'<related-article related-article-type="{kind}" ext-link-type="{of}" xlink:href="{href}"/>'


def test_related_articles_have_a_kind_and_an_id() -> None:
    found = article(
        related("companion", "https://doi.org/10.1000/ABC") + related("corrected-article", "123", "pubmed")
        + related("commentary", "PMC9", "pmc") + related("commentary-article", "http://a.org/x", "uri")
    )  # fmt: skip
    assert found.related == (
        Related("companion", "doi:10.1000/abc"),
        Related("corrected-article", "pmid:123"),
        Related("commentary", "pmcid:PMC9"),
        Related("commentary-article", "http://a.org/x"),
    )


def subject(words: str) -> str:
    return f"<article-categories><subj-group><subject>{words}</subject></subj-group></article-categories>"


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"kind": "retracted-article"}, "article-type"),
        ({"meta": subject("Retracted Article")}, "subject"),
        ({"meta": related("retraction-forward", "10.1000/notice")}, "related-article"),
        ({"meta": "<title-group><article-title>RETRACTED: A case</article-title></title-group>"}, "title"),
        ({"meta": "<title-group><subtitle>RETRACTED ARTICLE</subtitle></title-group>"}, "title"),
        ({"meta": "<history><date date-type='retracted'><year>2020</year></date></history>"}, "date"),
        ({"meta": "<history><date date-type='withdrawn'><year>2020</year></date></history>"}, "date"),
        ({"meta": "<pub-history><event event-type='retracted'><date/></event></pub-history>"}, "date"),
        ({"meta": "<pub-history><event><date date-type='retraction'/></event></pub-history>"}, "date"),
        ({"meta": "<pub-history><event><event-desc>Retracted</event-desc><date/></event></pub-history>"}, "date"),
        ({"meta": "<history><event><event-desc>This article was withdrawn.</event-desc></event></history>"}, "date"),
        ({"meta": "<pub-date date-type='retracted'><year>2020</year></pub-date>"}, "date"),
        ({"meta": "<history><date date-type='corrected'><year>2020</year></date></history>"}, None),
        ({"meta": "<article-version article-version-type='status'>Retracted</article-version>"}, "article-version"),
        ({"meta": "<history><date date-type='retraction-date'><year>2020</year></date></history>"}, "date"),
        ({"meta": "<history><date date-type='partial-retraction'><year>2020</year></date></history>"}, None),
        ({"meta": "<history><event><event-desc>Retraction of the first version</event-desc></event></history>"}, None),
        ({"meta": "<history><date date-type='retracted'/></history>", "kind": "retraction"}, None),
        ({"meta": related("partial-retraction", "10.1000/notice")}, None),
        ({"meta": related("retracted-article", "10.1000/paper"), "kind": "retraction"}, None),
        ({"meta": subject("Retraction Note") + related("retracted-article", "10.1000/paper"), "kind": "other"}, None),
        ({"meta": related("expression-of-concern", "10.1000/x")}, None),
        ({"meta": related("correction-forward", "10.1000/x")}, None),
    ],
)
def test_a_retracted_paper_is_marked_and_its_notice_is_not(more: dict[str, Any], where: str | None) -> None:
    found = article(**more)
    assert (found.retraction, found.retracted) == (where, where is not None)


def test_only_a_retraction_notice_names_retracted_papers() -> None:
    meta = related("retracted-article", "10.1000/Paper") + related("companion", "10.1000/other")
    assert article(meta, kind="retraction").retracts == ("doi:10.1000/paper",)
    assert article(meta, kind="retraction").notice and not article(meta).notice
    assert article(meta).retracts == ()


def titled(title: str) -> str:
    return f"<title-group><article-title>{title}</article-title></title-group>"


@pytest.mark.parametrize(
    ("kind", "meta"),
    [
        ("correction", titled("Retraction: A case")),
        ("other", titled("Notice of retraction: A case")),
        ("case-report", titled("Retraction: A case") + related("retracted-article", "10.1000/paper")),
        ("other", subject("Retraction Notice")),
        ("other", subject("Statement of Retraction")),
        ("withdrawal", ""),
    ],
)
def test_an_article_about_the_retraction_of_another_is_a_notice(kind: str, meta: str) -> None:
    found = article(meta, kind)
    assert found.notice and not found.retracted
    assert found.retracts == (("doi:10.1000/paper",) if "10.1000" in meta else ())


@pytest.mark.parametrize(
    ("kind", "meta"),
    [
        ("partial-retraction", ""),
        ("other", subject("Partial Retraction")),
        ("retraction", titled("Partial retraction: A case")),
        ("retraction", related("partial-retraction", "10.1000/other")),
    ],
)
def test_after_a_partial_retraction_the_paper_remains_valid(kind: str, meta: str) -> None:
    found = article(meta + related("retracted-article", "10.1000/paper"), kind)
    assert (found.notice, found.retracted, found.retracts) == (True, False, ())


@pytest.mark.parametrize("kind", ["expression-of-concern", "correction", "editorial"])
def test_a_correction_and_an_expression_of_concern_are_no_notice_of_retraction(kind: str) -> None:
    found = article(titled("Expression of concern: A case") + related("object-of-concern", "10.1000/paper"), kind)
    assert (found.notice, found.retracted, found.retracts) == (False, False, ())


def custom(name: str, value: str) -> str:
    one = f"<custom-meta><meta-name>{name}</meta-name><meta-value>{value}</meta-value></custom-meta>"
    return f"<custom-meta-group>{one}</custom-meta-group>"


def test_a_scan_is_recognised_by_metadata_or_by_text_from_ocr() -> None:
    assert article(custom("pmc-prop-is-scanned-article", "yes")).scan
    assert article(body='<preformat preformat-type="pmc-ocr-text">x</preformat>').scan
    assert not article(custom("pmc-prop-is-scanned-article", "no")).scan


def test_open_access_comes_from_the_metadata_of_the_article_and_not_of_the_journal() -> None:
    assert article(custom("pmc-prop-open-access", "yes")).open_access is True
    assert article(custom("pmc-prop-open-access", "no")).open_access is False
    assert article().open_access is None


@pytest.mark.parametrize(
    ("text", "pmid"), [("PMID: 0123", "123"), ("0", None), ("12a", None), ("١٢", None), (None, None)]
)
def test_a_pubmed_id_is_a_number(text: str | None, pmid: str | None) -> None:
    assert clean_pmid(text) == pmid
