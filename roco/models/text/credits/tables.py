"""Regular expressions from tables of words."""

from __future__ import annotations

import re


def any_of(words: str) -> str:
    """Returns an alternation of words separated by white space; `_` is a space or hyphen within a name."""
    return "|".join(re.escape(word).replace("_", r"(?:\s|-)+") for word in words.split())


def words(text: str) -> frozenset[str]:
    """Returns the words of a text that are separated by white space."""
    return frozenset(text.split())


def nouns(words: str) -> str:
    """Returns an alternation of nouns given in the singular, which also matches their plural."""
    return rf"(?:{any_of(words)})(?:es|s)?"
