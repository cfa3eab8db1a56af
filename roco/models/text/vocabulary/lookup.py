"""Looks concepts up in a vocabulary, by CUI or name."""

from __future__ import annotations

import difflib
import re

from roco.base.errors import DataError
from roco.base.ids import is_cui
from roco.base.text import escaped
from roco.models.text.vocabulary.table import Concept, Vocabulary

MOST_NAMES = 20_000
"""Names among which the nearest is looked for."""


LEAST_SIMILARITY = 0.6
"""Of a name that is suggested; 1 for equal names."""

_LIKE_CUI = re.compile(r"C\d+|\d{5,}", re.IGNORECASE)


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
    if _LIKE_CUI.fullmatch(word.strip()):
        raise DataError(
            f"{escaped(word.strip()[:60])!r} is neither a name nor a CUI", "a CUI is C and seven digits: C0018787"
        )
    alike = {
        name
        for concept in vocabulary.concepts
        for name in concept.names
        if abs(len(name) - len(wanted)) <= 3 and name[:1].casefold() == wanted[:1]
    }
    close = difflib.get_close_matches(word[:60], sorted(alike)[:MOST_NAMES], n=1, cutoff=LEAST_SIMILARITY)
    hint = f"did you mean '{close[0]}'?" if close else "look for another name, or a CUI such as C0018787"
    raise DataError(f"no concept is called '{escaped(word[:60])}'", hint)
