"""Finds the abbreviations that a caption defines, "left ventricle (LV)", and reads them as their long form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from roco.models.text.linking.names import Names
from roco.models.text.terms.expansions import long_forms

MOST_DEFINED = 40  # abbreviations of a caption; the search for each takes a time that grows with the caption

_SHORT = r"[A-Z][A-Za-z0-9]{1,6}"
_DEFINED = re.compile(
    rf"[(\[]\s*(?P<in>{_SHORT})\s*[)\],;:=]"
    rf"|\b(?P<by>{_SHORT})\s*(?:[(\[=:,–—]|-\s"
    r"|(?:is|are|means?|represents?|was defined|denotes?|indicates?|abbreviates|stands? for|refers? to)\b)"
)
_CAPITALS = re.compile(r"[A-Z]")
# Words before a name that do not change which concept it is.
_MODIFIERS = frozenset(("the", "a", "an", "left", "right", "both", "bilateral", "distal", "proximal", "lt", "rt"))


class Defined(NamedTuple):
    """An abbreviation with its long form, as numbers of words.

    name: the long form, without side, if the vocabulary has it, else empty. long: all words of the long form.
    """

    abbreviation: str
    name: tuple[int, ...]
    long: tuple[int, ...]


def defined(text: str, names: Names) -> list[Defined]:
    """Returns the abbreviations that a text defines.

    Of several long forms the vocabulary decides; one that it does not know counts only if place and form are certain.
    """
    found = []
    for abbreviation in _candidates(text):
        unknown: tuple[int, ...] | None = None
        for words, is_certain in long_forms(text, abbreviation):
            long = tuple(names.words.tokens(words).numbers)
            name = _known(long, words, names)
            if name:
                found.append(Defined(abbreviation, name, long))
                break
            if is_certain and unknown is None:
                unknown = long
        else:
            if unknown is not None:
                found.append(Defined(abbreviation, (), unknown))
    return found


def _candidates(text: str) -> Iterator[str]:
    """Yields the words before or after a sign of a definition that have the form of an abbreviation."""
    seen = set[str]()
    for match in _DEFINED.finditer(text):
        word = match["in"] or match["by"]
        if word not in seen and len(seen) < MOST_DEFINED and (len(word) == 2 or len(_CAPITALS.findall(word)) > 1):
            seen.add(word)
            yield word
            singular = word.removesuffix("s")
            if singular != word and len(singular) > 1:
                yield singular


def _known(numbers: tuple[int, ...], words: str, names: Names) -> tuple[int, ...]:
    """Returns the words of a long form that are one name, without articles and side; none if there is no name."""
    written = words.lower().split()
    while numbers:
        if names.value(numbers):
            return numbers
        if not written or written[0] not in _MODIFIERS:
            return ()
        numbers, written = numbers[1:], written[1:]
    return ()


class Replaced(NamedTuple):
    """Words of a text with long forms in the place of abbreviations.

    places: for each word, the number of the word of the text in whose place it is. inside: whether a name may not begin
    at a word, because the word is in a long form but not its first; the same word ends no name before it.
    """

    numbers: list[int]
    places: list[int]
    inside: list[bool]


def replaced(written: Sequence[str], numbers: Sequence[int], long_of: dict[str, tuple[int, ...]]) -> Replaced:
    """Replaces abbreviations, also their plurals, by the words of their long forms; an empty one by an unknown word."""
    result = Replaced([], [], [])
    for place, (word, number) in enumerate(zip(written, numbers, strict=True)):
        long = long_of.get(word)
        if long is None and word.endswith("s"):
            long = long_of.get(word.removesuffix("s").rstrip("'’"))
        part = (number,) if long is None else (long or (0,))
        result.numbers.extend(part)
        result.places.extend([place] * len(part))
        result.inside.extend([False] + [True] * (len(part) - 1))
    return result
