"""One XML can contain several articles, or none."""

from __future__ import annotations

import pytest

from roco.base.errors import RejectedInput
from roco.sources.jats.article import parse, parse_all
from roco.sources.jats.article_set import NoArticle

XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


def article(number: int, body: str = "", namespace: str = "") -> str:
    ids = f'<article-id pub-id-type="pmc">{number}</article-id>'
    figure = f'<fig id="f1"><label>Figure 1</label><graphic xlink:href="{number}-f1"/></fig>'
    return (
        f"<article {XLINK} {namespace}><front><article-meta>{ids}</article-meta></front>"
        f'<body><p>See <xref ref-type="fig" rid="f1">Figure 1</xref> of {number}.</p>{figure}{body}</body></article>'
    )


TWO = article(1) + article(2)
RECORD = "<record><header/><metadata>{}</metadata></record>"
DELETED = '<record><header status="deleted"/></record>'
OAI = '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>{}</ListRecords></OAI-PMH>'


@pytest.mark.parametrize(
    "xml",
    [
        f"<pmc-articleset>{TWO}</pmc-articleset>",
        f"<!DOCTYPE pmc-articleset PUBLIC 'x' 'y'><pmc-articleset>{TWO}<Reply Id='9' error='no'/></pmc-articleset>",
        f"<articles>{article(1)}\n{article(2)}</articles>",
        f"<r><pmc-articleset>{article(1)}</pmc-articleset><pmc-articleset>{article(2)}</pmc-articleset></r>",
        OAI.format(RECORD.format(article(1)) + DELETED + RECORD.format(article(2))),
        OAI.format("".join(RECORD.format(article(n, "", 'xmlns="https://jats.nlm.nih.gov/ns/1.4/"')) for n in (1, 2))),
        f"<response><result>{TWO}</result></response>",
    ],
)
def test_all_articles_of_a_set_are_read_each_with_its_own_figures_and_citations(xml: str) -> None:
    articles = parse_all(xml.encode())
    assert [one.pmcid for one in articles] == ["PMC1", "PMC2"]
    for one, number in zip(articles, (1, 2), strict=True):
        [figure] = one.figures
        assert (figure.hrefs, figure.drop) == ((f"{number}-f1",), None)
        assert [mention.text for mention in figure.mentions] == [f"See Figure 1 of {number}."]
    assert parse(xml.encode()).pmcid == "PMC1"


def test_a_scan_in_a_set_makes_no_other_article_a_scan() -> None:
    scan = article(2, '<preformat preformat-type="pmc-ocr-text">x</preformat>')
    assert [one.scan for one in parse_all(f"<articles>{article(1)}{scan}</articles>".encode())] == [False, True]


def test_an_article_inside_an_article_is_part_of_it() -> None:
    assert len(parse_all(f"<articles>{article(1, article(2))}</articles>".encode())) == 1
    assert len(parse_all(article(1, article(2)).encode())) == 1


@pytest.mark.parametrize(
    "xml",
    [
        '<manifest xmlns="https://manuscriptexchange.org/schema/manifest"><item type="article"/></manifest>',
        "<directives><article-title>x</article-title></directives>",
        "<!-- an article follows --><transfer/>",
        "<?xml version='1.0' encoding='UTF-16'?><mets/>".encode("utf-16").decode("latin-1"),
        "<PubmedArticleSet><PubmedArticle/></PubmedArticleSet>",
        '<doi_batch xmlns="http://www.crossref.org/schema/4.3.7"/>',
        "<book><article-list/></book>",
        '<article xmlns="http://docbook.org/ns/docbook"/>',
        "<manifest><item",
        "<svg:svg >",
        OAI.format(DELETED),
    ],
)
def test_other_documents_are_no_articles_even_if_malformed(xml: str) -> None:
    with pytest.raises(NoArticle, match="XML: no <article>, the root is <"):
        parse_all(xml.encode("latin-1"))


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "not XML",
        "<article><front>",
        "<pmc-articleset><article>",
        "<jats:article",
        "<html><body>404</body></html>",
        "<!DOCTYPE html><html><body><article>Not found<br></article>",
        "<html xmlns='http://www.w3.org/1999/xhtml'><body><article/></body></html>",
        "<Error><Code>NoSuchKey</Code></Error>",
        "<eFetchResult><ERROR>x</ERROR></eFetchResult>",
        "<pmc-articleset><Reply Id='1' error='not open'/></pmc-articleset>",
        "<OAI-PMH><error code='idDoesNotExist'/></OAI-PMH>",
    ],
)
def test_broken_articles_and_what_a_server_returned_in_place_of_one_are_unreadable(xml: str) -> None:
    with pytest.raises(RejectedInput) as caught:
        parse_all(xml.encode())
    assert not isinstance(caught.value, NoArticle)
