"""Finds what a caption itself says that an abbreviation means: "controls (CT)", "PET, polyethylene terephthalate"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_MINOR_WORDS = frozenset(re.findall(r"\S+", "of the a an and or in for to with on by at from de &"))
_MOST_WORDS = 3  # words of a long form beyond the number of letters: "tumour of the left lung (TL)"

_NEAR = 150  # characters
_MOST_OCCURRENCES = 20

_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE_END = re.compile(r"[;:()\[\]]|[.,]\s")
_IN_BRACKETS = re.compile(r"\s*[(\[]\s*(?:=|i\.\s?e\.,?|that is,?|for)?\s*([^()\[\]]{3,100})[)\]]")
# After these signs there is a definition in any case, after the others only if its letters fit.
_DEFINITE = r"=|denotes?|indicates?|abbreviates|stands? for|refers? to"
_SIGN = re.compile(
    rf"\s*(?P<sign>{_DEFINITE}|[:,–—]|-(?=\s)|is|are|means?|represents?|was defined as)\s*"
    r"(?:the\s+|an?\s+)?(?P<long>[^\W\d_][^;.,:=()\[\]]{2,80})",
    re.I,
)
_DEFINITE_SIGN = re.compile(_DEFINITE, re.I)
_LISTED = re.compile(r"(?:^|[;.,(]\s*|\band\s+)[A-Z][A-Za-z0-9]{1,5}s?\s*(?:[,:=–]|-\s)\s*[a-z]")
_ABBREVIATIONS = re.compile(r"\babbreviations?\b", re.I)


class LongForm(NamedTuple):
    """Words that an abbreviation may stand for; certain: their place and form show that they are no other words."""

    words: str
    certain: bool


def long_forms(text: str, abbreviation: str) -> Iterator[LongForm]:
    """Yields the long forms of an abbreviation that a text contains."""
    occurrences = list(_occurrences(text, abbreviation))
    for start, end in occurrences[:_MOST_OCCURRENCES]:
        before, after = text[max(0, start - _NEAR) : start].rstrip(), text[end : end + _NEAR]
        if before.endswith(("(", "[")) and re.match(r"\s*[)\],;:=]", after):
            yield from _before_bracket(before[:-1], abbreviation)
        inside = _IN_BRACKETS.match(after)
        if inside and abbreviates(abbreviation, re.split("[;,]", inside[1])[0]):
            yield _long_form(re.split("[;,]", inside[1])[0])
        definition = _SIGN.match(after)
        if definition:
            yield from _after_sign(definition, abbreviation, text, len(occurrences))


def _occurrences(text: str, abbreviation: str) -> Iterator[tuple[int, int]]:
    """Yields the offsets of an abbreviation as a word of its own, also with the s of a plural or a genitive.

    Captions have thousands of different abbreviations; to compile a pattern for each would take longer than all else.
    """
    at = text.find(abbreviation)
    while at >= 0:
        end = at + len(abbreviation)
        before = text[at - 1 : at]
        if not (before == "-" or _is_word(before)):
            for ending in ("s", "'s", ""):
                beyond = end + len(ending)
                if text.startswith(ending, end) and not _is_word(text[beyond : beyond + 1]):
                    yield at, beyond
                    end = beyond
                    break
            else:
                end = at + 1
        else:
            end = at + 1
        at = text.find(abbreviation, end)


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _long_form(words: str) -> LongForm:
    """Returns a long form in brackets; a single word may be another one: "hepatic cyst (CT)"."""
    return LongForm(words, " " in words.strip() or "-" in words)


def _before_bracket(before: str, abbreviation: str) -> Iterator[LongForm]:
    """Yields the words before a bracket that the abbreviation in it stands for: "connective tissue (CT)"."""
    clause = _SENTENCE_END.split(before)[-1]
    words = clause.split()
    for number in range(1, min(len(words), len(abbreviation) + _MOST_WORDS) + 1):
        candidate = " ".join(words[-number:])
        if abbreviates(abbreviation, candidate):
            yield _long_form(candidate)
            return


def _after_sign(definition: re.Match[str], abbreviation: str, text: str, occurrences: int) -> Iterator[LongForm]:
    sign, long = definition["sign"], definition["long"].strip()
    words = long.split()
    if _DEFINITE_SIGN.fullmatch(sign):
        # Only the first words may be the long form: "CT = connective tissue of the rat".
        for number in range(len(words), 0, -1):
            if abbreviates(abbreviation, " ".join(words[:number])):
                yield LongForm(" ".join(words[:number]), certain=True)
                return
        if len(words) <= len(abbreviation) + _MOST_WORDS:
            yield LongForm(long, certain=True)
        return
    # "CT: chronic thrombus" may also describe a CT image, unless the caption uses or lists abbreviations.
    is_list = occurrences > 1 or len(_LISTED.findall(text)) > 1 or _ABBREVIATIONS.search(text)
    if abbreviates(abbreviation, long):
        yield LongForm(long, certain=bool(is_list) or (sign == "," and len(words) > 1))
        return
    first_words = re.split(r"\s(?:by|in|of|at|for|with|from|over|per)\s", long)[0]
    if abbreviates(abbreviation, first_words):
        yield LongForm(first_words, certain=False)


def abbreviates(abbreviation: str, long: str) -> bool:
    """Returns whether all letters of an abbreviation are in the words of a long form, in order.

    Each word gives its initial and perhaps letters after it, except for minor words and for parts after a hyphen.
    """
    words: list[tuple[str, bool]] = []  # each word with whether it may be skipped
    for part in long.casefold().split():
        for number, word in enumerate(_WORD.findall(part)):
            words.append((word, number > 0 or word in _MINOR_WORDS))
    if not words or words[-1][0] in _MINOR_WORDS or sum(len(word) for word, _ in words) < len(abbreviation) + 2:
        return False
    return _fits(abbreviation.casefold(), words)


def _fits(letters: str, words: list[tuple[str, bool]]) -> bool:
    if not words:
        return not letters
    word, is_optional = words[0]
    if is_optional and _fits(letters, words[1:]):
        return True
    if not letters or word[0] != letters[0]:
        return False
    at = 0
    for used in range(1, len(letters) + 1):
        if _fits(letters[used:], words[1:]):
            return True
        if used < len(letters):
            at = word.find(letters[used], at + 1)
            if at < 0:
                return False
    return False
