"""Looks concepts up in a vocabulary, by CUI or name."""

from __future__ import annotations

from roco.base.errors import DataError, nearest
from roco.base.ids import is_cui
from roco.base.text import escaped
from roco.models.text.vocabulary.table import Concept, Vocabulary

MOST_NAMES = 20_000
"""Names among which the nearest is looked for."""


def find(vocabulary: Vocabulary, word: str) -> list[Concept]:
    """Returns the concepts with a CUI, or with a name in any case; raises DataError with the nearest name."""
    cui = word.strip().upper()
    if is_cui(cui):
        if cui in vocabulary.by_cui:
            return [vocabulary.by_cui[cui]]
        raise DataError(f"the vocabulary does not contain {cui}", "look for a name instead, such as 'heart'")
    wanted = " ".join(word.split()).casefold()
    found = [c for c in vocabulary.concepts if any(name.casefold() == wanted for name in c.names)]
    if found:
        return found
    alike = {
        name
        for concept in vocabulary.concepts
        for name in concept.names
        if abs(len(name) - len(wanted)) <= 3 and name[:1].casefold() == wanted[:1]
    }
    names = sorted(alike)[:MOST_NAMES] or [concept.name for concept in vocabulary.concepts[:MOST_NAMES]]
    raise DataError(f"no concept is called {escaped(word[:60])!r}", nearest(word[:60], names))
