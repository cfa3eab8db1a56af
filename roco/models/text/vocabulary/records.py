"""What sources of a vocabulary contain: terms, which may lack a CUI, and records, which have one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

KINDS = ("csv", "umls", "obo", "mesh")
"""Kinds of sources, the most trusted first: it gives the preferred name and the semantic types of a concept."""


class Term(NamedTuple):
    """One term of a source.

    id: such as `HP:0000003` or `MESH:D006391`, or the CUI itself in a CSV file. cuis: UMLS concepts that the source
    gives as equal; may be empty. xrefs: ids of other sources that it gives as equal. tuis: semantic types.
    """

    id: str
    name: str
    synonyms: tuple[str, ...] = ()
    cuis: tuple[str, ...] = ()
    xrefs: tuple[str, ...] = ()
    tuis: tuple[str, ...] = ()
    source: str = ""
    license: str = ""


class Record(NamedTuple):
    """What one source says of one CUI.

    rank: place of the source's kind in KINDS. origin: the source in reports, such as HPO or mine.csv. credits: pairs of
    source and license as the vocabulary contains them.
    """

    cui: str
    rank: int
    origin: str
    id: str
    name: str
    synonyms: tuple[str, ...]
    tuis: tuple[str, ...]
    credits: tuple[tuple[str, str], ...]


class Records(Protocol):
    """A source that knows the CUI of each of its records."""

    def records(self, only: Collection[str] | None = None) -> Iterator[Record]:
        """Yields records in the order of their CUIs; only: CUIs to which they are restricted."""


@dataclass
class Read:
    """What was read from one source.

    files: name -> SHA-256. options: those that it was read with. rows: terms of the file, or rows of MRCONSO.RRF.
    left_out: reason -> rows or names that were left out. terms: of CSV, OBO and MeSH files; records: of UMLS.
    """

    kind: str
    files: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)
    rows: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    terms: Sequence[Term] = ()
    records: Records | None = None

    @property
    def label(self) -> str:
        return " + ".join(self.files)
