"""Reads licence statements in words: the Creative Commons licence by its terms, or another known statement.

Called by `licenses.normalise`, the last of the places that it reads: the words are written for people.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from roco.base.patterns import later


class Grant(NamedTuple):
    """A licence as one place names it: its id, how it is written there in short, its version and port."""

    id: str
    short: str
    version: str | None = None
    port: str | None = None


_TERMS = ("by", "nc", "nd", "sa")
_FAMILIES = {
    frozenset(parts.lower().split("-")): f"CC-{parts}"
    for parts in ("BY", "BY-NC", "BY-SA", "BY-ND", "BY-NC-SA", "BY-NC-ND", "NC", "SA", "ND", "NC-SA", "NC-ND")
}
URL = later(r"(?:(?:https?:/+|www\.)|creativecommons\.org/)[^\s<>()\[\]{}\"“”‘’,;]+", re.I)
"""A URL in running text, up to the punctuation that follows it; of its last full stop see `license_codes.bare_url`."""
_HYPHENS = re.compile(r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d\u00ad]")
# The four terms of Creative Commons in the languages of PMC and SciELO: English, Portuguese, Spanish.
_TERM_WORDS = {
    "by": r"attribution|atribuicao|atribucion|reconocimiento",
    "nc": r"non ?commercial|nao ?comercial|no ?comercial",
    "nd": r"no ?deriv\w*|non ?deriv\w*|sem ?deriv\w*|sin ?deriv\w*",
    "sa": r"share ?alike|compartilha\w* ?igual|compartir ?igual",
}
_TERM_PATTERNS = {name: re.compile(rf"\b(?:{words}|{name})\b") for name, words in _TERM_WORDS.items()}
_LONG = "|".join(_TERM_WORDS.values())
_SHORT = r"(?:by|nc|nd|sa)\b"
# Three spellings: the long name ("Creative Commons Attribution License"), the short one ("CC BY-NC"), and the mixed one
# ("Creative Commons BY 4.0"). "Creative Commons by the authors" names no licence, so in the mixed one "by" counts only
# before another term, the word "licence" or a version.
_NAMED = later(
    rf"\bcreative commons\b(?: (?:public )?licen[cs]\w+| licenca| licencia| de| do tipo| tipo)*"
    rf"(?P<long>(?:[ ,(:]*(?:and |y |e )?\b(?:{_LONG})\b)+)"
    rf"|\bcc (?P<short>{_SHORT}(?: {_SHORT})*)"
    rf"|\bcreative commons (?P<mixed>by\b(?= (?:nc|nd|sa|licen|[1-4]\.))(?: {_SHORT})*)"
)
_PUBLIC_DOMAIN_DEDICATION = re.compile(
    r"\b(?:cc ?0|cc zero|creative commons zero|public domain (?:dedication|declaration))\b"
)
# Statements that are not a Creative Commons licence: pattern, id, short form; the first match counts.
_OTHER_STATEMENTS = (
    (re.compile(r"\bcovid 19 resource cent|\bduration of the (?:who|world health)"), "PHE", "while the pandemic lasts"),
    (re.compile(r"\bavailable for text (?:and data )?mining\b"), "TDM", "text mining"),
    (re.compile(r"\bopen government licen[cs]e\b"), "OGL", "Open Government Licence"),
    (re.compile(r"\bauthorchoice\b"), "PUBLISHER-OA", "AuthorChoice"),
    (
        re.compile(
            r"(?<!not in the )\bpublic domain\b|\b(?:us|u\.s\.|united states) government works?\b"
            r"|\bworks? (?:of|by|prepared by) (?:the )?(?:us|u\.s\.|united states)(?: federal)? government\b"
        ),
        "PDM",
        "public domain",
    ),
    (re.compile(r"\bcreative commons\b"), "CC-UNSPECIFIED", "Creative Commons"),
)
_NON_COMMERCIAL_ONLY = re.compile(
    r"(?<!\bcommercial and )(?<!\bcommercial or )\bnon ?commercial (?:use|purposes?|distribution|reproduction)\b"
    r"|\bnot (?:be )?(?:used )?for commercial\b|\bno commercial (?:use|reuse)\b"
)
_PORTS = {"igo": "igo", "us": "us", "united states": "us", "uk": "uk", "germany": "de", "brazil": "br", "spain": "es"}
_VERSION_AND_PORT = re.compile(
    r"[^.;]{0,40}?\b(?P<version>[1-4]\.\d)\b(?: (?P<port>igo|us|uk|united states|germany|brazil|spain)\b)?"
)


def from_words(text: str) -> Grant | None:
    """Reads a licence statement in words; returns None if it contains no known licence.

    The licence is the set of terms right after "Creative Commons" or "CC". A text that names two licences, or that
    allows only non-commercial use beside a licence without NC, is CONFLICT.
    """
    folded = plain(URL.sub(" ", text))
    named = [match for match in _NAMED.finditer(folded) if _terms_in(match)]
    ids = {_FAMILIES.get(frozenset(_terms_in(match)), "CC-UNSPECIFIED") for match in named}

    # Beside a licence, CC0 is the usual waiver for the data of the article (BMC); alone it is the licence.
    if not ids and _PUBLIC_DOMAIN_DEDICATION.search(folded):
        ids = {"CC0"}
    if not ids:
        return _other_statement(folded)
    if ids == {"CC-BY"} and _NON_COMMERCIAL_ONLY.search(folded):
        return Grant("CONFLICT", "attribution, yet non-commercial use")
    if len(ids) > 1:
        return Grant("CONFLICT", ", ".join(sorted(ids)))

    short = _name_in(named[0]).strip(" ,(") if named else "CC0"
    version, port = _version_after(folded, named)
    return Grant(ids.pop(), short, version, port)


def _other_statement(folded: str) -> Grant | None:
    for pattern, id, short in _OTHER_STATEMENTS:
        if pattern.search(folded):
            return Grant(id, short)
    return None


def _version_after(folded: str, named: Sequence[re.Match[str]]) -> tuple[str | None, str | None]:
    """Returns version and port that follow the first named licence that has a version close after it."""
    for match in named:
        number = _VERSION_AND_PORT.match(folded, match.end())
        if number:
            return number["version"], _PORTS.get(number["port"] or "")
    return None, None


def grant_of(terms: Sequence[str], short: str, version: str | None = None, port: str | None = None) -> Grant | None:
    """Returns the licence of a set of terms in any order, `by nc` being CC-BY-NC; None if they are no licence."""
    if len(set(terms)) != len(terms):
        return None
    family = _FAMILIES.get(frozenset(terms))
    return Grant(family, short, version, port) if family else None


def fold(text: str | None) -> str:
    """Returns the text in Unicode compatibility form, with one kind of hyphen."""
    return _HYPHENS.sub("-", unicodedata.normalize("NFKC", text or "")).strip()


def plain(text: str) -> str:
    """Returns the text as the patterns above expect it: lower case, without accents, hyphens and double spaces."""
    decomposed = unicodedata.normalize("NFKD", fold(text))
    without_accents = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(re.sub(r"[-/\u2019']", " ", without_accents.lower()).split())


def _name_in(match: re.Match[str]) -> str:
    return match["long"] or match["short"] or match["mixed"]


def _terms_in(match: re.Match[str]) -> list[str]:
    name = _name_in(match)
    return [term for term in _TERMS if _TERM_PATTERNS[term].search(name)]
