"""Reads the terms of use of an article or of a figure: <permissions>, credit lines and copyright statements.

Old versions of the DTD have no <permissions>: there <license> and <copyright-statement> are in <article-meta> or <fig>.

`article.parse` calls `terms_of`, `copyright_of` and `reservation_of`, `figures.py` calls `permissions_of`,
`figure_license` and `credit_of`. The terms of an article are only collected here; `stages/extract_rows.py` passes them
to `models/text/licenses.normalise`, together with the licence in the source's index.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterator, Sequence

from lxml import etree

from roco.base.text import fold
from roco.models.text.licenses import Terms, normalise
from roco.models.text.third_party import third_party
from roco.sources.jats.captions import caption_in_credit
from roco.sources.jats.text import text_of
from roco.sources.jats.tree import HREF, child, children, name_of

_STATEMENTS = ("copyright-statement", "copyright-holder", "license")
_LICENSES = ("license", "license_ref")  # <ali:license_ref> is usually in a <license>, but may be beside it or alone
# Attributes of a <license> that is for something else than the article; each value is compared as a whole.
_SCOPES = ("specific-use", "license-type", "content-type")
_NOT_FOR_ARTICLE = frozenset({
    "textmining", "text-mining", "tdm", "data", "dataset", "data-license", "data-licence", "data-waiver", "software",
    "code", "software-license", "metadata", "supplement", "supplementary-material",
})  # fmt: skip
_SIGN = r"(?:copyright|©|\(c\))[\s:]*"
_YEAR = r"(?:19|20)\d\d"
_MOST_NOTICES = 20  # more are no statement of an article, and comparing them all is slow
_ONLY_YEAR = re.compile(rf"(?:{_SIGN}|{_YEAR}|[\s.,;\u2012-\u2015-])*", re.I)  # a statement that names no holder


def permissions_of(holder: etree._Element | None) -> list[etree._Element]:
    """Returns the <permissions> of an article's metadata or of a figure; also the holder itself if it states terms."""
    permissions = children(holder, "permissions")
    if holder is not None and children(holder, *_STATEMENTS, *_LICENSES):
        permissions.append(holder)
    return permissions


def terms_of(permissions: etree._Element) -> Iterator[Terms]:
    """Yields the terms of each licence of one <permissions>; licences for mining or data only are skipped."""
    for license in children(permissions, *_LICENSES):
        if not _is_for_something_else(license):
            yield _terms(license)


def reservation_of(meta: etree._Element | None) -> str | None:
    """Returns the first sentence of the article's permissions that reserves rights of others; None without one."""
    for permissions in permissions_of(meta):
        # <license_ref> contains a URL, which is not part of any sentence.
        parts = [text_of(part) for part in children(permissions, *_STATEMENTS)]
        sentence = third_party(fold(" ".join(parts)))
        if sentence:
            return sentence
    return None


def figure_license(permissions: Sequence[etree._Element]) -> str | None:
    """Returns the normalised licence that a figure states itself; None if it states no permissions.

    Several <permissions> belong to several panels: if their licences differ, the result is CONFLICT.
    """
    ids = set()
    for one in permissions:
        license = normalise(None, tuple(terms_of(one)), None)
        ids.add(license.id)
    if not ids:
        return None
    return ids.pop() if len(ids) == 1 else "CONFLICT"


def credit_of(holders: Sequence[etree._Element], permissions: Sequence[etree._Element]) -> str | None:
    """Returns the text of a figure's <attrib> elements and of its permissions, each once, joined by a space.

    holders: the figure and the groups or figures around it. Each contributes its own credit lines, not those of figures
    inside.
    """
    lines = []
    for holder in holders:
        for attrib in holder.iter("{*}attrib"):
            is_own = next(attrib.iterancestors("{*}fig", "{*}fig-group"), holder) is holder
            if is_own and caption_in_credit(attrib) is None:
                lines.append(text_of(attrib))
    for one in permissions:
        lines += [text_of(part) for part in children(one, *_STATEMENTS)]
    distinct = dict.fromkeys(line for line in map(fold, lines) if line)
    # A statement usually contains the name of the holder.
    return " ".join(line for line in distinct if not _is_within_another(line, distinct)) or None


def copyright_of(meta: etree._Element | None) -> str | None:
    """Returns the copyright statement of an article; else, or if it is only a year, "© year holder"."""
    for place in permissions_of(meta):
        statement = _without_repetition(fold(text_of(child(place, "copyright-statement"))))
        has_holder = any(text_of(holder).strip() for holder in children(place, "copyright-holder"))
        if statement and not (has_holder and _ONLY_YEAR.fullmatch(statement)):
            return statement
        years = re.sub(_SIGN, "", statement, flags=re.I).strip(" .,;")
        year = fold(text_of(child(place, "copyright-year"))) or years
        holders = [fold(text_of(holder)) for holder in children(place, "copyright-holder")]
        named = ", ".join(dict.fromkeys(holder for holder in holders if holder))
        if named:
            return _notice(year, named)
    return None


def _without_repetition(statement: str) -> str:
    """Returns a statement without notices whose words another one has: "© 2017 Copyright © 2017 The Authors"."""
    starts = [sign.start() for sign in re.finditer(rf"(?:{_SIGN})+", statement, re.I)]
    if len(starts) > _MOST_NOTICES:
        return statement
    notices = [statement[start:end] for start, end in itertools.pairwise([*starts, len(statement)])]
    kept: list[str] = []
    for notice in sorted(notices, key=lambda notice: len(_words_of_notice(notice)), reverse=True):
        words = _words_of_notice(notice)
        is_repeated = any(_words_of_notice(other)[: len(words)] == words for other in kept)
        if not words or not re.match(_YEAR, words[0]) or not is_repeated:
            kept.append(notice)
    if len(kept) == len(notices):
        return statement
    in_order = [notice for notice in notices if notice in kept]
    return (statement[: starts[0]] + "".join(dict.fromkeys(in_order))).strip(" ,;")


def _words_of_notice(notice: str) -> list[str]:
    return re.findall(r"\w+", re.sub(_SIGN, "", notice, flags=re.I).lower())


def _notice(year: str, holder: str) -> str:
    """Returns "© year holder"; the holder may already contain the sign, the year, or both."""
    name = re.sub(rf"(?:{_SIGN})*", "", holder, count=1, flags=re.I)
    if year and year not in name and not re.match(_YEAR, name):
        name = f"{year} {name}"
    return f"© {name}".strip()


def _is_within_another(line: str, lines: dict[str, None]) -> bool:
    return any(line in other and line != other for other in lines)


def _terms(license: etree._Element) -> Terms:
    ali: list[str] = []
    for ref in license.iter("{*}license_ref"):
        if not _is_for_something_else(ref):
            # PMC writes the code of the licence ("ccbylicense") into the attribute content-type.
            ali += [value for value in (fold(text_of(ref)), ref.get("content-type")) if value]

    # A <uri> may have its address as text instead of in xlink:href.
    links = [link.get(HREF) or fold(text_of(link)) for link in license.iter("{*}ext-link", "{*}uri")]
    return Terms(
        href=license.get(HREF),
        ali=tuple(ali),
        kind=license.get("license-type"),
        links=tuple(links),
        words=_words(license) if name_of(license) == "license" else "",
    )


def _words(license: etree._Element) -> str:
    """Returns the text of a licence: each paragraph on a line of its own, each link followed by its address."""
    license = copy.deepcopy(license)
    for link in license.iter("{*}ext-link", "{*}uri"):
        address = link.get(HREF)
        if address and address not in text_of(link):
            link.tail = f" {address} {link.tail or ''}"
    paragraphs = [license.text or ""]
    for part in license:
        if name_of(part) in ("p", "license-p"):
            paragraphs += [text_of(part), part.tail or ""]
        elif name_of(part) == "license_ref":
            paragraphs[-1] += part.tail or ""
        else:
            paragraphs[-1] += text_of(part) + (part.tail or "")
    return "\n".join(line for line in map(fold, paragraphs) if line)


def _is_for_something_else(element: etree._Element) -> bool:
    """Returns whether an attribute limits a licence to text mining, or to other material than the article."""
    values = [value for name in _SCOPES for value in (element.get(name) or "").lower().split()]
    return not _NOT_FOR_ARTICLE.isdisjoint(values)
