"""Decides which licence an article has: reads every place that names one, and compares them.

`stages/extract_rows.py` calls `normalise` with the code of the source's index and the `Terms` that
`sources/jats/terms.py` collected from the XML; `sources/jats/terms.figure_license` does so for a single figure. URLs
and codes are read by `license_codes.py`, sentences by `license_words.py`. The places and their order of trust follow
the JATS4R recommendation on permissions; docs/rights.md explains them for users.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from roco.models.text.license_codes import bare_url, from_code, from_url
from roco.models.text.license_scope import divide, grants_something
from roco.models.text.license_words import URL, Grant, fold, from_words


class License(NamedTuple):
    """The licence of an article.

    id: the normalised licence, such as CC-BY; CONFLICT if places disagree, NO-CC, NONE or UNKNOWN without a licence
    url: as written; None if no place has one
    evidence: the licence that each place states, such as "index CC BY; href by/4.0"
    trust: "agreed" (two places), "stated" (one place written for machines), "linked" (only links in the text), "weak"
    (only words); None without a licence and for CONFLICT
    """

    id: str
    url: str | None
    evidence: str
    version: str | None = None
    port: str | None = None
    trust: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """The unread contents of one <license>.

    href: its xlink:href; ali: texts and codes of its ali:license_ref; kind: its license-type; links: URLs of links in
    its text; words: its text
    """

    href: str | None = None
    ali: tuple[str, ...] = ()
    kind: str | None = None
    links: tuple[str, ...] = ()
    words: str = ""


class _Evidence(NamedTuple):
    """The licence that one place names, with the URL if it is written as one."""

    place: str
    grant: Grant
    url: str | None = None


# Names of the places: "index" (file list or metadata of the source), "pmc" (pmc-license-ref), "ali", "href", "type",
# "link", "words", "copyright".
_PMC_PLACES = frozenset({"index", "pmc"})
_MACHINE_PLACES = _PMC_PLACES | {"ali", "href"}
# What a place for machines may name without deciding anything: then the text of the licence is read, too.
_VAGUE = frozenset({"CC-UNSPECIFIED", "TDM"})


def normalise(
    code: str | None, terms: Sequence[Terms] = (), custom: str | None = None, copyright: str | None = None
) -> License:
    """Returns the licence of an article from all places that name one.

    code: of the source's index, None without an index; terms: one for each <license> of the article's front matter;
    custom: `pmc-license-ref` of the article's custom metadata; copyright: its copyright statement, which grants
    nothing, but contradicts a licence if it names a stricter one.

    What a <license> grants only for other material, such as the data, does not count. All places that are read must
    name the same licence, or the result is CONFLICT. Within one <license>, links are read only if neither ali nor href
    names a licence, and words only if no link does, because they are written for people. Start dates are ignored: an
    embargo and the licence after it are a CONFLICT, so that the result does not depend on today's date.
    """
    evidence = [*_from_pmc("index", code), *_from_pmc("pmc", custom)]
    of_article = [_of_article(one) for one in _with_article_terms(terms)]
    for one in of_article:
        evidence += _from_terms(one)
    if not evidence:
        # Permissions without a known licence count as a refusal; without permissions, nothing is stated.
        has_permissions = any(one.words.strip() or one.href or one.links for one in terms)
        return License("NO-CC" if has_permissions else "NONE", None, "nothing found")

    evidence += _stricter(copyright or "", evidence)
    described = "; ".join(dict.fromkeys(f"{one.place} {one.grant.short}" for one in evidence))
    ids = _distinct_ids(evidence)
    id = ids.pop() if len(ids) == 1 else "CONFLICT"
    # Where places contradict each other, no place has the id CONFLICT, and the URL is the first of any.
    supporting = [one for one in evidence if one.grant.id == id] or evidence
    url = _first_url(supporting)
    if id == "CONFLICT":
        return License(id, url, described)

    version, port = _version_and_port(id, supporting, of_article)
    trust = _trust({one.place for one in supporting})
    return License(id, url, described, version, port, trust)


# --- the article and other material


# Licences of software and data that this module does not read otherwise.
_OTHER_LICENSES = re.compile(r"\b(?:mit|l?gpl|agpl|gnu|apache|bsd|mozilla|odbl|odc)\b", re.I)


def _with_article_terms(terms: Sequence[Terms]) -> Sequence[Terms]:
    """Returns the <license> elements that grant anything for the article; all if none of them does so in words."""
    for_article = []
    for one in terms:
        scope = divide(one.words)
        if not scope.other or grants_something(scope.article):
            for_article.append(one)
    return for_article or terms


def _of_article(terms: Terms) -> Terms:
    """Returns the terms of one <license> without what they grant only for other material, such as the data."""
    scope = divide(terms.words)
    if not scope.other:
        return terms
    urls_for_other = set(map(bare_url, URL.findall(scope.other))) - set(map(bare_url, URL.findall(scope.article)))
    links = tuple(link for link in terms.links if bare_url(link) not in urls_for_other)

    for_article, for_other = _ids_in(scope.article), _ids_in(scope.other)
    if for_article:
        excluded = for_other - for_article
    elif grants_something(scope.article):
        excluded = set()  # the article's licence is the one in the attributes, whatever the data have
    elif for_other or _OTHER_LICENSES.search(scope.other):
        excluded = for_other
    else:
        return Terms()  # "For the data": the whole <license> is for other material
    return Terms(
        href=None if _names_one_of(terms.href, excluded) else terms.href,
        ali=tuple(text for text in terms.ali if not _names_one_of(text, excluded)),
        kind=None if _names_one_of(terms.kind, excluded) else terms.kind,
        links=links,
        words=scope.article,
    )


def _ids_in(words: str) -> set[str]:
    """Returns the licences that a text names, by links or in words."""
    grants = [from_url(url) for url in URL.findall(words)] + [from_words(words)]
    return {grant.id for grant in grants if grant is not None} - _VAGUE


def _names_one_of(text: str | None, ids: set[str]) -> bool:
    grant = from_url(text) or from_code(text)
    return grant is not None and grant.id in ids


# --- the places


def _from_pmc(place: str, text: str | None) -> Iterator[_Evidence]:
    """Reads a licence as PMC states it; an unreadable one is UNKNOWN, because it must not count as consent."""
    if not text or not text.strip():
        return
    by_url = from_url(text)
    if by_url is not None:
        yield _Evidence(place, by_url, bare_url(text))
    else:
        yield _Evidence(place, from_code(text) or Grant("UNKNOWN", fold(text)[:40]))


def _from_terms(terms: Terms) -> list[_Evidence]:
    """Reads one <license>: its license-type, the places for machines, and its text if these do not decide."""
    for_machines: list[_Evidence] = []
    for text in terms.ali:
        for_machines += _from_url_or_code("ali", text)
    for_machines += _from_url_or_code("href", terms.href)

    # The license-type does not replace the text: it counts as weak evidence, and the text must agree with it.
    evidence: list[_Evidence] = []
    license_type = _from_license_type(terms.kind)
    if license_type:
        evidence.append(_Evidence("type", license_type))
    evidence += for_machines
    if all(one.grant.id in _VAGUE for one in for_machines):
        evidence += _from_text(terms)
    return evidence


def _from_text(terms: Terms) -> list[_Evidence]:
    """Reads the links of a licence's text, else its words."""
    links: list[_Evidence] = []
    for url in (*terms.links, *URL.findall(terms.words)):
        links += _from_url_or_code("link", url)
    # A link to CC0 is usually the waiver for the data of the article (BMC), so the words decide whether it is more.
    licenses = [link for link in links if link.grant.id != "CC0"]
    if licenses:
        return licenses
    words = from_words(terms.words)
    return [_Evidence("words", words)] if words else links


def _from_url_or_code(place: str, text: str | None) -> Iterator[_Evidence]:
    """Reads a URL, or the code that PMC sometimes writes in its place."""
    by_url = from_url(text)
    if text and by_url is not None:
        yield _Evidence(place, by_url, bare_url(text))
        return
    by_code = from_code(text)
    if by_code is not None:
        yield _Evidence(place, by_code)


def _from_license_type(kind: str | None) -> Grant | None:
    """Reads the attribute license-type; most of its values ("open-access", "creative-commons") name no licence."""
    grant = from_code(kind) or from_words(fold(kind).replace("-", " "))
    if grant is None or grant.id in ("CC-UNSPECIFIED", "NONE"):
        return None
    return grant


def _stricter(statement: str, evidence: Sequence[_Evidence]) -> Iterator[_Evidence]:
    """Reads a copyright statement; yields a Creative Commons licence that is stricter than one of the other places."""
    in_words = from_words(statement)
    named = [(from_url(url), bare_url(url)) for url in URL.findall(statement)] + [(in_words, None)]
    found = [_conditions(one.grant.id) for one in evidence]
    for grant, url in named:
        conditions = _conditions(grant.id) if grant else frozenset()
        if grant and any(others and others < conditions for others in found):
            yield _Evidence("copyright", grant, url)


def _conditions(id: str) -> frozenset[str]:
    """Returns the conditions of a Creative Commons licence, BY and NC of CC-BY-NC; empty for all other licences."""
    return frozenset(id.removeprefix("CC-").split("-")) if id.startswith("CC-BY") else frozenset()


# --- the decision


def _distinct_ids(evidence: Sequence[_Evidence]) -> set[str]:
    """Returns the ids that the places name, without those that contradict no other id."""
    ids = {one.grant.id for one in evidence}
    from_pmc = {one.grant.id for one in evidence if one.place in _PMC_PLACES}

    # Elsevier and Springer add a permission for text mining to the real licence. As PMC's only code it does count.
    without_mining = ids if "TDM" in from_pmc else ids - {"TDM"}

    # "Creative Commons" without saying which agrees with every Creative Commons licence, and with nothing else.
    specific = without_mining - {"CC-UNSPECIFIED"}
    all_from_creative_commons = all(id.startswith("CC") or id == "PDM" for id in specific)
    if specific and all_from_creative_commons:
        return specific
    return without_mining or ids


def _version_and_port(
    id: str, supporting: Sequence[_Evidence], terms: Sequence[Terms]
) -> tuple[str | None, str | None]:
    """Returns version and port from the most trusted place with a version, else the first port of any place."""
    grants = [one.grant for one in supporting]
    # The text of a licence often has the version that a bare link or code leaves out.
    for one in terms:
        in_words = from_words(one.words)
        if in_words is not None and in_words.id == id:
            grants.append(in_words)
    version, port = None, None
    for grant in grants:
        if grant.version:
            version, port = grant.version, grant.port
            break
    if port is None:
        port = next((grant.port for grant in grants if grant.port), None)
    return version, port


def _trust(places: set[str]) -> str:
    if len(places & _MACHINE_PLACES) > 1:
        return "agreed"
    if places & _PMC_PLACES and places & {"link", "words"}:
        return "agreed"
    if places & _MACHINE_PLACES:
        return "stated"
    return "linked" if "link" in places else "weak"


def _first_url(evidence: Sequence[_Evidence]) -> str | None:
    return next((one.url for one in evidence if one.url), None)
