"""Merges what several sources say of a CUI into one concept."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from roco.models.text.vocabulary.mapping import order
from roco.models.text.vocabulary.names import distinct
from roco.models.text.vocabulary.records import KINDS, Record
from roco.models.text.vocabulary.table import LONGEST_CELL, SEPARATOR, Concept

GUESSED = KINDS.index("obo")
"""Rank from which on semantic types are those of a table of this project, by ontology and tree."""

FINDING = "T033"
"""Given to whatever HPO lists; the type of another ontology is better."""


def merged(
    streams: Sequence[Iterable[Record]], types: Collection[str] | None = None
) -> Iterator[tuple[Concept | None, list[Record]]]:
    """Yields each concept with its records, in the order of CUIs; None for one that has none of the types.

    streams: records in the order of their CUIs. types: TUIs of which a concept must have one, if it has any; None for
    all.
    """
    for _, group in groupby(heapq.merge(*streams, key=attrgetter("cui")), attrgetter("cui")):
        records = list(group)
        concept = concept_of(records)
        is_kept = types is None or not concept.tuis or any(tui in types for tui in concept.tuis)
        yield (concept if is_kept else None), records


def concept_of(records: Sequence[Record]) -> Concept:
    """Returns the concept of records with the same CUI, whatever their order.

    Name and semantic types are those of the most trusted kind of source that has them; its names come first.
    """
    if len(records) > 1:
        records = sorted(records, key=order)
    names = distinct(name for record in records for name in (record.name, *record.synonyms))
    best = min((record.rank for record in records if record.tuis), default=0)
    tuis = {tui for record in records if record.rank == best for tui in record.tuis}
    if best >= GUESSED and len(tuis) > 1:
        tuis -= {FINDING}
    credits = dict.fromkeys(credit for record in records for credit in record.credits if any(credit))
    source = SEPARATOR.join(source for source, _ in credits)
    license = SEPARATOR.join(license for _, license in credits)
    return Concept(records[0].cui, names[0], _fitting(names[1:]), tuple(sorted(tuis)), source, license)


def _fitting(synonyms: tuple[str, ...]) -> tuple[str, ...]:
    """Returns as many synonyms as a cell of the table can contain; no concept of UMLS has more."""
    length = 0
    for at, name in enumerate(synonyms):
        length += len(name) + 1
        if length > LONGEST_CELL:
            return synonyms[:at]
    return synonyms
