"""What an article's front matter says of it: ids, journal, authors, dates, keywords, related articles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

from roco.base.ids import clean_doi, clean_pmcid, clean_pmid
from roco.base.text import fold
from roco.sources.jats.text import child, children, name_of, text_of, title_of

HREF = "{http://www.w3.org/1999/xlink}href"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"


_NO_KEYWORDS = frozenset({"abbreviations", "abbreviation", "abbr", "jel", "msc", "ams", "pacs", "research-organism"})


class Dated(NamedTuple):
    """A date of publication: its kind and what is known of it, `2016`, `2016-11` or `2016-11-03`."""

    kind: str
    date: str


class Related(NamedTuple):
    """An article that this one names: its related-article-type, and `doi:…`, `pmid:…`, `pmcid:…` or an address."""

    kind: str
    id: str


class Ids(NamedTuple):
    """The ids of an article; each null where it has none."""

    pmcid: str | None
    version: int | None
    pmid: str | None
    doi: str | None


def ids_of(meta: etree._Element | None) -> Ids:
    """PMCID, version, PMID and DOI; publisher ids are never taken for a DOI, nor PMC's internal ones for the PMCID."""
    found: dict[str, str] = {}
    for element in children(meta, "article-id"):
        found.setdefault((element.get("pub-id-type") or "").lower(), text_of(element))
    pmcid, version = clean_pmcid(found.get("pmcid-ver"))
    for kind in ("pmcid", "pmc"):
        other, numbered = clean_pmcid(found.get(kind))
        pmcid, version = pmcid or other, version or numbered
    return Ids(pmcid, version, clean_pmid(found.get("pmid")), clean_doi(found.get("doi")))


def journal_of(meta: etree._Element | None) -> str | None:
    """The journal's title, else its abbreviation."""
    if meta is None:
        return None
    for title in meta.iter("{*}journal-title"):
        if name := fold(text_of(title)):
            return name
    ids = {e.get("journal-id-type"): fold(text_of(e)) for e in children(meta, "journal-id")}
    return ids.get("nlm-ta") or ids.get("iso-abbrev") or None


def keywords_of(meta: etree._Element | None, language: str | None) -> Iterator[str]:
    """Keywords in the article's language, each once; abbreviations and codes of classifications are none."""
    groups = [g for g in children(meta, "kwd-group") if (g.get("kwd-group-type") or "").lower() not in _NO_KEYWORDS]
    own = [g for g in groups if (g.get(LANG) or language) == language] or groups[:1]
    found: dict[str, None] = {}
    for group in own:
        for element in group.iter("{*}kwd", "{*}compound-kwd-part"):
            if name_of(element) == "kwd" or element.get("content-type") != "code":
                found.setdefault(title_of(element))
    yield from (word for word in found if word)


def related_of(meta: etree._Element | None) -> Iterator[Related]:
    """The articles that this one names as related, in order."""
    for element in children(meta, "related-article", "related-object"):
        kind = element.get("related-article-type") or element.get("link-type") or ""
        told = element.get(HREF) or element.get("id") or text_of(element)
        named = (element.get("ext-link-type") or "").lower()
        doi, pmid, (pmcid, _) = clean_doi(told), clean_pmid(told), clean_pmcid(told)
        if doi:
            yield Related(kind, f"doi:{doi}")
        elif pmid and named in ("pubmed", "pmid"):
            yield Related(kind, f"pmid:{pmid}")
        elif pmcid and (named in ("pmc", "pmcid") or fold(told).upper().startswith("PMC")):
            yield Related(kind, f"pmcid:{pmcid}")
        elif text := fold(told):
            yield Related(kind, text[:300])


def custom_of(meta: etree._Element | None) -> dict[str, str]:
    """The custom metadata of the article, such as `pmc-license-ref` and `pmc-prop-is-scanned-article`."""
    found: dict[str, str] = {}
    for group in children(meta, "custom-meta-group", "custom-meta-wrap"):
        for one in children(group, "custom-meta"):
            found.setdefault(fold(text_of(child(one, "meta-name"))), fold(text_of(child(one, "meta-value"))))
    return found


# --- dates


_PUBLISHED = ("epub", "collection", "ppub")
"""Kinds of dates that make the year of an article."""
_KINDS = {
    "epub": "epub", "electronic": "epub", "epub-ppub": "epub", "epubr": "epub", "online": "epub",
    "ppub": "ppub", "print": "ppub", "collection": "collection", "ecollection": "collection", "issue-pub": "collection",
}  # fmt: skip
_MONTHS = {"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10,
           "nov": 11, "dec": 12}  # fmt: skip


def dates_of(meta: etree._Element | None) -> list[Dated]:
    """All dates of publication by kind, in order: epub, ppub, collection, else the kind as written."""
    found: list[Dated | None] = []
    for element in children(meta, "pub-date"):
        date = _dated(element)
        both = date is not None and element.get("pub-type") == "epub-ppub"
        found += [Dated(kind, date.date) for kind in ("epub", "ppub")] if date and both else [date]
    for event in (e for h in children(meta, "pub-history") for e in children(h, "event")):
        kind = event.get("event-type") or ""
        found += [_dated(e, kind) for e in children(event, "date", "pub-date")]
    return list(dict.fromkeys(d for d in found if d is not None))


def year_of(dates: list[Dated]) -> tuple[int | None, str | None]:
    """The earliest year of electronic, collection or print publication, and its kind; any other only without these."""
    own = [d for d in dates if d.kind in _PUBLISHED]
    first = min(own or dates, key=lambda d: d.date[:4], default=None)
    return (int(first.date[:4]), first.kind) if first else (None, None)


def _dated(element: etree._Element, event: str = "") -> Dated | None:
    year = fold(text_of(child(element, "year"))) or (element.get("iso-8601-date") or "")[:4]
    if not re.fullmatch(r"(?:1[6-9]|20)\d\d", year):
        return None
    month, day = _month(fold(text_of(child(element, "month")))), fold(text_of(child(element, "day")))
    date = year
    if month:
        date = f"{year}-{month:02d}"
        if re.fullmatch(r"0?[1-9]|[12]\d|3[01]", day):
            date = f"{date}-{int(day):02d}"
    return Dated(_kind(element, event), date)


def _kind(element: etree._Element, event: str) -> str:
    told = (element.get("pub-type") or "").lower()
    if told in _KINDS:
        return _KINDS[told]
    stage, form = (element.get("date-type") or event).lower(), (element.get("publication-format") or "").lower()
    if stage in _KINDS:
        return _KINDS[stage]
    if stage in ("pub", "publication", "") and not told:
        return _KINDS.get(form, "epub" if stage else "unknown")
    return told or stage


def _month(text: str) -> int | None:
    if re.fullmatch(r"0?[1-9]|1[0-2]", text):
        return int(text)
    return _MONTHS.get(text[:3].lower())


# --- authors


_OTHERS = re.compile("editor|collab|reviewer", re.I)  # collab-list: the members of a collaboration, named apart


def authors_of(meta: etree._Element | None) -> Iterator[str]:
    """Authors in order, `Surname, Given`; contributors of an editors' group or with another role are none."""
    for group in children(meta, "contrib-group"):
        if _OTHERS.search(group.get("content-type") or ""):
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
            western = [n for n in names if n.get("name-style") == "western" or (n.get(LANG) or "").startswith("en")]
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
