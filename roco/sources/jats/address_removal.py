"""Removes addresses from captions together with the words and signs that only lead to them.

What is left reads as if the address had never been there: "(copy archived at https://…)" and "Details can be found at
https://…" are removed completely. In a sentence about something else a placeholder takes the place of the address:
"Images were registered with the atlas of https://…" becomes "… the atlas of [link]".
"""

from __future__ import annotations

import re
from typing import NamedTuple

from roco.base.text import LINK
from roco.sources.jats.address_words import (
    AUXILIARIES,
    CONJUNCTIONS,
    GOVERNORS,
    LABELS,
    OTHERS,
    REFERENCES,
    RELATIVES,
    STARTERS,
    THINGS,
)
from roco.sources.jats.addresses import ACCESS_NOTE, addresses_in

_LEADING = THINGS | GOVERNORS | STARTERS | RELATIVES | CONJUNCTIONS | OTHERS
_NEED_ADDRESS = GOVERNORS | CONJUNCTIONS | set(LABELS)
_BEGIN_SENTENCES = STARTERS | set(LABELS) | {"source", "sources", "details"}
_FARTHEST = 300  # characters before an address; a longer phrase is about something else
_LONGEST = 30_000  # characters of a caption in which phrases are removed; the time grows with their square

_TOKEN = re.compile(r"(?:e\.\s?g|i\.\s?e|cf|figs?|refs?|suppl?)\.(?=[\s,:])|\d+(?:[.,]\d+)*\w*|\w[\w'’-]*|\S", re.I)
_NUMBER = re.compile(r"s?\d[\d.,]*[a-z]{0,2}|[ivx]+", re.I)
_LEFT_BORDERS = frozenset(".;!?([{<—•|*“„«")
_RIGHT_BORDER = re.compile(r"[.;!?)\]}>”»•|*]|$|\s[–—-]\s")
_AFTERWARDS = re.compile(r"\s*(?:for|to|online|website|page|on)\b", re.I)  # "see [address] for more details"
_SECOND_OBJECT = re.compile(
    rf",?\s*(?:and|or|&)\s+(?=(?:(?:{'|'.join(REFERENCES)})\.?\s?S?\d|\[\d))", re.I
)  # "see [address] and Table 2"
_RELATIVE_CLAUSE = re.compile(r",\s*(?:which|where|whose|who|that|using|with|by|after)\b", re.I)

_CONJUNCTION = re.compile(r",?\s+(?:and|or|&)\s*$")
_LAST_WORD = re.compile(r"[\w-]*$")

# A label after other words: "A. Smith, ORCID: [address]"; but "identified by the URI [address]".
_LABEL = re.compile(rf"(\w*)[\s,]+((?:{'|'.join(LABELS)})[\s:=]*)$", re.I)
_DETERMINERS = frozenset(["the", "this", "a", "an", "its", "their", "our", "following", "with", "by"])

_PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">", "“": "”", "„": "“", "«": "»", '"': '"'}
_DANGLING = re.compile(r"[,;:–—=|]$|(?:^|\s)-$")
_NO_SPACE_BEFORE = ".,;:!?)]}>”»%"
_SPACE_BEFORE_SIGN = re.compile(r"^\s+(?=[.,;:!?)\]}>])")


class _Lead(NamedTuple):
    """The words before an address that lead to it, the nearest first.

    start: where they begin; border: the sign before that, "" at the beginning of the text, None if it is another word;
    comma: the position of the farthest comma between them, except that dates and numbers are not part of such phrases:
    in "Foreign Policy, March 25, 2013, [address]" it is the last comma.
    """

    words: list[re.Match[str]]
    start: int
    border: str | None
    comma: int | None


def without_addresses(text: str) -> str:
    """Returns a text without its addresses and what leads to them; white space must be folded.

    In a text that is too long for a caption, a placeholder takes the place of each address.
    """
    addresses = addresses_in(text)
    if not addresses:
        return text
    if len(text) > _LONGEST:
        ends = [0, *(address.end for address in addresses)]
        pieces = [text[end : address.start] for end, address in zip(ends, addresses, strict=False)]
        return LINK.join([*pieces, text[ends[-1] :]])
    done = text[: addresses[0].start]
    for address, following in zip(addresses, [*addresses[1:], None], strict=True):
        right = text[address.end : following.start if following else len(text)]
        if address.weak and not _leads(done, right):
            done += text[address.start : address.end] + right
        else:
            done = "".join(_removed(done, right))
    return done.strip()


def _removed(left: str, right: str) -> tuple[str, str]:
    """Returns the texts before and after an address as they are without it."""
    left, right = _without_brackets(left, _SPACE_BEFORE_SIGN.sub("", right))
    lead = _lead(left)
    ends = _end_of_clause(right)
    is_comma = right.startswith((",", ":"))
    second_object = _SECOND_OBJECT.match(right)

    if lead.border is not None:
        if ends is not None:
            start = lead.start
            if lead.border in _PAIRS and lead.comma is not None and _has_number(lead, before=lead.comma):
                start = lead.comma  # "(Fig. 2, [address])"
            return _joined(left[:start], right[ends:])
        if second_object:
            return _joined(left, right[second_object.end() :])
        if is_comma and not _RELATIVE_CLAUSE.match(right):
            return _joined(left[: lead.start], _capitalised(right[1:], lead.border))
        if re.match(r"\s*[A-Z(]", right):
            before = left[: lead.start]
            return _joined(before[:-1] + "." if lead.border == ":" else before, right)
        if not lead.words and lead.border in _PAIRS:
            return _joined(left, right)
        return _with_placeholder(left, right)

    if lead.comma is not None and ends is not None and not _breaks_off(left, lead):
        return _joined(left[: lead.comma], right[ends:])
    if lead.comma is not None and lead.words and re.match(r"\s+[A-Z][a-z]", right):
        return _joined(left[: lead.comma] + ".", right)  # after the address a full stop was forgotten
    if lead.comma is not None and is_comma and ":" in left[lead.comma :]:
        return _joined(left[: lead.comma], right)  # "…, source: [address], …"
    if left.endswith((", ", ",")) and not _is_governing(left.rstrip(", ").rpartition(" ")[2]):
        return _joined(left.rstrip(", "), right)
    if second_object:
        return _joined(left, right[second_object.end() :])
    phrase = _phrase_start(lead, left)
    if phrase is not None:
        return _joined(left[:phrase], right[ends or 0 :])
    nearby = max(0, len(left) - _FARTHEST)
    conjunction = _CONJUNCTION.search(left, nearby)
    if conjunction:
        return _joined(left[: conjunction.start()], right)
    if lead.words and _is_governing(lead.words[0][0]):
        return _with_placeholder(left, right)
    label = _LABEL.search(left, nearby)
    if label and label[1].casefold() in _DETERMINERS:
        return _with_placeholder(left, right)
    if label and _is_governing(label[1]):
        return _with_placeholder(left[: label.start(2)], right)  # "the map at doi:[address] shows"
    return _joined(left[: label.start(2)] if label else left.rstrip(" :="), right)


def _without_brackets(left: str, right: str) -> tuple[str, str]:
    """Returns the texts without brackets around the address alone, if its sentence needs it: "available at <…>"."""
    while True:
        before, after = left.rstrip(), right.lstrip()
        if not before or _PAIRS.get(before[-1]) != after[:1]:
            return left, right
        note = ACCESS_NOTE.match(after, 1)
        outside = before[:-1].rstrip()
        last_word = _LAST_WORD.search(outside, max(0, len(outside) - _FARTHEST))[0]  # type: ignore[index] # it matches ""
        is_needed = before[-1] == "<" or outside.endswith(":") or last_word.casefold() in _NEED_ADDRESS
        if not is_needed:
            return left, after[0] + after[note.end() :] if note else right
        left, right = before[:-1], after[note.end() if note else 1 :]


def _leads(left: str, right: str) -> bool:
    """Returns whether the bare name of a domain is an address here: in brackets, or after words that lead to one."""
    lead = _lead(left)
    return (
        bool(lead.border in _PAIRS and not lead.words)
        or _phrase_start(lead, left) is not None
        or (bool(lead.words) and lead.border is not None and _end_of_clause(right) is not None)
    )


# --- before the address


def _lead(left: str) -> _Lead:
    offset = max(0, len(left) - _FARTHEST)
    tokens = list(_TOKEN.finditer(left, offset))
    words: list[re.Match[str]] = []
    start = len(left)
    comma = colon = None
    for number in range(len(tokens) - 1, -1, -1):
        token = tokens[number]
        sign = token[0]
        if _is_leading(sign):
            words.append(token)
            start = token.start()
        elif sign == ",":
            if comma is None or not any(_is_number(word[0]) for word in words if word.start() < comma):
                comma = token.start()
        elif sign in ":=":
            # "Data from: [address]" is one phrase; in "Findings: see [address]" the phrase begins after the colon.
            before = tokens[number - 1][0] if number else ""
            if colon is None and not _is_governing(before) and before.casefold() not in LABELS:
                colon = _Lead(list(words), token.end(), ":", None)
        elif _is_left_border(left, token, bool(words)):
            return _Lead(words, token.end(), sign, comma)
        else:
            sentence = _without_full_stop(words, has_colon=":" in left[start:])
            if colon and sentence is None and (comma is None or comma > colon.start):
                return colon
            return sentence or _Lead(words, start, None, comma)
    if offset:
        return colon or _Lead(words, start, None, comma)
    return _Lead(words, 0, "", comma)


def _breaks_off(left: str, lead: _Lead) -> bool:
    """Returns whether a sentence needs its end after the comma: "The isoforms, …, can be found at"."""
    after_comma = [word for word in lead.words if word.start() > (lead.comma or 0)]
    before_comma = left[: lead.comma].rpartition(" ")[2]
    return _is_governing(before_comma) or bool(after_comma and after_comma[-1][0].casefold() in AUXILIARIES)


def _has_number(lead: _Lead, before: int) -> bool:
    return any(word.start() < before and _is_number(word[0]) for word in lead.words)


def _is_leading(word: str) -> bool:
    if word.isupper() and len(word) > 1 and word.casefold() not in THINGS:
        return _is_number(word)  # US is not `us`
    return word.casefold() in _LEADING or _is_number(word)


def _is_number(word: str) -> bool:
    return bool(_NUMBER.fullmatch(word))


def _is_governing(word: str) -> bool:
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


def _without_full_stop(words: list[re.Match[str]], *, has_colon: bool) -> _Lead | None:
    """Returns the lead if it begins with a capital, as after a forgotten full stop: "… the pelvis Courtesy of"."""
    first = words[-1] if words else None
    if first and first[0][0].isupper() and (has_colon or first[0].casefold() in _BEGIN_SENTENCES):
        return _Lead(words, first.start(), ".", None)
    return None


def _phrase_start(lead: _Lead, left: str) -> int | None:
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


# --- after the address


def _end_of_clause(right: str) -> int | None:
    """Returns where the clause ends that has nothing after the address but words on it; None if it goes on."""
    if _RIGHT_BORDER.match(right):
        return 0
    if not _AFTERWARDS.match(right):
        return None
    for token in _TOKEN.finditer(right):
        if _RIGHT_BORDER.match(right, token.start()):
            return token.start()
        if not _is_leading(token[0]):
            return None
    return len(right)


def _capitalised(right: str, border: str) -> str:
    """Returns a text with a capital if it begins a sentence now."""
    text = right.lstrip()
    return text[:1].upper() + text[1:] if border in ("", ".", "!", "?") else text


# --- the two texts together


def _with_placeholder(left: str, right: str) -> tuple[str, str]:
    space = "" if not left or left[-1] in _PAIRS else " "
    return left.rstrip() + space + LINK, right


def _joined(left: str, right: str) -> tuple[str, str]:
    """Returns both texts without empty brackets and without signs that separate nothing any more."""
    left, right = left.rstrip(), right.lstrip()
    while True:
        last, first = left[-1:], right[:1]
        if last and _PAIRS.get(last) == first:
            left, right = left[:-1].rstrip(), right[1:].lstrip()
        elif first and first in ".,;:" and (not last or last in _PAIRS):
            right = right[1:].lstrip()
        elif _DANGLING.search(left, max(0, len(left) - 2)) and (not first or first in ".;:!?)]}"):
            left = left[:-1].rstrip()
        elif last == "." and right.startswith((").", "].")):
            left = left[:-1]  # "(Smith, 2010. [address])." has one full stop now
        elif last == "," == first or (first == "." and last in ".!?"):
            right = right[1:].lstrip()
        else:
            break
    space = not left or not right or right[0] in _NO_SPACE_BEFORE or left[-1] in _PAIRS
    return left if space else f"{left} ", right
