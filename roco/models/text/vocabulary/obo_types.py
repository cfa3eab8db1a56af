"""Gives terms of OBO ontologies, which have no semantic types, that of their nearest listed ancestor."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).with_name("obo_types.csv")


class Ontology(NamedTuple):
    """Source and license of an ontology as a vocabulary contains them, and the type of terms below no listed root."""

    source: str
    license: str
    tui: str


ONTOLOGIES = {
    "HP": Ontology("HPO", "HPO license (free with attribution)", "T033"),
    "MONDO": Ontology("Mondo", "CC BY 4.0", "T047"),
    "DOID": Ontology("DOID", "CC0 1.0", "T047"),
    "UBERON": Ontology("UBERON", "CC BY 3.0", "T023"),
}
"""Prefix of the ids -> ontology; terms of another ontology have its prefix as source, and no type."""


@cache
def roots() -> Mapping[str, str]:
    """Returns the listed terms with their types."""
    with TABLE.open(encoding="utf-8", newline="") as fh:
        return {row["root"]: row["tui"] for row in csv.DictReader(fh)}


def types_of(id: str, parents: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Returns the type of the nearest listed term among a term and its ancestors, all types if several are as near.

    parents: id -> ids of the terms that it is a kind of.
    """
    known = roots()
    level, seen = {id}, {id}
    while level:
        found = sorted({known[each] for each in level if each in known})
        if found:
            return tuple(found)
        level = {parent for each in level for parent in parents.get(each, ())} - seen
        seen |= level
    ontology = ONTOLOGIES.get(id.partition(":")[0])
    return (ontology.tui,) if ontology else ()
