"""What an article may be used for: index codes, addresses, attributes and words, normalised to one id.

An address counts only on its exact host and by the set of its path's parts; no substring is ever looked for.
The places and their order of trust follow the JATS4R recommendation on permissions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote, urlsplit


class Grant(NamedTuple):
    """One reading of one place: the id of the licence and how it was written, in short."""

    id: str
    short: str


class License(NamedTuple):
    """The licence of an article: normalised id, address as written, and what each place said."""

    id: str
    url: str | None
    evidence: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What one <license> of an article's own permissions says, unread."""

    href: str | None = None
    ali: tuple[str, ...] = ()
    kind: str | None = None
    links: tuple[str, ...] = ()
    words: str = ""


_PARTS = ("by", "nc", "nd", "sa")
_FAMILIES = {
    frozenset(parts.lower().split("-")): f"CC-{parts}"
    for parts in ("BY", "BY-NC", "BY-SA", "BY-ND", "BY-NC-SA", "BY-NC-ND", "NC", "SA", "ND", "NC-SA", "NC-ND")
}
_CC_HOSTS = frozenset({"creativecommons.org", "www.creativecommons.org", "i.creativecommons.org"})
# (host, first part of the path): the publishers' own licences, which are no Creative Commons licences.
_OTHERS = {
    ("elsevier.com", "open-access"): "PUBLISHER-OA",
    ("elsevier.com", "tdm"): "TDM",
    ("springer.com", "tdm"): "TDM",
    ("springernature.com", "open-research"): "PUBLISHER-OA",
    ("pubs.acs.org", "page"): "PUBLISHER-OA",
    ("pubsapp.acs.org", "page"): "PUBLISHER-OA",
    ("nationalarchives.gov.uk", "doc"): "OGL",
}
_CODES = {
    "no-cc": "NO-CC",
    "no-cc-code": "NO-CC",
    "cc-no": "NO-CC",
    "cc0": "CC0",
    "cc-0": "CC0",
    "cc-zero": "CC0",
    "cc0-1.0": "CC0",
    "cc0license": "CC0",
    "tdm": "TDM",
    "none": "NONE",
    "pdm": "PDM",
    "public-domain": "PDM",
    "phe-timebound": "PHE",
}
_CODE = re.compile(r"cc-?(?P<parts>(?:by|nc|nd|sa)(?:-(?:by|nc|nd|sa))*)(?:-[1-4]\.\d)?(?:-(?:igo|[a-z]{2}))?")
_GLUED = re.compile(r"cc(?P<parts>(?:by|nc|nd|sa)+)license")
_DASHES = re.compile(r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d\u00ad]")
_URL = re.compile(r"(?:https?:/+|www\.)\S+|creativecommons\.org/\S+", re.I)


def normalise(code: str | None, terms: Sequence[Terms] = (), custom: str | None = None) -> License:
    """Says which licence an article has, out of all places that name one.

    code: what the index says, null where there is no index; terms: one for each <license> of
    front/article-meta/permissions; custom: `pmc-license-ref` of the article's custom metadata.
    Places made for machines (index, custom, ali, href, license-type) must agree on the family, or it is
    CONFLICT. Links in the text count where no such place speaks within the XML, words where no link does.
    """
    found: list[tuple[str, Grant, str | None]] = []
    if code and code.strip():
        found.append(("index", from_code(code) or Grant("UNKNOWN", code.strip()[:40]), None))
    for url in (custom,) if custom else ():
        found += [("pmc", grant, url) for grant in _address(url)]
    for one in terms:
        found += _stated(one)
    ids = {grant.id for _, grant, _ in found}
    ids = ids - {"CC-UNSPECIFIED"} or ids  # it contradicts no other Creative Commons licence
    evidence = "; ".join(dict.fromkeys(f"{place} {grant.short}" for place, grant, _ in found))
    urls = [url for _, _, url in found if url]
    if not ids:
        return License("NO-CC" if any(t.words.strip() or t.href for t in terms) else "NONE", None, "nothing found")
    return License(ids.pop() if len(ids) == 1 else "CONFLICT", urls[0] if urls else None, evidence)


def from_url(url: str | None) -> Grant | None:
    """Reads a licence address, or says null when it is none."""
    text = _fold(url).strip("<>()[]{}\"'").rstrip(".,;:)]}>\"'")
    text = re.sub(r"(?i)^(https?):?/+", r"\1://", text)
    if not re.match(r"(?i)https?://", text):
        text = f"http://{text}"
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    if "@" in parts.netloc:
        return None
    path = [p for p in (_fold(unquote(s)).lower() for s in unquote(parts.path).split("/")) if p]
    if host in _CC_HOSTS:
        return _creative(path)
    other = _OTHERS.get((host.removeprefix("www."), path[0] if path else ""))
    return Grant(other, host) if other else None


def from_code(code: str | None) -> Grant | None:
    """Reads the code of a file list or of the bucket's metadata, or PMC's type of an ali:license_ref."""
    folded = _fold(code)
    key = re.sub(r"[\s_-]+", "-", folded.lower()).strip("-")
    if key in _CODES:
        return Grant(_CODES[key], folded)
    if match := _CODE.fullmatch(key):
        return _grant(match["parts"].split("-"), folded)
    if match := _GLUED.fullmatch(key):
        return _grant(re.findall("by|nc|nd|sa", match["parts"]), folded)
    return None


def from_words(text: str) -> Grant | None:
    """Reads the words of a licence statement, or says null where they name none that is known.

    The family is the set of terms that follow at once upon "Creative Commons" or "CC". Words that name two
    families, or that allow only non-commercial use beside a licence without NC, are CONFLICT.
    """
    plain = _plain(_URL.sub(" ", text))
    spoken = [m["long"] or m["short"] or m["bare"] for m in _SPOKEN.finditer(plain)]
    ids = {_FAMILIES.get(frozenset(_terms(s)), "CC-UNSPECIFIED") for s in spoken if _terms(s)}
    if _ZERO.search(plain):
        ids = ids or {"CC0"}  # beside a licence it is the usual waiver for the data of the article
    if not ids:
        if _GOVERNMENT.search(plain):
            return Grant("PDM", "public domain")
        if "authorchoice" in plain:
            return Grant("PUBLISHER-OA", "AuthorChoice")
        return Grant("CC-UNSPECIFIED", "Creative Commons") if "creative commons" in plain else None
    if ids == {"CC-BY"} and _ONLY_NONCOMMERCIAL.search(plain):
        return Grant("CONFLICT", "attribution, yet non-commercial use")
    if len(ids) > 1:
        return Grant("CONFLICT", ", ".join(sorted(ids)))
    return Grant(ids.pop(), spoken[0].strip(" ,(") if spoken else "CC0")


def _stated(terms: Terms) -> list[tuple[str, Grant, str | None]]:
    """Reads one <license>: the places for machines, else its links, else its words."""
    found: list[tuple[str, Grant, str | None]] = []
    for place, url in [("href", terms.href), *(("ali", a) for a in terms.ali)]:
        found += [(place, grant, url) for grant in _address(url)]
    if kind := _kind(terms.kind):
        found.append(("type", kind, None))
    if found:
        return found
    links = [(g, url) for url in (*terms.links, *_URL.findall(terms.words)) for g in _address(url)]
    if any(g.id != "CC0" for g, _ in links):
        links = [(g, u) for g, u in links if g.id != "CC0"]  # the waiver for the data, see from_words
    if links:
        return [("link", grant, url) for grant, url in links]
    words = from_words(terms.words)
    return [("words", words, None)] if words else []


def _address(url: str | None) -> Iterable[Grant]:
    grant = from_url(url) if url else None
    return (grant,) if grant else ()


def _kind(kind: str | None) -> Grant | None:
    """The attribute license-type; most of its values ("open-access", "creative-commons") say nothing."""
    grant = from_code(kind) or from_words(_fold(kind).replace("-", " "))
    return None if grant is None or grant.id in ("CC-UNSPECIFIED", "NONE") else grant


def _creative(path: list[str]) -> Grant:
    if path[:1] == ["publicdomain"] or path[:2] == ["licenses", "publicdomain"]:
        name = {"zero": "CC0", "mark": "PDM"}.get(path[1] if len(path) > 1 else "", "CC-UNSPECIFIED")
        return Grant("PDM" if path[0] == "licenses" else name, "/".join(path[1:3]))
    if len(path) > 1 and path[0] in ("licenses", "license", "licences", "licence", "l"):
        tail = [p.rstrip(").,;") for p in path[2:4]]
        short = [path[1], *(p for p in tail if re.fullmatch(r"[1-4]\.\d|igo|[a-z]{2}|scotland", p))]
        return _grant(re.split(r"[-_ ]+", path[1]), "/".join(short)) or Grant("CC-UNSPECIFIED", path[1][:20])
    return Grant("CC-UNSPECIFIED", "creativecommons.org")


def _grant(parts: Sequence[str], short: str) -> Grant | None:
    family = _FAMILIES.get(frozenset(parts)) if len(set(parts)) == len(parts) else None
    return Grant(family, short) if family else None


def _fold(text: str | None) -> str:
    return _DASHES.sub("-", unicodedata.normalize("NFKC", text or "")).strip()


def _plain(text: str) -> str:
    """Lower case without accents, hyphens and double spaces: what the patterns of words are written in."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", _fold(text)) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[-/\u2019']", " ", bare.lower()).split())


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
_GOVERNMENT = re.compile(r"\bpublic domain\b|\bworks? of the (?:us|u\.s\.|united states) government\b")
_ONLY_NONCOMMERCIAL = re.compile(
    r"\b(?:for |permits? |unrestricted |any )*non ?commercial (?:use|purposes?|distribution)"
)


def _terms(spoken: str) -> list[str]:
    return [name for name in _PARTS if _TERM[name].search(spoken)]
