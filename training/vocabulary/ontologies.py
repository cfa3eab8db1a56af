"""The names that open ontologies give to UMLS concepts."""

from __future__ import annotations

from collections.abc import Iterable

from roco.models.text.vocabulary import obo_types
from roco.models.text.vocabulary.records import Term

# In this order: the first one gives the preferred name of a concept.
ONTOLOGIES = {
    "doid": obo_types.ONTOLOGIES["DOID"],
    "mondo": obo_types.ONTOLOGIES["MONDO"],
    "hpo": obo_types.ONTOLOGIES["HP"],
}


def names_of(terms: Iterable[Term]) -> dict[str, list[str]]:
    """Returns the names of each UMLS concept: labels first, then synonyms.

    Terms that refer to several concepts are left out: it is unclear which one a name means.
    """
    labels: dict[str, list[str]] = {}
    synonyms: dict[str, list[str]] = {}
    for term in terms:
        if len(term.cuis) == 1:
            labels.setdefault(term.cuis[0], []).append(term.name)
            synonyms.setdefault(term.cuis[0], []).extend(term.synonyms)
    return {cui: list(dict.fromkeys([*labels[cui], *synonyms[cui]])) for cui in labels}
