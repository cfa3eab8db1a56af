"""The terms that an article, or a figure in it, states: its <permissions>, and the credit line of a figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lxml import etree

from roco.base.text import fold
from roco.models.text.licenses import Terms, normalise
from roco.sources.jats.meta import HREF
from roco.sources.jats.text import child, children, name_of, text_of

_STATED = ("copyright-statement", "copyright-holder", "license")


def terms_of(permissions: etree._Element | None) -> Iterator[Terms]:
    """Each <license> of one <permissions>; a licence for text mining only is none."""
    for license in children(permissions, "license"):
        if (license.get("specific-use") or "").lower() not in _MINING:
            yield _terms(license)


def figure_license(permissions: Sequence[etree._Element]) -> str | None:
    """The normalised licence that a figure states for itself; null where it states no permissions at all.

    Several <permissions> are those of several panels: they must agree, or it is CONFLICT.
    """
    found = {normalise(None, tuple(terms_of(one)), None).id for one in permissions}
    return None if not found else found.pop() if len(found) == 1 else "CONFLICT"


def credit_of(fig: etree._Element, permissions: Sequence[etree._Element]) -> str | None:
    """The words of a figure's <attrib> and of its own permissions, each once, joined by a space."""
    lines = [text_of(e) for e in fig.iter("{*}attrib") if next(e.iterancestors("{*}fig", "{*}fig-group"), fig) is fig]
    for one in permissions:
        lines += [text_of(part) for part in one if name_of(part) in _STATED]
    return fold(" ".join(dict.fromkeys(filter(None, lines)))) or None


def copyright_of(meta: etree._Element | None) -> str | None:
    """The copyright statement of an article, old DTDs having it outside of <permissions>; else year and holder."""
    for place in (child(meta, "permissions"), meta):
        if said := fold(text_of(child(place, "copyright-statement"))):
            return said
        year, holder = (fold(text_of(child(place, f"copyright-{n}"))) for n in ("year", "holder"))
        if holder:
            return f"© {year} {holder}".replace("  ", " ")
    return None


_MINING = frozenset({"textmining", "tdm"})


def _terms(license: etree._Element) -> Terms:
    refs = [e for e in license.iter("{*}license_ref") if (e.get("specific-use") or "").lower() not in _MINING]
    ali = [said for e in refs for said in (fold(text_of(e)), e.get("content-type")) if said]
    links = [
        e.get(HREF) or fold(text_of(e)) for e in license.iter("{*}ext-link", "{*}uri")
    ]  # a <uri> may hold its address as text
    words = " ".join(text_of(e) for e in license if name_of(e) != "license_ref") or license.text or ""
    return Terms(license.get(HREF), tuple(ali), license.get("license-type"), tuple(links), fold(words))
