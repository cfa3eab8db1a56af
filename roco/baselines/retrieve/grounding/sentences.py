"""Splits an answer into sentences and reads the citations of each: `[1]`, `[1, 3]`, `[2-4]`, `[Source 1]`."""

from __future__ import annotations

import re
from typing import NamedTuple

_NUMBER = r"[0-9]{1,9}"
_LIST = rf"{_NUMBER}(?:\s{{0,3}}[,;–-]\s{{0,3}}{_NUMBER}){{0,99}}"
CITATION = re.compile(rf"[\[【［]\s{{0,3}}(?:\^|(?:[Ss]ources?|SOURCES?)\s{{1,3}})?({_LIST})\s{{0,3}}[\]】］]")
"""A citation, with its numbers as the first group."""

_LONGEST_RANGE = 50

# A full stop after one of these does not end a sentence.
_ABBREVIATIONS = re.compile(
    r"al|approx|ca|cf|dr|e\.g|eg|etc|figs?|i\.e|ie|mrs?|ms|nos|prof|refs?|resp|st|vs|viz|[a-z]", re.I
)
_END = re.compile(r"[.!?…][\"'”’)\]*_]*(?=\s|$|[\[【［])")
_LAST_WORD = re.compile(r"[^\s(\[]+$")
_BULLET = re.compile(r"\s*(?:[-*•–]|[0-9]{1,3}[.)])\s+")
_CITATIONS_AFTER = re.compile(rf"(?:\s{{0,3}}{CITATION.pattern}\.?)+")


class Span(NamedTuple):
    """Where a part of a text begins, and where it ends."""

    start: int
    end: int


def sentences(text: str) -> list[Span]:
    """Returns where the sentences of a text are, without white space around them; a line break ends a sentence.

    Citations after the full stop belong to the sentence before it. Text without a letter or digit is no sentence.
    """
    spans: list[Span] = []
    for line in re.finditer(r"[^\n]+", text):
        spans += _of_line(text, line.start(), line.end())
    return [span for span in spans if any(character.isalnum() for character in text[span.start : span.end])]


def cited(text: str) -> list[int]:
    """Returns the numbers of the sources that a text cites, in order and each once.

    A range stands for its numbers; of one that is longer than 50, only both ends are returned.
    """
    numbers: dict[int, None] = {}
    for match in CITATION.finditer(text):
        for part in re.split(r"\s*[,;]\s*", match[1]):
            ends = [int(end) for end in re.split(r"\s*[–-]\s*", part)]
            first, last = ends[0], ends[-1]
            is_range = len(ends) == 2 and first <= last < first + _LONGEST_RANGE
            numbers |= dict.fromkeys(range(first, last + 1) if is_range else ends)
    return list(numbers)


def without_citations(text: str) -> str:
    """Returns a text in which each citation is replaced by as many spaces: offsets stay the same."""
    return CITATION.sub(lambda match: " " * len(match[0]), text)


def _of_line(text: str, start: int, end: int) -> list[Span]:
    """Returns the sentences of one line."""
    bullet = _BULLET.match(text, start, end)
    at = bullet.end() if bullet else start
    spans: list[Span] = []
    for match in _END.finditer(text, at, end):
        if match.start() < at or not _ends_sentence(text, at, match.start(), match.end(), end):
            continue
        after = _CITATIONS_AFTER.match(text, match.end(), end)
        stop = after.end() if after else match.end()
        spans.append(_trimmed(text, at, stop))
        at = stop
    if text[at:end].strip():
        spans.append(_trimmed(text, at, end))
    return spans


def _ends_sentence(text: str, start: int, mark: int, after: int, end: int) -> bool:
    """Returns whether a mark ends a sentence, and not an abbreviation or an initial."""
    if text[mark] != ".":
        return True
    word = _LAST_WORD.search(text, max(start, mark - 40), mark)
    is_abbreviation = word is not None and _ABBREVIATIONS.fullmatch(word[0]) is not None
    rest = text[after:end].lstrip()
    # An initial or abbreviation at the end of a line, and before a citation, ends the sentence all the same.
    is_last = not rest or CITATION.match(rest) is not None
    if is_abbreviation and not is_last:
        return False
    return not (rest and rest[0].islower())


def _trimmed(text: str, start: int, end: int) -> Span:
    """Returns a span without white space at both ends."""
    part = text[start:end]
    return Span(start + len(part) - len(part.lstrip()), end - (len(part) - len(part.rstrip())))
