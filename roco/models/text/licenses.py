"""What an article may be used for: index codes, addresses, attributes and words, normalised to one id.

An address counts only on its exact host and by the set of its path's parts; no substring is ever looked for.
The places and their order of trust follow the JATS4R recommendation on permissions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from roco.models.text.license_words import URL, Grant, fold, from_words, grant_of


class License(NamedTuple):
    """The licence of an article: normalised id, address as written, what each place said, version, port, trust.

    trust: `agreed` (two places say it), `stated` (one place made for machines), `linked` (links in the text alone),
    `weak` (words alone), null where there is no licence or the places contradict each other.
    """

    id: str
    url: str | None
    evidence: str
    version: str | None = None
    port: str | None = None
    trust: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What one <license> of an article's own permissions says, unread."""

    href: str | None = None
    ali: tuple[str, ...] = ()
    kind: str | None = None
    links: tuple[str, ...] = ()
    words: str = ""


class _Reading(NamedTuple):
    place: str
    grant: Grant
    url: str | None = None


_LISTS = frozenset({"index", "pmc"})
_MACHINES = _LISTS | {"ali", "href"}
_VAGUE = frozenset({"CC-UNSPECIFIED", "TDM"})
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
_CODE = re.compile(
    r"cc-?(?P<parts>(?:by|nc|nd|sa)(?:-(?:by|nc|nd|sa))*)(?:-(?P<version>[1-4]\.\d))?(?:-(?P<port>igo|[a-z]{2}))?"
)
_GLUED = re.compile(r"cc(?P<parts>(?:by|nc|nd|sa)+)license")


def normalise(code: str | None, terms: Sequence[Terms] = (), custom: str | None = None) -> License:
    """Says which licence an article has, out of all places that name one.

    code: what the index says, null where there is no index; terms: one for each <license> of
    front/article-meta/permissions; custom: `pmc-license-ref` of the article's custom metadata.
    All places that are read must agree on the family, or it is CONFLICT. Within one <license>, links count where
    neither ali nor href speaks, and words where no link does: they are written for people. Start dates are not read:
    an embargo and what follows it disagree, and what a run finds must not hang on the day it is made.
    """
    found = [*_listed("index", code), *_listed("pmc", custom), *(r for one in terms for r in _stated(one))]
    if not found:
        said = any(t.words.strip() or t.href or t.links for t in terms)
        return License("NO-CC" if said else "NONE", None, "nothing found")
    ids = _families(found)
    id = ids.pop() if len(ids) == 1 else "CONFLICT"
    same = [r for r in found if r.grant.id == id] or found
    url = next((r.url for r in same if r.url), None)
    evidence = "; ".join(dict.fromkeys(f"{r.place} {r.grant.short}" for r in found))
    if id == "CONFLICT":
        return License(id, url, evidence)
    written = [r.grant for r in same] + [g for g in (from_words(t.words) for t in terms) if g and g.id == id]
    versioned = next((g for g in written if g.version), Grant(id, ""))
    port = versioned.port or next((g.port for g in written if g.port), None)
    return License(id, url, evidence, versioned.version, port, _trust({r.place for r in same}))


def from_url(url: str | None) -> Grant | None:
    """Reads a licence address, or says null when it is none."""
    text = fold(url).strip("<>()[]{}\"'").rstrip(".,;:)]}>\"'")
    text = "http://" + re.sub(r"(?i)^https?:?/+", "", text)
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    if "@" in parts.netloc:
        return None
    path = [p for p in (fold(unquote(s)).lower() for s in unquote(parts.path).split("/")) if p]
    if host in _CC_HOSTS:
        return _creative(path)
    other = _OTHERS.get((host.removeprefix("www."), path[0] if path else ""))
    return Grant(other, host) if other else None


def from_code(code: str | None) -> Grant | None:
    """Reads the code of a file list or of the bucket's metadata, or PMC's type of an ali:license_ref."""
    folded = fold(code)
    key = re.sub(r"[\s_-]+", "-", folded.lower()).strip("-")
    if key in _CODES:
        return Grant(_CODES[key], folded)
    if match := _CODE.fullmatch(key):
        return grant_of(match["parts"].split("-"), folded, match["version"], match["port"])
    if match := _GLUED.fullmatch(key):
        return grant_of(re.findall("by|nc|nd|sa", match["parts"]), folded)
    return None


def third_party(words: str) -> str | None:
    """The sentence that says others hold rights to material in the article, which its licence does not cover.

    words: the article's own permissions as text. That a licence covers third parties' material "unless a credit line
    says otherwise" is no such sentence: it stands in every article of some publishers and names none.
    """
    return next((s for s in _SENTENCES.split(" ".join(words[:10_000].split())) if _excepts(s)), None)


def _excepts(sentence: str) -> bool:
    return not _CONDITION.match(sentence) and any(p.search(sentence) for p in _OTHERS_HOLD)


def _listed(place: str, text: str | None) -> Iterator[_Reading]:
    """Reads what PMC says of an article; what nobody can read is no consent."""
    if text and text.strip():
        by_address = from_url(text)
        yield _Reading(place, by_address or from_code(text) or Grant("UNKNOWN", fold(text)[:40]), by_address and text)


def _stated(terms: Terms) -> Iterator[_Reading]:
    """Reads one <license>: the places for machines, else its links, else its words; its type beside them."""
    found = [r for a in terms.ali for r in _address("ali", a)] + [*_address("href", terms.href)]
    if kind := _kind(terms.kind):
        yield _Reading("type", kind)
    if all(r.grant.id in _VAGUE for r in found):
        links = [r for a in (*terms.links, *URL.findall(terms.words)) for r in _address("link", a)]
        named = [r for r in links if r.grant.id != "CC0"]  # the waiver for the data, see from_words
        words = None if named else from_words(terms.words)
        found += named or ([_Reading("words", words)] if words else links)
    yield from found


def _families(found: Sequence[_Reading]) -> set[str]:
    """The ids that the places name, without those that contradict no other."""
    ids = {r.grant.id for r in found}
    listed = {r.grant.id for r in found if r.place in _LISTS}
    more = ids - ({"TDM"} - listed)  # a publisher's leave to mine the text stands beside its licence
    named = more - {"CC-UNSPECIFIED"}
    return (named if all(i.startswith("CC") or i == "PDM" for i in named) and named else more) or ids


def _trust(places: set[str]) -> str:
    if len(places & _MACHINES) > 1 or (places & _LISTS and places & {"link", "words"}):
        return "agreed"
    if places & _MACHINES:
        return "stated"
    return "linked" if "link" in places else "weak"


def _address(place: str, text: str | None) -> Iterator[_Reading]:
    """Reads an address, or the code that PMC writes where an address is meant."""
    if by_address := from_url(text):
        yield _Reading(place, by_address, text)
    elif by_code := from_code(text):
        yield _Reading(place, by_code)


def _kind(kind: str | None) -> Grant | None:
    """The attribute license-type; most of its values ("open-access", "creative-commons") say nothing."""
    grant = from_code(kind) or from_words(fold(kind).replace("-", " "))
    return None if grant is None or grant.id in ("CC-UNSPECIFIED", "NONE") else grant


def _creative(path: list[str]) -> Grant:
    if path[:1] == ["publicdomain"] or path[:2] == ["licenses", "publicdomain"]:
        name = {"zero": "CC0", "mark": "PDM"}.get(path[1] if len(path) > 1 else "", "CC-UNSPECIFIED")
        version = next((p for p in path[2:3] if re.fullmatch(r"1\.\d", p)), None)
        return Grant("PDM" if path[0] == "licenses" else name, "/".join(path[1:3]), version)
    if len(path) > 1 and path[0] in ("licenses", "license", "licences", "licence", "l"):
        tail = [p.rstrip(").,;") for p in path[2:4]]
        version = next((p for p in tail if re.fullmatch(r"[1-4]\.\d", p)), None)
        ported = version is not None and version < "4"  # there are no ports of version 4.0
        port = next((p for p in tail if ported and re.fullmatch(r"igo|[a-z]{2}|scotland", p)), None)
        short = "/".join(filter(None, (path[1], version, port)))
        return grant_of(re.split(r"[-_ ]+", path[1]), short, version, port) or Grant("CC-UNSPECIFIED", path[1][:20])
    return Grant("CC-UNSPECIFIED", "creativecommons.org")


_SENTENCES = re.compile(r"(?<=[.!?])\s+(?=[A-Z\u00c0-\u00dd])|;\s+")
_CONDITION = re.compile(r"(?:if|where|should)\b", re.I)
_MATERIAL = r"\b(?:photograph|illustration|image|figure|graphic|picture|table|artwork|material|content|component)s?\b"
_HOLDERS = r"(?:others?\b|third[- ]part|individual|organi[sz]ation|compan|publisher|somebody|someone)"
_HOLDS = r"\b(?:contains?|includes?|incorporates?|uses?)\b"
_OWNED = r"\b(?:copyright(?:ed)?|owned|held|licensed|property)\b"
_ON = r"[^;]{0,150}"  # bounded: the words come from outside
_OTHERS_HOLD = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        # it holds material of others
        rf"{_HOLDS}{_ON}{_MATERIAL}{_ON}{_OWNED}{_ON}{_HOLDERS}",
        rf"\b(?:does|do) not (?:necessarily )?own (?:each|every|all)\b{_ON}{_MATERIAL}",
        rf"\bcopyright\b[^;]{{0,40}}{_MATERIAL}{_ON}\b(?:remains?|belongs?|retained)\b(?! (?:with|by|to) the author)",
        # the licence leaves it out
        rf"\b(?:licen[cs]e|permission)s? (?:does|do) not (?:apply|extend|cover|include)\b{_ON}{_MATERIAL}",
        rf"{_MATERIAL}{_ON}\b(?:is|are|was|were) (?:not (?:covered|included|licen[cs]ed|subject)|excluded|exempt)\b",
        rf"{_MATERIAL}{_ON}\b(?:remains?|retains?) (?:the )?(?:copyright|property)\b",
        rf"\b(?:exception of|except(?:ing)?|excluding)\b{_ON}{_MATERIAL}{_ON}(?:©|third[- ]part|permission|{_OWNED})",
    )
)
