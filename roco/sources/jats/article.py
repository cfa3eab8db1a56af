"""Reads articles from their JATS XML: identifiers, authors, licence, status, and all images that it names.

`stages/extract_rows.read` calls `parse_all` for each XML file of a package and turns each `Article` into rows. The
parts of an article are read by the other files of this folder: `meta` (front matter), `terms` (licences), `status`
(retractions), `figures` (figures and captions); `article_set` finds the articles in a document.

Elements are matched by local name, whatever their namespace and whatever is wrapped around the article.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from lxml import etree

from roco.base.errors import RejectedInput
from roco.models.text.licenses import Terms
from roco.sources.jats.article_set import articles_in, require_article
from roco.sources.jats.authors import authors_of
from roco.sources.jats.citations import worded_numbers
from roco.sources.jats.figures import Figure, figures_of
from roco.sources.jats.meta import (
    LANG,
    Dated,
    Related,
    custom_of,
    dates_of,
    ids_of,
    journal_of,
    keywords_of,
    related_of,
    year_of,
)
from roco.sources.jats.status import is_scan, status_of
from roco.sources.jats.terms import copyright_of, permissions_of, reservation_of, terms_of
from roco.sources.jats.text import title_of
from roco.sources.jats.tree import child, read_xml

__all__ = ["Article", "parse", "parse_all"]


@dataclass(frozen=True, slots=True)
class Article:
    """The contents of one article's XML; None and empty tuples where the XML has no value.

    version: of the PMC article; year_from: kind of the date that gives `year`, such as "epub"
    notice: whether it is the notice of a retraction; scan: whether it is a scan of print
    retraction: the place that marks it as retracted; retracts: ids of the papers that this notice retracts
    open_access: value of PMC's custom metadata; pmc_license: their `pmc-license-ref`
    terms: each <license>, unread (see `models/text/licenses.normalise`)
    third_party: the sentence that reserves rights of others in parts of the article
    figures: all images that it names, in the order of the document
    entity_fallback: whether undeclared entities were replaced (see `tree.read_xml`)
    """

    pmcid: str | None = None
    version: int | None = None
    pmid: str | None = None
    doi: str | None = None
    title: str | None = None
    journal: str | None = None
    year: int | None = None
    year_from: str | None = None
    dates: tuple[Dated, ...] = ()
    authors: tuple[str, ...] = ()
    article_type: str | None = None
    language: str | None = None
    keywords: tuple[str, ...] = ()
    related: tuple[Related, ...] = ()
    notice: bool = False
    retraction: str | None = None
    retracts: tuple[str, ...] = ()
    scan: bool = False
    open_access: bool | None = None
    terms: tuple[Terms, ...] = ()
    pmc_license: str | None = None
    copyright: str | None = None
    third_party: str | None = None
    figures: tuple[Figure, ...] = field(default=(), repr=False)
    entity_fallback: bool = False

    @property
    def retracted(self) -> bool:
        return self.retraction is not None


def parse(xml: bytes) -> Article:
    """Reads the first article of an XML document; raises RejectedInput with the reason if it cannot be read."""
    return parse_all(xml)[0]


def parse_all(xml: bytes) -> list[Article]:
    """Reads all articles of an XML document, which usually is one.

    Raises RejectedInput with the reason if the XML cannot be read, and NoArticle if it is another document.
    """
    try:
        root, entity_fallback = read_xml(xml)
    except RejectedInput as err:
        require_article(xml, err)
        raise
    elements = articles_in(root)
    if elements == [root]:
        return [_read(root, xml, entity_fallback)]
    articles = []
    for element in elements:
        # A document of its own: articles of a set use the same ids, and what wraps them is no part of them.
        article = copy.deepcopy(element)
        articles.append(_read(article, etree.tostring(article, encoding="utf-8", with_tail=False), entity_fallback))
    return articles


def _read(article: etree._Element, xml: bytes, entity_fallback: bool) -> Article:
    """Returns the contents of an <article>; xml: the bytes that it was parsed from."""
    meta = child(article, "front", "article-meta")
    ids = ids_of(meta)
    article_type = article.get("article-type")
    language = article.get(LANG)
    title = title_of(child(meta, "title-group", "article-title"))
    dates = dates_of(meta)
    year, year_from = year_of(dates)
    related = tuple(related_of(meta))
    custom = custom_of(meta)
    status = status_of(article_type, meta, related)
    return Article(
        pmcid=ids.pmcid,
        version=ids.version,
        pmid=ids.pmid,
        doi=ids.doi,
        title=title or None,
        journal=journal_of(child(article, "front", "journal-meta")),
        year=year,
        year_from=year_from,
        dates=tuple(dates),
        authors=tuple(authors_of(meta)),
        article_type=article_type,
        language=language,
        keywords=tuple(keywords_of(meta, language)),
        related=related,
        notice=status.notice,
        retraction=status.retraction,
        retracts=status.retracts,
        scan=is_scan(xml, custom),
        open_access=_open_access(custom.get("pmc-prop-open-access", "")),
        terms=tuple(one for permissions in permissions_of(meta) for one in terms_of(permissions)),
        pmc_license=custom.get("pmc-license-ref"),
        copyright=copyright_of(meta),
        third_party=reservation_of(meta),
        figures=tuple(figures_of(article, worded_numbers(xml))),
        entity_fallback=entity_fallback,
    )


def _open_access(value: str) -> bool | None:
    return {"yes": True, "no": False}.get(value.lower())
