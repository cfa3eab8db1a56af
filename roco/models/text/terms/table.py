"""The names of modalities, regions, directions and of the paper's frequent concepts, by which rules read a caption.

The table is `rules/terms.csv`; `rules/README.md` says where its rows come from. Concepts of a release come from the
vocabulary of a linker instead (`roco.models.text.vocabulary`).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

SHIPPED = Path(__file__).parents[1] / "rules" / "terms.csv"


class Term(NamedTuple):
    """One UMLS concept: CUI, preferred name, semantic type, and all names that are searched for in captions."""

    cui: str
    name: str
    tui: str | None
    kind: str  # modality, region, direction or concept
    label: str | None  # from the label set of the kind; None for the kind `concept`
    names: tuple[str, ...]  # preferred name first


@dataclass(frozen=True)
class Terms:
    """Terms in the order of their file; a name that two concepts share belongs to the first."""

    concepts: tuple[Term, ...]

    @cached_property
    def by_cui(self) -> Mapping[str, Term]:
        return {concept.cui: concept for concept in self.concepts}


@cache
def load() -> Terms:
    """Returns the shipped table.

    A name of up to four capitals (CT, PET) is matched case-sensitively, all others in any case.
    """
    with SHIPPED.open(encoding="utf-8", newline="") as fh:
        return Terms(tuple(_term(row) for row in csv.DictReader(fh)))


def _term(row: Mapping[str, str]) -> Term:
    synonyms = (synonym for synonym in row["synonyms"].split("|") if synonym)
    names = tuple(dict.fromkeys((row["name"], *synonyms)))
    return Term(row["cui"], row["name"], row["tui"] or None, row["kind"], row["label"] or None, names)
