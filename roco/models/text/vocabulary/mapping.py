"""Finds the CUIs of terms whose source has none: by a table, by cross-references of other sources, or by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from roco.base.errors import DataError
from roco.base.ids import is_cui
from roco.base.named_columns import named_columns
from roco.base.packed import lines
from roco.models.text.vocabulary.records import KINDS, Read, Record, Term

MOST_BYTES = 1_000_000_000
MOST_CUIS = 3
"""A term that its source gives as equal to more CUIs is not equal to any: DOID has some of 18 narrower ones."""

Cuis = Mapping[str, Sequence[str]]


def read_table(path: Path) -> dict[str, list[str]]:
    """Reads a CSV file with the columns id (such as UBERON:0000948) and cui; an id may have several rows.

    Raises DataError with the line.
    """
    found: dict[str, list[str]] = {}
    for line, cells in named_columns(path, lines(path, MOST_BYTES), ("id", "cui")):
        id, cui = map(str.strip, cells)
        if not id:
            raise DataError(f"{path}, line {line}: incomplete row", "each row has an id and a CUI")
        if not is_cui(cui):
            raise DataError(f"{path}, line {line}: invalid CUI {cui[:40]!r}", "a CUI is C and seven digits: C0040405")
        found.setdefault(id, []).append(cui)
    return found


def records(reads: Sequence[Read], table: Cuis, by_name: bool = False) -> list[Record]:
    """Returns the terms of CSV, OBO and MeSH files as records, one for each CUI of a term, in the order of CUIs.

    A term without a CUI gets those of the table, else the one that all terms with a cross-reference to it have, or
    the only one of theirs with its preferred name; else, with by_name, the one whose concepts alone have that name. A
    term of several CUIs keeps those that terms of one CUI confirm, by cross-reference or preferred name; else all, up
    to MOST_CUIS. What is left out is counted by reason in left_out of its source.
    """
    references, names = _of_one_cui(reads)
    found: list[Record] = []
    waiting: list[tuple[Read, Term]] = []
    for read in reads:
        for term in read.terms:
            cuis = term.cuis or tuple(table.get(term.id, ()))
            referring, named = references.get(term.id, set()), names.get(term.name.casefold(), set())
            if not cuis:
                confirmed = referring if len(referring) == 1 else referring & named
                cuis = tuple(confirmed) if len(confirmed) == 1 else ()
            elif len(cuis) > 1:
                cuis = tuple(cui for cui in cuis if cui in referring | named) or cuis
            if len(cuis) > MOST_CUIS:
                read.left_out[f"more than {MOST_CUIS} CUIs"] += 1
            elif cuis:
                found += _of_term(read, term, cuis)
            else:
                waiting.append((read, term))
    if by_name:
        waiting, matched = _by_name(reads, found, waiting)
        found += matched
    for read, term in waiting:
        several = len(references.get(term.id, ())) > 1
        read.left_out["several CUIs by cross-reference" if several else "no CUI"] += 1
    return sorted(found, key=order)


def order(record: Record) -> tuple[str, int, str, str, str]:
    """Returns what records are sorted by: the CUI, then the most trusted source first."""
    return record.cui, record.rank, record.origin, record.id, record.name


def _of_one_cui(reads: Iterable[Read]) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Returns the CUIs by id to which a term refers, and by preferred name; only terms of exactly one CUI count."""
    references: dict[str, set[str]] = {}
    names: dict[str, set[str]] = {}
    for read in reads:
        for term in read.terms:
            if len(term.cuis) == 1:
                names.setdefault(term.name.casefold(), set()).update(term.cuis)
                for id in term.xrefs:
                    references.setdefault(id, set()).update(term.cuis)
    return references, names


def _of_term(read: Read, term: Term, cuis: Iterable[str]) -> Iterator[Record]:
    origin = read.label if read.kind == "csv" else term.source
    credits = _credits(term.source, term.license)
    for cui in dict.fromkeys(cuis):
        rank = KINDS.index(read.kind)
        yield Record(cui, rank, origin, term.id, term.name, term.synonyms, term.tuis, credits)


def _credits(source: str, license: str) -> tuple[tuple[str, str], ...]:
    """Returns pairs of source and license; cells of a vocabulary may contain several of both, in the same order."""
    sources, licenses = source.split("|"), license.split("|")
    if len(licenses) != len(sources):
        licenses = [license.replace("|", ", ")] * len(sources)
    return tuple(zip(map(str.strip, sources), map(str.strip, licenses), strict=True))


def _by_name(
    reads: Sequence[Read], found: Sequence[Record], waiting: Sequence[tuple[Read, Term]]
) -> tuple[list[tuple[Read, Term]], list[Record]]:
    """Returns the terms whose name no concept or several have, and records of the others."""
    wanted = {term.name.casefold() for _, term in waiting}
    cuis: dict[str, set[str]] = {}
    streams = [found, *(read.records.records() for read in reads if read.records is not None)]
    for stream in streams:
        for record in stream:
            for name in (record.name, *record.synonyms):
                folded = name.casefold()
                if folded in wanted:
                    cuis.setdefault(folded, set()).add(record.cui)
    still: list[tuple[Read, Term]] = []
    named: list[Record] = []
    for read, term in waiting:
        candidates = cuis.get(term.name.casefold(), ())
        if len(candidates) == 1:
            named += _of_term(read, term, candidates)
        else:
            still.append((read, term))
    return still, named
