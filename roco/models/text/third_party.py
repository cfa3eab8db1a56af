"""Finds the sentence with which an article's permissions reserve the rights of others in some of its material.

`sources/jats/article.py` calls `third_party`; the stage `rights` drops figures of such articles.
"""

from __future__ import annotations

import re

from roco.base.patterns import later

_END_OF_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\u00c0-\u00dd])|;\s+")
_CONDITION = re.compile(r"(?:if|where|should)\b", re.I)
_MATERIAL = r"\b(?:photograph|illustration|image|figure|graphic|picture|table|artwork|material|content|component)s?\b"
_HOLDERS = r"(?:others?\b|third[- ]part|individual|organi[sz]ation|compan|publisher|somebody|someone)"
_HOLDS = r"\b(?:contains?|includes?|incorporates?|uses?)\b"
_OWNED = r"\b(?:copyright(?:ed)?|owned|held|licensed|property)\b"
_ON = r"[^;]{0,150}"  # bounded, because the words come from outside
_RESERVATIONS = tuple(
    later(pattern, re.I)
    for pattern in (
        # the article contains material of others
        rf"{_HOLDS}{_ON}{_MATERIAL}{_ON}{_OWNED}{_ON}{_HOLDERS}",
        rf"\b(?:does|do) not (?:necessarily )?own (?:each|every|all)\b{_ON}{_MATERIAL}",
        rf"\bcopyright\b[^;]{{0,40}}{_MATERIAL}{_ON}\b(?:remains?|belongs?|retained)\b(?! (?:with|by|to) the author)",
        # the licence excludes it
        rf"\b(?:licen[cs]e|permission)s? (?:does|do) not (?:apply|extend|cover|include)\b{_ON}{_MATERIAL}",
        rf"{_MATERIAL}{_ON}\b(?:is|are|was|were) (?:not (?:covered|included|licen[cs]ed|subject)|excluded|exempt)\b",
        rf"{_MATERIAL}{_ON}\b(?:remains?|retains?) (?:the )?(?:copyright|property)\b",
        rf"\b(?:exception of|except(?:ing)?|excluding)\b{_ON}{_MATERIAL}{_ON}(?:©|third[- ]part|permission|{_OWNED})",
    )
)
_LONGEST = 10_000  # characters of permissions that are searched


def third_party(words: str) -> str | None:
    """Returns the first sentence that reserves rights of others in material of the article; None if there is none.

    words: the article's own permissions as text. A sentence that includes the material of others in the licence
    "unless a credit line says otherwise" does not count: some publishers print it in every article.
    """
    text = " ".join(words[:_LONGEST].split())
    for sentence in _END_OF_SENTENCE.split(text):
        if _reserves_rights(sentence):
            return sentence
    return None


def _reserves_rights(sentence: str) -> bool:
    # "If material is not included in the licence, …" is a rule for users and names no such material.
    if _CONDITION.match(sentence):
        return False
    return any(pattern.search(sentence) for pattern in _RESERVATIONS)
