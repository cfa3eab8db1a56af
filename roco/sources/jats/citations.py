"""Parses citations of figures in plain words: "Fig. 2B", "figs 1, 3 and 5", "Figures 2–4", "Abb. 3", "Figura S1".

Called by `mentions.py`. `worded_numbers` is a fast search of the XML's bytes that decides whether an article needs the
slow search of its passages at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Cited(NamedTuple):
    """One figure that a citation in words refers to, with its offsets in the passage.

    number: of the figure's label, upper case (`3`, `S2`)
    to: it is the end of a range; between: it is within a range, and the offsets are those of the whole citation
    """

    number: str
    start: int
    end: int
    to: bool = False
    between: bool = False


# The pattern starts with a set of letters and no lookbehind, so that the search can jump from one candidate to the
# next; `cited_in` checks what is before the match.
_WORD = r"[FfAa](?:[Ii][Gg](?:[Uu][Rr][EeAa])?[Ss]?|[Bb][Bb](?:ildung(?:en)?)?)\b\.?"
_NUMBER = r"[SAsa]?\d{1,3}(?:\.\d{1,2})?(?!\d)"
# A panel letter, or nothing; the last alternative keeps "1st" from being read as figure 1.
_PANEL = r"(?:(?:[A-Za-z]|\s?\([A-Za-z]\)|\s[A-H])(?![^\W_])|(?![^\W\d_]))"
_TO = r"\s*(?:[\u2010-\u2015\u2212-]|\b(?:to|through|until|a|al|até|bis)\b)\s*"
_AND = r"\s*(?:[,&/+]|\b(?:and|y|e|et|und)\b)\s*"
# The end excludes eLife's "Figure 2—figure supplement 1" and figures of other papers, "Fig. 3 of [7]".
_CITED = re.compile(
    rf"{_WORD}\s*({_NUMBER}{_PANEL}(?:(?:{_TO}|{_AND})+(?:{_NUMBER}{_PANEL}|[A-Hb-h]\b(?!['’])))*)"
    r"(?!\s*[\u2010-\u2015-]\s*(?:[Ff]igure )?supplement|\s+(?:of|in|from) (?:\[|[Rr]efs?\b))"
)
_ITEM = re.compile(rf"(?P<to>{_TO})?(?:{_AND})*(?P<number>{_NUMBER}){_PANEL}")
_LABEL = re.compile(rf"{_WORD}\s*({_NUMBER})\W*")
_RANGE = re.compile(_TO)
_PREFIXED_NUMBER = re.compile(r"([SA]?)(\d+)")
_LONGEST_RANGE = 50  # a longer one, "Figs 1–200", is a misprint or an attack

# The same words in bytes. Each pattern begins with plain letters, so that the search can jump to them: one pattern
# for all would look at every byte.
_IN_BYTES = [
    re.compile(word + rb"\.?(?:\s|<[^>]*>|&[#\w]+;|\xc2\xa0)*([SAsa]?\d{1,3}(?:\.\d{1,2})?)")
    for word in (rb"ig(?:ur[ea])?s?", rb"IG(?:UR[EA])?S?", rb"bb(?:ildung(?:en)?)?")
]
# Beginnings of tags that may be between the words of a link or label and its own tag: bold, italic, sup …
_INLINE_TAGS = (b"<b", b"<i", b"</b", b"</i", b"<sc", b"</sc", b"<sub", b"<sup", b"</su", b"<styled", b"<u")
_LINK_TAGS = (b"<xref", b"<label")


def number_of(label: str) -> str | None:
    """Returns the number in a figure's label, `3` or `S2`, upper case; None if the label is anything else."""
    match = _LABEL.fullmatch(label)
    return match[1].upper() if match else None


def is_range(text: str) -> bool:
    """Returns whether the text between two citations makes them a range: a dash, "to" …"""
    return _RANGE.fullmatch(text) is not None


def cited_in(text: str) -> Iterator[tuple[str, list[Cited]]]:
    """Yields each citation in words, as written, with the figures that it refers to, in order."""
    for match in _CITED.finditer(text):
        starts_like_figure = match[0][:3].lower() in ("fig", "abb")
        is_end_of_word = match.start() > 0 and text[match.start() - 1].isalnum()
        if starts_like_figure and not is_end_of_word:
            yield match[0], list(_figures_in(match))


def _figures_in(citation: re.Match[str]) -> Iterator[Cited]:
    previous: str | None = None
    for item in _ITEM.finditer(citation[1]):
        number = item["number"].upper()
        is_end_of_range = item["to"] is not None
        if is_end_of_range:
            for inner in _between(previous, number):
                yield Cited(inner, citation.start(), citation.end(), between=True)
        # The first figure's offsets include the word "Fig.".
        start = citation.start() if previous is None else citation.start(1) + item.start("number")
        yield Cited(number, start, citation.start(1) + item.end(), is_end_of_range)
        previous = number


def _between(first: str | None, last: str) -> list[str]:
    """Returns the numbers within a range, without its ends: S3 and S4 for "S2" to "S5"."""
    start = _PREFIXED_NUMBER.fullmatch(first or "")
    end = _PREFIXED_NUMBER.fullmatch(last)
    if start is None or end is None or start[1] != end[1]:
        return []
    if int(end[2]) - int(start[2]) > _LONGEST_RANGE:
        return []
    return [f"{start[1]}{number}" for number in range(int(start[2]) + 1, int(end[2]))]


def worded_numbers(xml: bytes) -> frozenset[str] | None:
    """Returns the numbers of figures cited in plain words, outside of links and labels; None if that is unknown.

    Most articles always link their figures, and then there is no need to search their passages one by one.
    """
    is_utf16 = b"\0" in xml[:100]
    if is_utf16:
        return None
    numbers = set()
    for pattern in _IN_BYTES:
        for match in pattern.finditer(xml):
            if not xml.startswith(_LINK_TAGS, _enclosing_tag(xml, match.start())):
                numbers.add(match[1].decode().upper())
    return frozenset(numbers)


def _enclosing_tag(xml: bytes, position: int) -> int:
    """Returns the position of the last tag before a position, ignoring tags of inline markup; -1 without one."""
    while (position := xml.rfind(b"<", 0, position)) >= 0:
        if not xml.startswith(_INLINE_TAGS, position):
            break
    return position
