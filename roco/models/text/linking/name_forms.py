"""The forms in which a text may write a name: "effusion, pleural", "pleural effusion", "effusion of the pleura"."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).with_name("name_forms.toml")

MOST_REBUILT = 5  # words of a name that is rebuilt around its head
MOST_INVERTED = 6  # words of a name with a comma that is read the other way round

# Additions of terminologies that no caption writes.
_ADDITION = re.compile(
    r"\s*(?:,\s*NOS|\bNOS|,\s*unspecified"
    r"|\((?:disorder|finding|procedure|body structure|morphologic abnormality|qualifier value|observable entity"
    r"|physical object|diagnosis|disease|anatomy|device|substance|regime/therapy|situation|event)\)"
    r"|\[[^\[\]]{2,40}\])$",
    re.I,
)
_ENDS = (")", "]", "NOS", "unspecified")
# Names with these words say more than their parts in another order.
_BOUND = re.compile(
    r"\b(?:and|or|with|without|not|no|due|in|by|to|from|for|on|as|except|other|non)\b|[()\[\];:]|\d", re.I
)
_OF = re.compile(r" of (?!the )", re.I)


_ADJECTIVE = re.compile(r"[a-z]{2,}(?:al|ic|ar|ary|ine)|bony|osseous", re.I)


class _Table(NamedTuple):
    heads: frozenset[str]
    places: frozenset[str]
    nouns: dict[str, str]  # adjective -> noun
    adjectives: dict[str, tuple[str, ...]]  # noun -> adjectives
    others: frozenset[str]


@cache
def _table() -> _Table:
    content = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    adjectives = {noun: tuple(words) for noun, words in content["adjectives"].items()}
    nouns = {adjective: noun for noun, words in adjectives.items() for adjective in words}
    return _Table(frozenset(content["heads"]), frozenset(content["places"]), nouns, adjectives,
                  frozenset(content["others"]))  # fmt: skip


def forms(name: str) -> tuple[str, ...]:
    """Returns a name and the other forms in which it may be written; hyphens, plurals and spellings are left alone."""
    if "," not in name and " of " not in name and not name.endswith(_ENDS):
        head = name.rpartition(" ")[2]
        if head is name or head.lower() not in _table().heads:
            return (name,)
    return tuple(dict.fromkeys(_forms(name)))


def is_adjective(word: str) -> bool:
    """Returns whether a name of an organ has the form of an adjective: hepatic, femoral."""
    return _ADJECTIVE.fullmatch(word) is not None


def other_structures() -> frozenset[str]:
    """Returns the structures that are another organ than the one whose adjective is before them."""
    return _table().others


def _forms(name: str) -> Iterator[str]:
    yield name
    short = _ADDITION.sub("", name) or name if name.endswith(_ENDS) else name
    if short is not name:
        yield short
    inverted = _inverted(short) if "," in short else None
    if inverted:
        yield inverted
    for form in (short, inverted):
        if form:
            yield from _rebuilt(form)
            if " of " in form:
                yield _OF.sub(" of the ", form)


def _inverted(name: str) -> str | None:
    """Returns "pleural effusion" for "effusion, pleural", None where the parts may not be exchanged."""
    parts = [part.strip() for part in name.split(",")]
    if len(parts) > 3 or not all(parts) or len(name.split()) > MOST_INVERTED or _BOUND.search(name):
        return None
    return " ".join(reversed(parts))


def _rebuilt(name: str) -> Iterator[str]:
    """Yields "fracture of the left femur" for "femoral fracture", and the other way round.

    Only for heads and places of the table: "acute fracture" is no place.
    """
    words = name.lower().split()
    heads = _table().heads
    if len(words) > MOST_REBUILT:
        return
    if words[-1] in heads:
        head, places = words[-1], _places(" ".join(words[:-1]))
    elif len(words) > 2 and words[0] in heads and words[1] == "of":
        place = " ".join(words[2:]).removeprefix("the ")
        head, places = words[0], _places(place)
    else:
        return
    if not places:
        return
    for place in places:
        yield f"{place} {head}"
    for article in ("", "the "):
        for side in ("", "left ", "right "):
            yield f"{head} of {article}{side}{places[0]}"


def _places(place: str) -> tuple[str, ...]:
    """Returns the words for a place of the body, the noun, then its adjectives; none for other words."""
    table = _table()
    noun = table.nouns.get(place, place)
    if noun in table.adjectives:
        return (noun, *table.adjectives[noun])
    return (place,) if place.rpartition(" ")[2] in table.places else ()
