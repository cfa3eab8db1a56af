"""Reads the terms of use of an article or of a figure: <permissions>, credit lines and copyright statements.

`article.parse` calls `terms_of` and `copyright_of`, `figures.py` calls `figure_license` and `credit_of`. The terms of
an article are only collected here; `stages/extract_rows.py` passes them to `models/text/licenses.normalise`, together
with the licence in the source's index.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lxml import etree

from roco.base.text import fold
from roco.models.text.licenses import Terms, normalise
from roco.sources.jats.meta import HREF
from roco.sources.jats.text import text_of
from roco.sources.jats.tree import child, children, name_of

_STATEMENTS = ("copyright-statement", "copyright-holder", "license")
_TEXT_MINING = frozenset({"textmining", "tdm"})


def terms_of(permissions: etree._Element | None) -> Iterator[Terms]:
    """Yields the terms of each <license> of one <permissions>; licences for text mining only are skipped."""
    for license in children(permissions, "license"):
        if not _is_for_text_mining(license):
            yield _terms(license)


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


def credit_of(fig: etree._Element, permissions: Sequence[etree._Element]) -> str | None:
    """Returns the text of a figure's <attrib> elements and of its permissions, each once, joined by a space."""
    lines = []
    for attrib in fig.iter("{*}attrib"):
        # A group contributes only its own credit line, not those of the figures inside.
        owner = next(attrib.iterancestors("{*}fig", "{*}fig-group"), fig)
        if owner is fig:
            lines.append(text_of(attrib))
    for one in permissions:
        lines += [text_of(part) for part in one if name_of(part) in _STATEMENTS]
    distinct = dict.fromkeys(line for line in lines if line)
    return fold(" ".join(distinct)) or None


def copyright_of(meta: etree._Element | None) -> str | None:
    """Returns the copyright statement of an article; else "© year holder".

    Old versions of the DTD have these elements in <article-meta> itself, without <permissions>.
    """
    for place in (child(meta, "permissions"), meta):
        statement = fold(text_of(child(place, "copyright-statement")))
        if statement:
            return statement
        year = fold(text_of(child(place, "copyright-year")))
        holder = fold(text_of(child(place, "copyright-holder")))
        if holder:
            return f"© {year} {holder}".replace("  ", " ")
    return None


def _terms(license: etree._Element) -> Terms:
    ali: list[str] = []
    for ref in license.iter("{*}license_ref"):
        if not _is_for_text_mining(ref):
            # PMC writes the code of the licence ("ccbylicense") into the attribute content-type.
            ali += [value for value in (fold(text_of(ref)), ref.get("content-type")) if value]

    # A <uri> may have its address as text instead of in xlink:href.
    links = [link.get(HREF) or fold(text_of(link)) for link in license.iter("{*}ext-link", "{*}uri")]

    parts = [text_of(part) for part in license if name_of(part) != "license_ref"]
    words = " ".join(parts) or license.text or ""
    return Terms(
        href=license.get(HREF),
        ali=tuple(ali),
        kind=license.get("license-type"),
        links=tuple(links),
        words=fold(words),
    )


def _is_for_text_mining(element: etree._Element) -> bool:
    return (element.get("specific-use") or "").lower() in _TEXT_MINING
