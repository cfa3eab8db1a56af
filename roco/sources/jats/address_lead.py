"""The words before an address in a caption that lead to it: "(copy archived at", "Details can be found at"."""

from __future__ import annotations

import re
from typing import NamedTuple

from roco.sources.jats.address_words import (
    AUXILIARIES,
    CONJUNCTIONS,
    GOVERNORS,
    LABELS,
    OTHERS,
    RELATIVES,
    STARTERS,
    THINGS,
)

_LEADING = THINGS | GOVERNORS | STARTERS | RELATIVES | CONJUNCTIONS | OTHERS
_BEGIN_SENTENCES = STARTERS | set(LABELS) | {"source", "sources", "details"}
FARTHEST = 300  # characters before an address; a longer phrase is about something else

TOKEN = re.compile(r"(?:e\.\s?g|i\.\s?e|cf|figs?|refs?|suppl?)\.(?=[\s,:])|\d+(?:[.,]\d+)*\w*|\w[\w'’-]*|\S", re.I)
_NUMBER = re.compile(r"s?\d[\d.,]*[a-z]{0,2}|[ivx]+", re.I)
_LEFT_BORDERS = frozenset(".;!?([{<—•|*“„«")


class Lead(NamedTuple):
    """The words before an address that lead to it, the nearest first.

    start: where they begin; border: the sign before that, "" at the beginning of the text, None if it is another word;
    comma: the position of the farthest comma between them, except that dates and numbers are not part of such phrases:
    in "Foreign Policy, March 25, 2013, [address]" it is the last comma.
    """

    words: list[re.Match[str]]
    start: int
    border: str | None
    comma: int | None


def lead_of(left: str) -> Lead:
    """Returns the words at the end of a text that lead to the address after it."""
    offset = max(0, len(left) - FARTHEST)
    tokens = list(TOKEN.finditer(left, offset))
    words: list[re.Match[str]] = []
    start = len(left)
    comma = colon = None
    for number in range(len(tokens) - 1, -1, -1):
        token = tokens[number]
        sign = token[0]
        if is_leading(sign):
            words.append(token)
            start = token.start()
        elif sign == ",":
            if comma is None or not any(_is_number(word[0]) for word in words if word.start() < comma):
                comma = token.start()
        elif sign in ":=":
            # "Data from: [address]" is one phrase; in "Findings: see [address]" the phrase begins after the colon.
            before = tokens[number - 1][0] if number else ""
            if colon is None and not is_governing(before) and before.casefold() not in LABELS:
                colon = Lead(list(words), token.end(), ":", None)
        elif _is_left_border(left, token, bool(words)):
            return Lead(words, token.end(), sign, comma)
        else:
            sentence = _without_full_stop(words, has_colon=":" in left[start:])
            if colon and sentence is None and (comma is None or comma > colon.start):
                return colon
            return sentence or Lead(words, start, None, comma)
    if offset:
        return colon or Lead(words, start, None, comma)
    return Lead(words, 0, "", comma)


def breaks_off(left: str, lead: Lead) -> bool:
    """Returns whether a sentence needs its end after the comma: "The isoforms, …, can be found at"."""
    after_comma = [word for word in lead.words if word.start() > (lead.comma or 0)]
    before_comma = left[: lead.comma].rpartition(" ")[2]
    return is_governing(before_comma) or bool(after_comma and after_comma[-1][0].casefold() in AUXILIARIES)


def has_number(lead: Lead, before: int) -> bool:
    return any(word.start() < before and _is_number(word[0]) for word in lead.words)


def is_leading(word: str) -> bool:
    if word.isupper() and len(word) > 1 and word.casefold() not in THINGS:
        return _is_number(word)  # US is not `us`
    return word.casefold() in _LEADING or _is_number(word)


def _is_number(word: str) -> bool:
    return bool(_NUMBER.fullmatch(word))


def is_governing(word: str) -> bool:
    """Returns whether a sentence breaks off after this word."""
    folded = word.casefold()
    return folded in _LEADING and folded not in THINGS


def _is_left_border(left: str, token: re.Match[str], after_words: bool) -> bool:
    sign = token[0]
    if sign in "-–":
        return left[token.end() : token.end() + 1].isspace()
    if sign == '"':
        return not after_words and token.end() == len(left)
    return sign in _LEFT_BORDERS


def _without_full_stop(words: list[re.Match[str]], *, has_colon: bool) -> Lead | None:
    """Returns the lead if it begins with a capital, as after a forgotten full stop: "… the pelvis Courtesy of"."""
    first = words[-1] if words else None
    if first and first[0][0].isupper() and (has_colon or first[0].casefold() in _BEGIN_SENTENCES):
        return Lead(words, first.start(), ".", None)
    return None


def phrase_start(lead: Lead, left: str) -> int | None:
    """Returns the start of a phrase that depends on the noun before it: "(an atlas) available at"; None without one."""
    if lead.border is not None:
        return None
    names = [word[0].casefold() for word in lead.words]
    for number in range(len(names) - 1, -1, -1):
        nearer = names[number - 1] if number else ""
        farther = names[number + 1] if number + 1 < len(names) else ""
        if left[: lead.words[number].start()].rstrip().endswith(","):
            continue
        begins = names[number] in STARTERS
        if names[number] in RELATIVES:
            begins = nearer in STARTERS or nearer in AUXILIARIES
        if begins and farther not in AUXILIARIES | GOVERNORS | CONJUNCTIONS | RELATIVES:
            return lead.words[number].start()
    return None
