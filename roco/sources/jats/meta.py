"""Reads an article's front matter: identifiers, journal, related articles, keywords, dates.

Called by `article.parse`; meta is always the <article-meta> element, None if the article has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

from roco.base.ids import clean_doi, clean_pmcid, clean_pmid
from roco.base.text import fold
from roco.sources.jats.text import text_of, title_of
from roco.sources.jats.tree import HREF, child, children, name_of

LANG = "{http://www.w3.org/XML/1998/namespace}lang"

# Types of keyword groups that contain something else: abbreviations, codes of classifications, organisms (eLife).
_NOT_KEYWORDS = frozenset({"abbreviations", "abbreviation", "abbr", "jel", "msc", "ams", "pacs", "research-organism"})


class Dated(NamedTuple):
    """A date of publication: its kind, and as much of the date as is known: `2016`, `2016-11` or `2016-11-03`."""

    kind: str
    date: str


class Related(NamedTuple):
    """A related article: its related-article-type, and `doi:…`, `pmid:…`, `pmcid:…` or the text as written."""

    kind: str
    id: str


class Ids(NamedTuple):
    """The identifiers of an article; None for those that it does not have."""

    pmcid: str | None
    version: int | None
    pmid: str | None
    doi: str | None


def ids_of(meta: etree._Element | None) -> Ids:
    """Returns PMCID, version, PMID and DOI, each only from <article-id> elements of its own type.

    So a publisher's id is never taken for a DOI, and PMC's internal ids (`pmcaid`) never for a PMCID.
    """
    by_type: dict[str, str] = {}
    for element in children(meta, "article-id"):
        by_type.setdefault((element.get("pub-id-type") or "").lower(), text_of(element))
    # `pmcid-ver` is written with its version, the others usually without.
    pmcid, version = clean_pmcid(by_type.get("pmcid-ver"))
    for id_type in ("pmcid", "pmc"):
        other_pmcid, other_version = clean_pmcid(by_type.get(id_type))
        pmcid = pmcid or other_pmcid
        version = version or other_version
    return Ids(pmcid, version, clean_pmid(by_type.get("pmid")), clean_doi(by_type.get("doi")))


def journal_of(journal_meta: etree._Element | None) -> str | None:
    """Returns the title of the journal, else its NLM or ISO abbreviation."""
    if journal_meta is None:
        return None
    for title in journal_meta.iter("{*}journal-title"):
        name = fold(text_of(title))
        if name:
            return name
    by_type = {
        element.get("journal-id-type"): fold(text_of(element)) for element in children(journal_meta, "journal-id")
    }
    return by_type.get("nlm-ta") or by_type.get("iso-abbrev") or None


def keywords_of(meta: etree._Element | None, language: str | None) -> Iterator[str]:
    """Yields the keywords in the article's language, each once; if there are none, those of the first group."""
    groups = []
    for group in children(meta, "kwd-group"):
        if (group.get("kwd-group-type") or "").lower() not in _NOT_KEYWORDS:
            groups.append(group)
    in_language = [group for group in groups if (group.get(LANG) or language) == language]

    keywords: dict[str, None] = {}  # a dict as an ordered set
    for group in in_language or groups[:1]:
        for element in group.iter("{*}kwd", "{*}compound-kwd-part"):
            # A part of a compound keyword may be the code of the keyword in a classification.
            if name_of(element) == "kwd" or element.get("content-type") != "code":
                keywords.setdefault(title_of(element))
    yield from (keyword for keyword in keywords if keyword)


def related_of(meta: etree._Element | None) -> Iterator[Related]:
    """Yields the related articles, in order."""
    for element in children(meta, "related-article", "related-object"):
        kind = element.get("related-article-type") or element.get("link-type") or ""
        target = element.get(HREF) or element.get("id") or text_of(element)
        link_type = (element.get("ext-link-type") or "").lower()
        identifier = _identifier(target, link_type)
        if identifier:
            yield Related(kind, identifier)


def _identifier(target: str, link_type: str) -> str:
    """Returns a target as `doi:…`, `pmid:…` or `pmcid:…`, else as written; empty for an empty target.

    A bare number may be any id, so it counts as a PMID or PMCID only with the matching `ext-link-type`.
    """
    doi = clean_doi(target)
    if doi:
        return f"doi:{doi}"
    pmid = clean_pmid(target)
    if pmid and link_type in ("pubmed", "pmid"):
        return f"pmid:{pmid}"
    pmcid, _ = clean_pmcid(target)
    if pmcid and (link_type in ("pmc", "pmcid") or fold(target).upper().startswith("PMC")):
        return f"pmcid:{pmcid}"
    return fold(target)[:300]


def custom_of(meta: etree._Element | None) -> dict[str, str]:
    """Returns the custom metadata by name, such as `pmc-license-ref`; of equal names the first counts."""
    custom: dict[str, str] = {}
    for group in children(meta, "custom-meta-group", "custom-meta-wrap"):
        for entry in children(group, "custom-meta"):
            name = fold(text_of(child(entry, "meta-name")))
            custom.setdefault(name, fold(text_of(child(entry, "meta-value"))))
    return custom


# --- dates


_KINDS_OF_YEAR = ("epub", "collection", "ppub")
"""Kinds of dates that determine the year of an article."""
_KINDS = {
    "epub": "epub", "electronic": "epub", "epub-ppub": "epub", "epubr": "epub", "online": "epub",
    "ppub": "ppub", "print": "ppub", "collection": "collection", "ecollection": "collection", "issue-pub": "collection",
}  # fmt: skip
_MONTHS = {"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10,
           "nov": 11, "dec": 12}  # fmt: skip


def dates_of(meta: etree._Element | None) -> list[Dated]:
    """Returns all dates of publication, each once and in order; kind: epub, ppub, collection, else as written."""
    dates: list[Dated] = []
    for element in children(meta, "pub-date"):
        date = _dated(element)
        if date is None:
            continue
        if element.get("pub-type") == "epub-ppub":  # one date for both
            dates += [Dated("epub", date.date), Dated("ppub", date.date)]
        else:
            dates.append(date)
    for history in children(meta, "pub-history"):
        for event in children(history, "event"):
            for element in children(event, "date", "pub-date"):
                date = _dated(element, event.get("event-type") or "")
                if date is not None:
                    dates.append(date)
    return list(dict.fromkeys(dates))


def year_of(dates: list[Dated]) -> tuple[int | None, str | None]:
    """Returns the earliest year of electronic, collection or print publication, and its kind.

    Dates of other kinds count only if there is none of these.
    """
    of_publication = [date for date in dates if date.kind in _KINDS_OF_YEAR]
    first = min(of_publication or dates, key=lambda date: date.date[:4], default=None)
    return (int(first.date[:4]), first.kind) if first else (None, None)


def _dated(element: etree._Element, event: str = "") -> Dated | None:
    """Returns the date of a <pub-date> or <date>; None without a plausible year. event: type of the event around it."""
    year = fold(text_of(child(element, "year"))) or (element.get("iso-8601-date") or "")[:4]
    if not re.fullmatch(r"(?:1[6-9]|20)\d\d", year):
        return None
    date = year
    month = _month(fold(text_of(child(element, "month"))))
    day = fold(text_of(child(element, "day")))
    if month:
        date = f"{year}-{month:02d}"
        if re.fullmatch(r"0?[1-9]|[12]\d|3[01]", day):
            date = f"{date}-{int(day):02d}"
    return Dated(_kind(element, event), date)


def _kind(element: etree._Element, event: str) -> str:
    """Returns the kind of a date: from pub-type (old DTDs), else from date-type and publication-format (JATS 1.1)."""
    pub_type = (element.get("pub-type") or "").lower()
    if pub_type in _KINDS:
        return _KINDS[pub_type]
    date_type = (element.get("date-type") or event).lower()
    if date_type in _KINDS:
        return _KINDS[date_type]
    if date_type in ("pub", "publication", "") and not pub_type:
        publication_format = (element.get("publication-format") or "").lower()
        return _KINDS.get(publication_format, "epub" if date_type else "unknown")
    return pub_type or date_type


def _month(text: str) -> int | None:
    if re.fullmatch(r"0?[1-9]|1[0-2]", text):
        return int(text)
    return _MONTHS.get(text[:3].lower())
