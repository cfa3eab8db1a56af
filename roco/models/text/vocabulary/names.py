"""Which names of a source a vocabulary takes, and which of them are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from roco.models.text.vocabulary.table import SEPARATOR, complaint_about

LONGEST_ABBREVIATION = 5  # characters


def usable(names: Iterable[str], left_out: Counter[str]) -> tuple[str, ...]:
    """Returns names that a vocabulary can contain, with single spaces; counts the others by reason in left_out."""
    found: dict[str, None] = {}
    for name in names:
        text = " ".join(name.split())
        complaint = "contains '|'" if SEPARATOR in text else complaint_about(text)
        if complaint:
            left_out[f"name {complaint}"] += 1
        else:
            found[text] = None
    return tuple(found)


def key(name: str) -> str:
    """Returns what names have in common that are the same: their letters in any case, except in abbreviations.

    `Heart` and `heart` are the same; `US` and `us`, `CT` and `Ct` are not.
    """
    is_abbreviation = len(name) <= LONGEST_ABBREVIATION and name[1:] != name[1:].lower()
    return name if is_abbreviation else name.casefold()


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Returns the first of each group of names that are the same."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(key(name), name)
    return tuple(found.values())
