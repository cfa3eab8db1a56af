"""The names of concepts that roco contains: of its vocabulary, its table of terms, and its label sets."""

from __future__ import annotations

from roco.base.labels import KINDS
from roco.models.text.terms import table as terms
from roco.models.text.vocabulary import table as vocabulary


def shipped_names() -> dict[str, str]:
    """Returns the name of each CUI; label sets take precedence over terms, and terms over the vocabulary."""
    names = {concept.cui: concept.name for concept in vocabulary.load().concepts}
    names |= {concept.cui: concept.name for concept in terms.load().concepts}
    return names | {label.cui: label.name for kind in KINDS.values() for label in kind.values() if label.cui}
