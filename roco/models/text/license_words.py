"""What a licence statement says in words: its Creative Commons licence by the terms named, or what else it is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple


class Grant(NamedTuple):
    """One reading of one place: the id of the licence, how it was written in short, its version and port."""

    id: str
    short: str
    version: str | None = None
    port: str | None = None


_PARTS = ("by", "nc", "nd", "sa")
_FAMILIES = {
    frozenset(parts.lower().split("-")): f"CC-{parts}"
    for parts in ("BY", "BY-NC", "BY-SA", "BY-ND", "BY-NC-SA", "BY-NC-ND", "NC", "SA", "ND", "NC-SA", "NC-ND")
}
URL = re.compile(r"(?:https?:/+|www\.)\S+|creativecommons\.org/\S+", re.I)
_DASHES = re.compile(r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d\u00ad]")
_WORDS = {  # what the four terms are called in the languages met in PMC and SciELO
    "by": r"attribution|atribuicao|atribucion|reconocimiento",
    "nc": r"non ?commercial|nao ?comercial|no ?comercial",
    "nd": r"no ?deriv\w*|non ?deriv\w*|sem ?deriv\w*|sin ?deriv\w*",
    "sa": r"share ?alike|compartilha\w* ?igual|compartir ?igual",
}
_TERM = {name: re.compile(rf"\b(?:{words}|{name})\b") for name, words in _WORDS.items()}
_LONG = "|".join(_WORDS.values())
_SHORT = r"(?:by|nc|nd|sa)\b"
# "Creative Commons by the authors" names no licence, so "by" counts only before another term, a word or a number.
_SPOKEN = re.compile(
    rf"\bcreative commons\b(?: (?:public )?licen[cs]\w+| licenca| licencia| de| do tipo| tipo)*"
    rf"(?P<long>(?:[ ,(:]*(?:and |y |e )?\b(?:{_LONG})\b)+)"
    rf"|\bcc (?P<short>{_SHORT}(?: {_SHORT})*)"
    rf"|\bcreative commons (?P<bare>by\b(?= (?:nc|nd|sa|licen|[1-4]\.))(?: {_SHORT})*)"
)
_ZERO = re.compile(r"\b(?:cc ?0|cc zero|creative commons zero|public domain (?:dedication|declaration))\b")
_STATEMENTS = (  # words that are no Creative Commons licence, by the first that is met
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
_NOT_COMMERCIAL = re.compile(
    r"(?<!\bcommercial and )(?<!\bcommercial or )\bnon ?commercial (?:use|purposes?|distribution|reproduction)\b"
    r"|\bnot (?:be )?(?:used )?for commercial\b|\bno commercial (?:use|reuse)\b"
)
_PORTS = {"igo": "igo", "us": "us", "united states": "us", "uk": "uk", "germany": "de", "brazil": "br", "spain": "es"}
_NUMBER = re.compile(
    r"[^.;]{0,40}?\b(?P<version>[1-4]\.\d)\b(?: (?P<port>igo|us|uk|united states|germany|brazil|spain)\b)?"
)


def from_words(text: str) -> Grant | None:
    """Reads the words of a licence statement, or says null where they name none that is known.

    The family is the set of terms that follow at once upon "Creative Commons" or "CC". Words that name two
    families, or that allow only non-commercial use beside a licence without NC, are CONFLICT.
    """
    plain = _plain(URL.sub(" ", text))
    spoken = [m for m in _SPOKEN.finditer(plain) if _terms(m)]
    ids = {_FAMILIES.get(frozenset(_terms(m)), "CC-UNSPECIFIED") for m in spoken}
    if _ZERO.search(plain):
        ids = ids or {"CC0"}  # beside a licence it is the usual waiver for the data of the article
    if not ids:
        return next((Grant(id, short) for pattern, id, short in _STATEMENTS if pattern.search(plain)), None)
    if ids == {"CC-BY"} and _NOT_COMMERCIAL.search(plain):
        return Grant("CONFLICT", "attribution, yet non-commercial use")
    if len(ids) > 1:
        return Grant("CONFLICT", ", ".join(sorted(ids)))
    numbers = [n for m in spoken if (n := _NUMBER.match(plain, m.end()))]
    version, port = next(((n["version"], _PORTS.get(n["port"] or "")) for n in numbers), (None, None))
    return Grant(ids.pop(), _spoken(spoken[0]).strip(" ,(") if spoken else "CC0", version, port)


def grant_of(parts: Sequence[str], short: str, version: str | None = None, port: str | None = None) -> Grant | None:
    """The licence of a set of terms, null where they make none: `by nc` is CC-BY-NC in any order."""
    family = _FAMILIES.get(frozenset(parts)) if len(set(parts)) == len(parts) else None
    return Grant(family, short, version, port) if family else None


def fold(text: str | None) -> str:
    """The text in compatibility form, with one kind of hyphen."""
    return _DASHES.sub("-", unicodedata.normalize("NFKC", text or "")).strip()


def _plain(text: str) -> str:
    """Lower case without accents, hyphens and double spaces: what the patterns of words are written in."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", fold(text)) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[-/\u2019']", " ", bare.lower()).split())


def _spoken(match: re.Match[str]) -> str:
    return match["long"] or match["short"] or match["bare"]


def _terms(match: re.Match[str]) -> list[str]:
    return [name for name in _PARTS if _TERM[name].search(_spoken(match))]
