"""Parses citations of figures in plain words: "Fig. 2B", "figs 1, 3 and 5", "Figures 2–4", "Abb. 3", "Figura S1".

Called by `mentions.py`; `citation_context.py` recognises figures of supplements and of other papers. Figures of a
supplement or an appendix are numbered apart: "Supplementary Figure 1" and "Figure S1" are number S1, "Appendix Figure
1" is A1, "Online Figure 1" E1, "Extended Data Figure 1" ED1. `worded_numbers` is a fast search of the XML's bytes that
decides whether an article needs the slow search of its passages at all.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from roco.base.patterns import later
from roco.sources.jats.citation_context import is_of_another_paper, series_of


class Cited(NamedTuple):
    """One figure that a citation in words refers to, with its offsets in the passage.

    number: of the figure's label, upper case, with its series (`3`, `S2`)
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
_NUMBER = r"[A-Zas]?\d{1,3}(?:\.\d{1,2})?(?!\d)"
# A panel letter, or nothing; the last alternative keeps "1st" from being read as figure 1.
_PANEL = r"(?:(?:[A-Za-z]|\s?\([A-Za-z]\)|\s[A-H])(?![^\W_])|(?![^\W\d_]))"
_TO = r"\s*(?:[\u2010-\u2015\u2212-]|\b(?:to|through|until|a|al|até|bis)\b)\s*"
_AND = r"\s*(?:[,&/+]|\b(?:and|y|e|et|und)\b)\s*"
# In a list, a number with a unit is not a figure: "Fig. 2 and 3 mm below".
_NO_UNIT = r"(?!\s*(?:%|(?:[cmk]?m|m[lgs]|kg|min|hours?|days?|weeks?|months?|years?|patients?|cases?|slices?)\b))"
_CITED = later(
    rf"{_WORD}\s*({_NUMBER}{_PANEL}(?:(?:{_TO}|{_AND})+(?:{_NUMBER}{_PANEL}{_NO_UNIT}|[A-Hb-h]\b(?!['’])))*)"
)
# eLife's "Figure 2—figure supplement 1" is a figure of its own.
_SUPPLEMENT_OF_FIGURE = re.compile(r"\s*[\u2010-\u2015-]\s*(?:[Ff]igure )?supplement")
_JOINED = re.compile(rf"(?:{_AND})+")
_ITEM = later(rf"(?P<to>{_TO})?(?:{_AND})*(?P<number>{_NUMBER}){_PANEL}")
_LABEL = re.compile(rf"(?P<before>.*?)(?P<figure>{_WORD}\s*(?P<number>{_NUMBER}))(?:\W*|\s*\([\w\s]*\)\W*)")
_RANGE = re.compile(_TO)
_PREFIXED_NUMBER = re.compile(r"([A-Z]*)(\d+)")
_LONGEST_RANGE = 50  # a longer one, "Figs 1–200", is a misprint or an attack

# The same words in bytes. Each pattern begins with plain letters, so that the search can jump to them: one pattern
# for all would look at every byte.
_IN_BYTES = [
    re.compile(word + rb"\.?(?:\s|<[^>]*>|&[#\w]+;|\xc2\xa0)*([A-Zas]?\d{1,3}(?:\.\d{1,2})?)")
    for word in (rb"ig(?:ur[ea])?s?", rb"IG(?:UR[EA])?S?", rb"bb(?:ildung(?:en)?)?")
]
# Beginnings of tags that may be between the words of a link or label and its own tag: bold, italic, sup …
_INLINE_TAGS = (b"<b", b"<i", b"</b", b"</i", b"<sc", b"</sc", b"<sub", b"<sup", b"</su", b"<styled", b"<u")
_LINK_TAGS = (b"<xref", b"<label")


def number_of(label: str) -> str | None:
    """Returns the number in a figure's label with its series, `3` or `S2`; None if the label is anything else."""
    match = _LABEL.fullmatch(label)
    if match is None:
        return None
    series = series_of(label, match.start("figure"), match.end("figure"))
    if match["before"].strip() and not series:
        return None
    return _in_series(match["number"], series)


def without_series(number: str) -> str:
    """Returns a number without its series: 1 for S1, which the text may cite as "Supplementary Figure 1"."""
    return number.lstrip(string.ascii_uppercase)


def is_range(text: str) -> bool:
    """Returns whether the text between two citations makes them a range: a dash, "to" …"""
    return _RANGE.fullmatch(text) is not None


def cited_in(
    text: str, is_author: Callable[[str], bool] = lambda _name: False, links: Collection[int] = ()
) -> Iterator[tuple[str, list[Cited]]]:
    """Yields each citation in words, as written, with the figures that it refers to, in order.

    Citations of figures of other papers are left out; is_author, links: see `is_of_another_paper`.
    """
    end_of_others = -1  # where a citation of another paper's figures ended: "their Fig. 5 and Fig. 9"
    for match in _CITED.finditer(text):
        start, end = match.span()
        if not _begins_a_word(match) or _SUPPLEMENT_OF_FIGURE.match(text, end):
            continue
        continues_others = end_of_others >= 0 and _JOINED.fullmatch(text, end_of_others, start)
        if continues_others or is_of_another_paper(text, start, end, is_author, links):
            end_of_others = end
        else:
            yield match[0], list(_figures_in(match, series_of(text, start, end)))


def _begins_a_word(citation: re.Match[str]) -> bool:
    """Returns whether a match begins with the word for a figure, or with "eFig"."""
    if citation[0][:3].lower() not in ("fig", "abb"):
        return False
    before = citation.string[max(0, citation.start() - 2) : citation.start()]
    return not before[-1:].isalnum() or (before[-1:] in "eE" and not before[:-1].isalnum())


def _figures_in(citation: re.Match[str], series: str) -> Iterator[Cited]:
    previous: str | None = None
    for item in _ITEM.finditer(citation[1]):
        number = _in_series(item["number"], series)
        is_end_of_range = item["to"] is not None
        if is_end_of_range:
            for inner in _between(previous, number):
                yield Cited(inner, citation.start(), citation.end(), between=True)
        # The first figure's offsets include the word "Fig.".
        start = citation.start() if previous is None else citation.start(1) + item.start("number")
        yield Cited(number, start, citation.start(1) + item.end(), is_end_of_range)
        previous = number


def _in_series(number: str, series: str) -> str:
    """Returns the number in upper case; a letter of its own takes precedence over the words around it."""
    return number.upper() if number[0].isalpha() else f"{series}{number}"


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

    A number has only the letter that is written with it: the words before it, which may name a series, are not read.

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
