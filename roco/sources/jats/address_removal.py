"""Removes addresses from captions together with the words and signs that only lead to them.

What is left reads as if the address had never been there: "(copy archived at https://…)" and "Details can be found at
https://…" are removed completely. In a sentence about something else a placeholder takes the place of the address:
"Images were registered with the atlas of https://…" becomes "… the atlas of [link]".
"""

from __future__ import annotations

import re

from roco.base.text import LINK
from roco.sources.jats.address_lead import (
    FARTHEST,
    TOKEN,
    breaks_off,
    has_number,
    is_governing,
    is_leading,
    lead_of,
    phrase_start,
)
from roco.sources.jats.address_words import CONJUNCTIONS, GOVERNORS, LABELS, REFERENCES
from roco.sources.jats.addresses import ACCESS_NOTE, addresses_in

_NEED_ADDRESS = GOVERNORS | CONJUNCTIONS | set(LABELS)
_LONGEST = 30_000  # characters of a caption in which phrases are removed; the time grows with their square

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
    lead = lead_of(left)
    ends = _end_of_clause(right)
    is_comma = right.startswith((",", ":"))
    second_object = _SECOND_OBJECT.match(right)

    if lead.border is not None:
        if ends is not None:
            start = lead.start
            if lead.border in _PAIRS and lead.comma is not None and has_number(lead, before=lead.comma):
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

    if lead.comma is not None and ends is not None and not breaks_off(left, lead):
        return _joined(left[: lead.comma], right[ends:])
    if lead.comma is not None and lead.words and re.match(r"\s+[A-Z][a-z]", right):
        return _joined(left[: lead.comma] + ".", right)  # after the address a full stop was forgotten
    if lead.comma is not None and is_comma and ":" in left[lead.comma :]:
        return _joined(left[: lead.comma], right)  # "…, source: [address], …"
    if left.endswith((", ", ",")) and not is_governing(left.rstrip(", ").rpartition(" ")[2]):
        return _joined(left.rstrip(", "), right)
    if second_object:
        return _joined(left, right[second_object.end() :])
    phrase = phrase_start(lead, left)
    if phrase is not None:
        return _joined(left[:phrase], right[ends or 0 :])
    nearby = max(0, len(left) - FARTHEST)
    conjunction = _CONJUNCTION.search(left, nearby)
    if conjunction:
        return _joined(left[: conjunction.start()], right)
    if lead.words and is_governing(lead.words[0][0]):
        return _with_placeholder(left, right)
    label = _LABEL.search(left, nearby)
    if label and label[1].casefold() in _DETERMINERS:
        return _with_placeholder(left, right)
    if label and is_governing(label[1]):
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
        last_word = _LAST_WORD.search(outside, max(0, len(outside) - FARTHEST))[0]  # type: ignore[index] # it matches ""
        is_needed = before[-1] == "<" or outside.endswith(":") or last_word.casefold() in _NEED_ADDRESS
        if not is_needed:
            return left, after[0] + after[note.end() :] if note else right
        left, right = before[:-1], after[note.end() if note else 1 :]


def _leads(left: str, right: str) -> bool:
    """Returns whether the bare name of a domain is an address here: in brackets, or after words that lead to one."""
    lead = lead_of(left)
    return (
        bool(lead.border in _PAIRS and not lead.words)
        or phrase_start(lead, left) is not None
        or (bool(lead.words) and lead.border is not None and _end_of_clause(right) is not None)
    )


# --- after the address


def _end_of_clause(right: str) -> int | None:
    """Returns where the clause ends that has nothing after the address but words on it; None if it goes on."""
    if _RIGHT_BORDER.match(right):
        return 0
    if not _AFTERWARDS.match(right):
        return None
    for token in TOKEN.finditer(right):
        if _RIGHT_BORDER.match(right, token.start()):
            return token.start()
        if not is_leading(token[0]):
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
