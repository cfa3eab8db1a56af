"""Reads the phrases in which names have another meaning: "contrast-enhanced", "transverse process", "at discharge"."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

from roco.models.text.terms.other_meanings import DECOYS

TABLE = Path(__file__).with_name("hidden_phrases.toml")


class Group(NamedTuple):
    """Phrases for one reason, and the names that would be linked in them otherwise."""

    reason: str
    hides: tuple[str, ...]
    phrases: tuple[str, ...]


@cache
def groups() -> tuple[Group, ...]:
    """Returns the shipped table."""
    content = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return tuple(Group(group["reason"], tuple(group["hides"]), tuple(group["phrases"])) for group in content["group"])


def phrases() -> tuple[str, ...]:
    """Returns all phrases, those of the words of imaging among them."""
    return (*DECOYS, *(phrase for group in groups() for phrase in group.phrases))
