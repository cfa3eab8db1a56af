"""Reads an article's JATS XML: who wrote it, under which terms, and every image that it names.

Elements are matched by their local names, whatever the namespace and the wrapper around the article.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from roco.errors import Refused
from roco.sources.jats_figures import Figure, figures_of
from roco.sources.jats_text import child, children, fold, name_of, read_xml, text_of, title_of
from roco.sources.licenses import Terms

_HREF = "{http://www.w3.org/1999/xlink}href"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_DIGITAL = re.compile(r"10\.\d{4,9}/\S+")
_PMCID = re.compile(r"(?:PMC)?(\d{1,10})(?:\.(\d{1,4}))?", re.I)
_RETRACTED = re.compile(r"\W*(?:retracted\s*(?:article|paper|chapter)?\s*[:\]\).\u2013\u2014-]|RETRACTED\b)", re.I)
_NO_RETRACTED = re.compile(r"\W*[Rr]etracted\s+[a-z]")
_PUBLISHED = frozenset({"epub", "ppub", "collection", "epub-ppub", "pub", "publication", "print", "electronic"})


@dataclass(frozen=True, slots=True)
class Article:
    """What one article says of itself; `figures` holds all images it names, in order of the document."""

    pmcid: str | None = None
    version: int | None = None
    pmid: str | None = None
    doi: str | None = None
    title: str | None = None
    journal: str | None = None
    year: int | None = None
    authors: tuple[str, ...] = ()
    article_type: str | None = None
    retracted: bool = False
    terms: tuple[Terms, ...] = ()
    pmc_license: str | None = None
    figures: tuple[Figure, ...] = field(default=(), repr=False)
    entity_fallback: bool = False


def parse(xml: bytes) -> Article:
    """Reads one article from its XML as bytes; raises Refused with the reason when it cannot be read."""
    root, fallback = read_xml(xml)
    article = root if name_of(root) == "article" else next(root.iter("{*}article"), None)
    if article is None:
        raise Refused(f"XML: there is no article in it, but <{name_of(root)[:40]}>")
    meta = child(article, "front", "article-meta")
    pmcid, version, pmid, doi = _ids(meta)
    return Article(
        pmcid=pmcid,
        version=version,
        pmid=pmid,
        doi=doi,
        title=title_of(child(meta, "title-group", "article-title")) or None,
        journal=_journal(child(article, "front", "journal-meta")),
        year=_year(meta),
        authors=tuple(_authors(meta)),
        article_type=article.get("article-type"),
        retracted=_retracted(article, meta),
        terms=tuple(_terms(one) for one in children(child(meta, "permissions"), "license")),
        pmc_license=_custom(meta, "pmc-license-ref"),
        figures=tuple(figures_of(article, article.get(_LANG))),
        entity_fallback=fallback,
    )


def clean_doi(text: str | None) -> str | None:
    """A DOI in lower case without its address, or null when it is none."""
    bare = re.sub(r"(?i)^(?:https?://(?:dx\.)?doi\.org/|info:doi/|doi:\s*)", "", fold(text or ""))
    return bare.lower() if _DIGITAL.fullmatch(bare) else None


def clean_pmcid(text: str | None) -> tuple[str | None, int | None]:
    """PMCID with its letters, and the version where the text has one: `PMC123.2` is (PMC123, 2)."""
    match = _PMCID.fullmatch(fold(text or ""))
    if not match:
        return None, None
    return f"PMC{int(match[1])}", int(match[2]) if match[2] else None


def _ids(meta: etree._Element | None) -> tuple[str | None, int | None, str | None, str | None]:
    """PMCID, version, PMID and DOI; publisher ids are never taken for a DOI, nor PMC's internal ones for the PMCID."""
    found: dict[str, str] = {}
    for element in children(meta, "article-id"):
        found.setdefault((element.get("pub-id-type") or "").lower(), text_of(element))
    pmcid, version = clean_pmcid(found.get("pmcid-ver"))
    for kind in ("pmcid", "pmc"):
        other, numbered = clean_pmcid(found.get(kind))
        pmcid, version = pmcid or other, version or numbered
    pmid = fold(found.get("pmid", ""))
    return pmcid, version, pmid if pmid.isdecimal() and pmid.isascii() else None, clean_doi(found.get("doi"))


def _journal(meta: etree._Element | None) -> str | None:
    if meta is None:
        return None
    for title in meta.iter("{*}journal-title"):
        if name := fold(text_of(title)):
            return name
    ids = {e.get("journal-id-type"): fold(text_of(e)) for e in children(meta, "journal-id")}
    return ids.get("nlm-ta") or ids.get("iso-abbrev") or None


def _year(meta: etree._Element | None) -> int | None:
    """The earliest year of electronic, collection or print publication; any other date only without these."""
    published: list[int] = []
    other: list[int] = []
    for date in children(meta, "pub-date"):
        text = fold(text_of(child(date, "year")))
        if not re.fullmatch(r"(?:1[6-9]|20)\d\d", text):
            continue
        kind = (date.get("pub-type") or date.get("date-type") or date.get("publication-format") or "").lower()
        (published if kind in _PUBLISHED else other).append(int(text))
    return min(published or other, default=None)


def _authors(meta: etree._Element | None) -> Iterator[str]:
    """Authors in order; contributors of an editors' group or with another role are none."""
    for group in children(meta, "contrib-group"):
        if "editor" in (group.get("content-type") or "").lower():
            continue
        for contrib in children(group, "contrib", "collab"):
            if name_of(contrib) == "contrib" and contrib.get("contrib-type", "author").lower() not in (
                "author",
                "person",
            ):
                continue
            if name := _person(contrib):
                yield name


def _person(contrib: etree._Element) -> str:
    if name_of(contrib) == "collab":
        return _group(contrib)
    for element in contrib:
        kind = name_of(element)
        if kind == "name-alternatives":
            names = children(element, "name", "string-name", "collab")
            western = [n for n in names if n.get("name-style") == "western" or (n.get(_LANG) or "").startswith("en")]
            element = next(iter(western or names), element)
            kind = name_of(element)
        if kind in ("name", "string-name"):
            surname, given = (fold(text_of(child(element, n))) for n in ("surname", "given-names"))
            return ", ".join(p for p in (surname, given) if p) or fold(text_of(element))
        if kind in ("collab", "collab-alternatives"):
            return _group(child(element, "collab") if kind == "collab-alternatives" else element)
        if kind == "anonymous":
            return "Anonymous"
    return ""


def _group(collab: etree._Element | None) -> str:
    """The name of a collaboration without the list of its members."""
    if collab is None:
        return ""
    named = child(collab, "institution")
    own = [collab.text or ""]
    for part in collab:
        if name_of(part) not in ("contrib-group", "xref", "fn", "address", "aff", "email", "ext-link"):
            own.append(text_of(part))
        own.append(part.tail or "")
    return fold(" ".join(own)).strip(" ,;") or fold(text_of(named))


def _retracted(article: etree._Element, meta: etree._Element | None) -> bool:
    """Whether this paper is retracted; a notice of retraction is another article and is not."""
    kind = (article.get("article-type") or "").lower()
    if kind in ("retraction", "retraction-notice"):
        return False
    if kind in ("retracted-article", "retracted"):
        return True
    if any(e.get("related-article-type") == "retraction-forward" for e in children(meta, "related-article")):
        return True
    title = title_of(child(meta, "title-group", "article-title"))
    return bool(_RETRACTED.match(title)) and not _NO_RETRACTED.match(title)


def _terms(license: etree._Element) -> Terms:
    """One <license>; a licence for text mining only is not the article's."""
    ali = [
        fold(text_of(e))
        for e in license.iter("{*}license_ref")
        if (e.get("specific-use") or "").lower() not in ("textmining", "tdm")
    ]
    links = [
        e.get(_HREF) or fold(text_of(e)) for e in license.iter("{*}ext-link", "{*}uri")
    ]  # a <uri> may hold its address as text
    words = " ".join(text_of(e) for e in license if name_of(e) != "license_ref") or license.text or ""
    return Terms(license.get(_HREF), tuple(ali), license.get("license-type"), tuple(links), fold(words))


def _custom(meta: etree._Element | None, name: str) -> str | None:
    for group in children(meta, "custom-meta-group", "custom-meta-wrap"):
        for one in children(group, "custom-meta"):
            if fold(text_of(child(one, "meta-name"))) == name:
                return fold(text_of(child(one, "meta-value"))) or None
    return None
