"""Reads the examples of rules for concepts: a text with one mention, `a [patchy](C0994894) consolidation`."""

from __future__ import annotations

import re
from typing import NamedTuple

from roco.base.errors import DataError

LONGEST = 300  # characters

_MENTION = re.compile(r"\[([^\[\]]+)\]\((C\d{7})((?: T\d{3})*)\)")


class Example(NamedTuple):
    """The mention of an example: its words, concept and semantic types, as far as they are stated."""

    text: str
    cui: str
    tuis: tuple[str, ...]


def example(text: str, where: str) -> Example:
    """Returns the mention in an example. Raises DataError unless there is exactly one."""
    found = _MENTION.findall(text[:LONGEST])
    if len(found) != 1 or len(text) > LONGEST:
        raise DataError(f"{where}: example {text[:60]!r}", "write one mention: a [patchy](C0994894) consolidation")
    words, cui, tuis = found[0]
    return Example(words, cui, tuple(tuis.split()))
