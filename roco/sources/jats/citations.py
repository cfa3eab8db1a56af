"""How a text cites figures in words: "Fig. 2B", "figs 1, 3 and 5", "Figures 2–4"; and where it may do so at all."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple


class Cited(NamedTuple):
    """One figure that the words cite: the number of its label, upper case, and where.

    to: it closes a range; between: it lies within one, so that the offsets are those of the whole citation.
    """

    number: str
    start: int
    end: int
    to: bool = False
    between: bool = False


# The first letter is a set of its own, and nothing stands before it: so the search jumps from one to the next.
_WORD = r"[FfAa](?:[Ii][Gg](?:[Uu][Rr][EeAa])?[Ss]?|[Bb][Bb](?:ildung(?:en)?)?)\b\.?"
_NUMBER = r"[SAsa]?\d{1,3}(?:\.\d{1,2})?(?!\d)"
_PANEL = r"(?:(?:[A-Za-z]|\s?\([A-Za-z]\)|\s[A-H])(?![^\W_])|(?![^\W\d_]))"  # none, and then no "1st"
_TO = r"\s*(?:[\u2010-\u2015\u2212-]|\b(?:to|through|until|a|al|até|bis)\b)\s*"
_AND = r"\s*(?:[,&/+]|\b(?:and|y|e|et|und)\b)\s*"
_CITED = re.compile(
    rf"{_WORD}\s*({_NUMBER}{_PANEL}(?:(?:{_TO}|{_AND})+(?:{_NUMBER}{_PANEL}|[A-Hb-h]\b(?!['’])))*)"
    r"(?!\s*[\u2010-\u2015-]\s*(?:[Ff]igure )?supplement|\s+(?:of|in|from) (?:\[|[Rr]efs?\b))"
)
_ITEM = re.compile(rf"(?P<to>{_TO})?(?:{_AND})*(?P<number>{_NUMBER}){_PANEL}")
_LABEL = re.compile(rf"{_WORD}\s*({_NUMBER})\W*")
_DASH = re.compile(_TO)

# Each begins with plain letters, which the search jumps to: one pattern for all would look at every byte.
_IN_BYTES = [
    re.compile(word + rb"\.?(?:\s|<[^>]*>|&[#\w]+;|\xc2\xa0)*([SAsa]?\d{1,3}(?:\.\d{1,2})?)")
    for word in (rb"ig(?:ur[ea])?s?", rb"IG(?:UR[EA])?S?", rb"bb(?:ildung(?:en)?)?")
]
_INLINE = (b"<b", b"<i", b"</b", b"</i", b"<sc", b"</sc", b"<sub", b"<sup", b"</su", b"<styled", b"<u")
_LINKED = (b"<xref", b"<label")


def number_of(label: str) -> str | None:
    """The number in the label of a figure, `3` or `S2`, upper case; null where it says more or less than that."""
    match = _LABEL.fullmatch(label)
    return match[1].upper() if match else None


def is_range(text: str) -> bool:
    """Whether what stands between two citations makes them a range: a dash, "to" …"""
    return _DASH.fullmatch(text) is not None


def cited_in(text: str) -> Iterator[tuple[str, list[Cited]]]:
    """Each citation in words, as written, with the figures that it cites in order."""
    for match in _CITED.finditer(text):
        begins = match.start()
        if match[0][:3].lower() in ("fig", "abb") and not (begins and text[begins - 1].isalnum()):
            yield match[0], list(_items(match))


def _items(match: re.Match[str]) -> Iterator[Cited]:
    before: str | None = None
    for item in _ITEM.finditer(match[1]):
        start, end = match.start(1) + item.start("number"), match.start(1) + item.end()
        number, to = item["number"].upper(), item["to"] is not None
        for inner in _between(before, number) if to else ():
            yield Cited(inner, match.start(), match.end(), between=True)
        yield Cited(number, match.start() if before is None else start, end, to)
        before = number


def _between(first: str | None, last: str) -> list[str]:
    """The numbers between the ends of a range: "S2" to "S5" gives S3 and S4."""
    one, other = (re.fullmatch(r"([SA]?)(\d+)", n or "") for n in (first, last))
    if not one or not other or one[1] != other[1] or int(other[2]) - int(one[2]) > 50:
        return []
    return [f"{one[1]}{n}" for n in range(int(one[2]) + 1, int(other[2]))]


def worded_numbers(xml: bytes) -> frozenset[str] | None:
    """The numbers of figures cited in plain words, "Fig. 2" in neither a link nor a label; null where it is unknown.

    Most articles cite no figure of theirs so, and then their passages need not be looked through one by one.
    """
    if b"\0" in xml[:100]:  # UTF-16
        return None
    found = set()
    for match in itertools.chain.from_iterable(pattern.finditer(xml) for pattern in _IN_BYTES):
        tag = match.start()
        while (tag := xml.rfind(b"<", 0, tag)) >= 0 and xml.startswith(_INLINE, tag):
            pass
        if not xml.startswith(_LINKED, tag):
            found.add(match[1].decode().upper())
    return frozenset(found)
