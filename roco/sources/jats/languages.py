"""Languages of elements: xml:lang, which elements inherit from those around them."""

from __future__ import annotations

from lxml import etree

from roco.sources.jats.meta import LANG

_TWO_LETTERS = {"eng": "en", "por": "pt", "spa": "es", "fre": "fr", "fra": "fr", "ger": "de", "deu": "de", "ita": "it"}


def language_code(value: str | None) -> str | None:
    """Returns a language without its region, `en` for `en-US` and `eng`; None if it is not stated."""
    code = (value or "").strip().replace("_", "-").partition("-")[0].lower()
    return _TWO_LETTERS.get(code, code) or None


def language_of(element: etree._Element) -> str | None:
    """Returns the language of an element or of the nearest element around it that states one."""
    for holder in (element, *element.iterancestors()):
        stated = holder.get(LANG)
        if stated:
            return language_code(stated)
    return None
