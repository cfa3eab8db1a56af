"""Counts what a vocabulary was built from: concepts by source, overlaps, conflicts, and what was left out."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from roco.models.text.vocabulary.merge import FINDING, GUESSED
from roco.models.text.vocabulary.names import key
from roco.models.text.vocabulary.records import Record
from roco.models.text.vocabulary.table import Concept

MOST_EXAMPLES = 20
_MASK = (1 << 63) - 1


@dataclass(frozen=True)
class SourceReport:
    """One source: its files with their SHA-256, options, rows read, and rows or names left out, by reason."""

    kind: str
    files: Mapping[str, str]
    options: Mapping[str, Any]
    rows: int
    left_out: Mapping[str, int]


@dataclass(frozen=True)
class Conflict:
    """A CUI on which sources disagree; given: origin -> names or semantic types, as text."""

    cui: str
    name: str
    given: Mapping[str, str]


@dataclass(frozen=True)
class SharedName:
    """A name that several concepts have."""

    name: str
    cuis: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """What a vocabulary was built from.

    concepts, names: of the vocabulary. other_types: concepts left out because of their semantic types. origins: source
    -> concepts that it has. overlaps: pairs of sources, and concepts that both have. licenses: license -> concepts.
    shared_names, type_conflicts, name_conflicts: their numbers, each with the first examples.
    """

    sources: Sequence[SourceReport]
    concepts: int
    names: int
    other_types: int
    without_type: int
    origins: Mapping[str, int]
    overlaps: Sequence[tuple[str, str, int]]
    licenses: Mapping[str, int]
    shared_names: int
    type_conflicts: int
    name_conflicts: int
    examples_of_shared_names: Sequence[SharedName] = ()
    examples_of_type_conflicts: Sequence[Conflict] = ()
    examples_of_name_conflicts: Sequence[Conflict] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Tally:
    """Counts concepts one by one; keeps 12 bytes for each name, so that UMLS fits into memory."""

    concepts: int = 0
    names: int = 0
    other_types: int = 0
    without_type: int = 0
    origins: Counter[str] = field(default_factory=Counter)
    overlaps: Counter[tuple[str, str]] = field(default_factory=Counter)
    licenses: Counter[str] = field(default_factory=Counter)
    type_conflicts: int = 0
    name_conflicts: int = 0
    type_examples: list[Conflict] = field(default_factory=list)
    name_examples: list[Conflict] = field(default_factory=list)
    hashes: array[int] = field(default_factory=lambda: array("q"))
    cuis: array[int] = field(default_factory=lambda: array("i"))

    def add(self, concept: Concept | None, records: Sequence[Record]) -> None:
        """Counts a concept, or one that was left out because of its types (None)."""
        if concept is None:
            self.other_types += 1
            return
        self.concepts += 1
        self.names += len(concept.names)
        self.without_type += not concept.tuis
        origins = sorted({record.origin for record in records})
        self.origins.update(origins)
        self.licenses.update(sorted({license or "not stated" for record in records for _, license in record.credits}))
        number = int(concept.cui[1:])
        for name in concept.names:
            self.hashes.append(hash(key(name)) & _MASK)
            self.cuis.append(number)
        if len(origins) > 1:
            self.overlaps.update(combinations(origins, 2))
            self._compare(concept, records)

    def _compare(self, concept: Concept, records: Sequence[Record]) -> None:
        """Counts the concept if its sources disagree on its types, or if none of two has the other's name."""
        types: dict[str, set[str]] = {}
        preferred: dict[str, str] = {}
        keys: dict[str, set[str]] = {}
        for record in records:
            opinions = set(record.tuis) - ({FINDING} if record.rank >= GUESSED else set())
            types.setdefault(record.origin, set()).update(opinions)
            preferred.setdefault(record.origin, record.name)
            keys.setdefault(record.origin, set()).update(key(name) for name in (record.name, *record.synonyms))
        given = {origin: "|".join(sorted(tuis)) for origin, tuis in sorted(types.items()) if tuis}
        if len(set(given.values())) > 1:
            self.type_conflicts += 1
            _keep(self.type_examples, Conflict(concept.cui, concept.name, given))
        if any(not keys[one] & keys[other] for one, other in combinations(sorted(keys), 2)):
            self.name_conflicts += 1
            _keep(self.name_examples, Conflict(concept.cui, concept.name, dict(sorted(preferred.items()))))

    def shared(self) -> tuple[int, frozenset[str]]:
        """Returns how many names several concepts have, and the CUIs of the most frequent of these names."""
        if not self.hashes:
            return 0, frozenset()
        hashes, cuis = np.frombuffer(self.hashes, np.int64), np.frombuffer(self.cuis, np.int32)
        order = np.argsort(hashes, kind="stable")  # a concept has each name once
        starts = np.flatnonzero(np.diff(hashes[order], prepend=-1))
        sizes = np.diff(np.append(starts, len(order)))
        is_shared = sizes > 1
        starts, sizes = starts[is_shared], sizes[is_shared]
        lowest = cuis[order[starts]]
        chosen = np.lexsort((lowest, -sizes))[:MOST_EXAMPLES]
        found = {f"C{cuis[at]:07d}" for i in chosen for at in order[starts[i] : starts[i] + min(sizes[i], 100)]}
        return int(is_shared.sum()), frozenset(found)


def _keep(examples: list[Conflict], example: Conflict) -> None:
    if len(examples) < MOST_EXAMPLES:
        examples.append(example)


def shared_names(concepts: Sequence[Concept]) -> list[SharedName]:
    """Returns the names that several of these concepts have, the most frequent first."""
    owners: dict[str, list[str]] = {}
    written: dict[str, str] = {}
    for concept in concepts:
        for name in concept.names:
            owners.setdefault(key(name), []).append(concept.cui)
            written.setdefault(key(name), name)
    shared = [SharedName(written[each], tuple(cuis)) for each, cuis in owners.items() if len(cuis) > 1]
    return sorted(shared, key=lambda each: (-len(each.cuis), each.name))[:MOST_EXAMPLES]
