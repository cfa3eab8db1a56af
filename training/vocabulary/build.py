"""Puts the shipped vocabulary together: tables checked by hand, names from ontologies, further CUIs of a name."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from roco.base.errors import DataError
from roco.models.text.vocabulary.table import Concept, Vocabulary
from training.vocabulary import behavior
from training.vocabulary.names import is_safe, key
from training.vocabulary.ontologies import ONTOLOGIES

HERE = Path(__file__).parent
BY_HAND = ("directions", "anatomy", "findings", "procedures", "devices")
"""The tables checked by hand, in the order of the shipped vocabulary: the first concept with a name is linked."""

OWN_LICENSE = "Apache-2.0"
SHIPPED_SOURCES = {
    "paper": "roco; CUI: ROCOv2 paper",
    "dicom": "roco; CUI: DICOM PS3.16",
    "ontology": "roco; CUI: DOID, Mondo or HPO",
    "roco": "roco; CUI: ROCO v1 captions",
    "public": "roco; CUI: public code lists",
    "order": "roco; CUI: order of CUIs",
    "labels": "roco; CUI: labelled captions",
}
"""Source of a CUI in the tables checked by hand -> source of the row that is shipped: the names are our own."""
UNCONFIRMED = "unconfirmed"


class Row(NamedTuple):
    """One row of a table checked by hand; source tells where the CUI comes from."""

    cui: str
    name: str
    synonyms: tuple[str, ...]
    tui: str
    source: str
    note: str


def rows(table: str) -> list[Row]:
    """Reads a table checked by hand, with the rows that are not shipped."""
    with (HERE / f"{table}.csv").open(encoding="utf-8", newline="") as fh:
        found = []
        for line in csv.DictReader(fh):
            synonyms = tuple(line["synonyms"].split("|")) if line["synonyms"] else ()
            found.append(Row(line["cui"], line["name"], synonyms, line["tui"], line["source"], line["note"]))
    return found


def ontology_types() -> dict[str, str]:
    """Reads the concepts that are taken from ontologies -> their semantic type."""
    with (HERE / "ontology.csv").open(encoding="utf-8", newline="") as fh:
        return {line["cui"]: line["tui"] for line in csv.DictReader(fh)}


def dropped_names() -> set[tuple[str, str]]:
    """Reads names of ontologies that are not taken: CUI and key of the name."""
    with (HERE / "dropped_names.csv").open(encoding="utf-8", newline="") as fh:
        return {(line["cui"], key(line["name"])) for line in csv.DictReader(fh)}


def vocabulary(names: Mapping[str, Mapping[str, Sequence[str]]]) -> Vocabulary:
    """Returns the vocabulary to ship.

    names: ontology (a key of ONTOLOGIES) -> CUI -> names. Each name belongs to one concept, the first in the order of
    the tables. The concepts of `alternates.csv` stand last.
    """
    taken: dict[str, str] = {}
    concepts = []
    for table in BY_HAND:
        for row in rows(table):
            if row.source != UNCONFIRMED:
                _claim(taken, row, table)
                concepts.append(_by_hand(row))
    concepts += _from_ontologies(names, taken)
    concepts += [_alternate(row, taken) for row in rows("alternates")]
    return Vocabulary(tuple(concepts))


def _claim(taken: dict[str, str], row: Row, table: str) -> None:
    for name in (row.name, *row.synonyms):
        owner = taken.setdefault(key(name), row.cui)
        if owner != row.cui:
            raise DataError(f"{table}.csv: {row.cui}: the name {name!r} belongs to {owner}", "remove one of them")


def _by_hand(row: Row) -> Concept:
    return Concept(row.cui, row.name, row.synonyms, (row.tui,), SHIPPED_SOURCES[row.source], OWN_LICENSE)


def _alternate(row: Row, taken: dict[str, str]) -> Concept:
    """Returns a further CUI of a name; names of other concepts are left to these.

    UMLS has several concepts for many names. A linker gives the first one; the others are known by their CUI. Such a
    concept has the CUI behind its name, which no caption contains.
    """
    free = [name for name in (row.name, *row.synonyms) if taken.setdefault(key(name), row.cui) == row.cui]
    if not free:
        free = [f"{row.name} ({row.cui})"]
    return _by_hand(row._replace(name=free[0], synonyms=tuple(free[1:])))


def _from_ontologies(names: Mapping[str, Mapping[str, Sequence[str]]], taken: dict[str, str]) -> list[Concept]:
    dropped = dropped_names()
    concepts = []
    for cui, tui in ontology_types().items():
        kept: list[str] = []
        sources = []
        own = behavior.of_concept(cui, [names[ontology].get(cui, ()) for ontology in ONTOLOGIES])
        for ontology in ONTOLOGIES:
            new = []
            for name in names[ontology].get(cui, ()):
                if not is_safe(name) or (cui, key(name)) in dropped or not behavior.is_of(name, own):
                    continue
                if taken.setdefault(key(name), cui) == cui:
                    new.append(name)
            if new:
                sources.append(ontology)
                kept += new
        if kept:
            source = "|".join(ONTOLOGIES[ontology].source for ontology in sources)
            license = "|".join(ONTOLOGIES[ontology].license for ontology in sources)
            concepts.append(Concept(cui, kept[0], _distinct(kept)[1:], (tui,), source, license))
    return concepts


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Returns names without those that differ in case, hyphens or number only."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(key(name), name)
    return tuple(first.values())
