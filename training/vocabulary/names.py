"""Which names of an ontology are safe to look for in captions."""

from __future__ import annotations

import re

LONGEST = 60
MOST_WORDS = 6
SHORTEST_WORD = 6
"""A name of one word has at least this many letters: shorter ones are mostly abbreviations or everyday words."""

_MARKS = re.compile(r'[,;:(){}\[\]/<>"|\d]')
_ABBREVIATION = re.compile(r"\S*[A-Z]\S*[A-Z]\S*")
_CLASSIFYING = re.compile(
    r"(?i)\b(nos|susceptibility|type|form|unspecified|gene|mutation|deficiency|resistant|onset|stage|grade)\b"
)
_SPACES = re.compile(r"[\s\-\u2010-\u2015]+")


def is_safe(name: str) -> bool:
    """Tells whether a name is neither an abbreviation, nor inverted, nor an entry of a classification."""
    words = name.split()
    if not name or len(name) > LONGEST or len(words) > MOST_WORDS:
        return False
    if _MARKS.search(name) or _CLASSIFYING.search(name):
        return False
    if len(words) == 1:
        return len(name) >= SHORTEST_WORD and not _ABBREVIATION.fullmatch(name)
    return True


def key(name: str) -> str:
    """Returns the form in which two names are the same: any case, space and hyphen alike, singular and plural."""
    words = _SPACES.sub(" ", name.strip()).lower().replace("\u2019", "'").split(" ")
    words[-1] = _singular(words[-1])
    return " ".join(words)


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("s") and word[-2] not in "siu'":
        return word[:-1]
    return word
