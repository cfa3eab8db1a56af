"""Reads an article's JATS XML: who wrote it, under which terms, and every image that it names.

Elements are matched by their local names, whatever the namespace and the wrapper around the article.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from roco.base.errors import RejectedInput
from roco.base.text import fold
from roco.models.text.licenses import Terms, third_party
from roco.sources.jats.citations import worded_numbers
from roco.sources.jats.figures import Figure, figures_of
from roco.sources.jats.meta import (
    LANG,
    Dated,
    Related,
    authors_of,
    custom_of,
    dates_of,
    ids_of,
    journal_of,
    keywords_of,
    related_of,
    year_of,
)
from roco.sources.jats.standing import is_notice, is_scan, retraction, retracts
from roco.sources.jats.terms import copyright_of, terms_of
from roco.sources.jats.text import child, children, name_of, read_xml, text_of, title_of

__all__ = ["Article", "parse"]


@dataclass(frozen=True, slots=True)
class Article:
    """What one article says of itself; `figures` holds all images it names, in order of the document.

    retraction: where the XML says that the paper is retracted, null where it does not; retracts: ids of the papers
    that this notice retracts; open_access: as PMC's custom metadata tell it, null where they do not.
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
    """Reads one article from its XML as bytes; raises RejectedInput with the reason when it cannot be read."""
    root, fallback = read_xml(xml)
    article = root if name_of(root) == "article" else next(root.iter("{*}article"), None)
    if article is None:
        raise RejectedInput(f"XML: there is no article in it, but <{name_of(root)[:40]}>")
    meta = child(article, "front", "article-meta")
    ids, kind, language = ids_of(meta), article.get("article-type"), article.get(LANG)
    title = title_of(child(meta, "title-group", "article-title"))
    dates, related, custom = dates_of(meta), tuple(related_of(meta)), custom_of(meta)
    year, year_from = year_of(dates)
    return Article(
        **ids._asdict(),
        title=title or None,
        journal=journal_of(child(article, "front", "journal-meta")),
        year=year,
        year_from=year_from,
        dates=tuple(dates),
        authors=tuple(authors_of(meta)),
        article_type=kind,
        language=language,
        keywords=tuple(keywords_of(meta, language)),
        related=related,
        notice=is_notice(kind, meta),
        retraction=retraction(kind, meta, title, related),
        retracts=retracts(kind, meta, related),
        scan=is_scan(xml, custom),
        open_access={"yes": True, "no": False}.get(custom.get("pmc-prop-open-access", "").lower()),
        terms=tuple(terms_of(child(meta, "permissions"))),
        pmc_license=custom.get("pmc-license-ref"),
        copyright=copyright_of(meta),
        third_party=next(_exceptions(meta), None),
        figures=tuple(figures_of(article, language, worded_numbers(xml))),
        entity_fallback=fallback,
    )


def _exceptions(meta: etree._Element | None) -> Iterator[str]:
    """What the article's permissions say of material that others hold the rights to."""
    for permissions in children(meta, "permissions"):
        if said := third_party(fold(text_of_permissions(permissions))):
            yield said


def text_of_permissions(permissions: etree._Element) -> str:
    return " ".join(text_of(part) for part in permissions if name_of(part) != "license_ref")
