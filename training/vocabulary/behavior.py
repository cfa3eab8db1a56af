"""Whether the names of a tumor of a place say that it is benign, malignant, or any; a concept has names of one kind.

DOID refers from "lung benign neoplasm" to the concept of any tumor of the lung, and lists "peritoneal neoplasm" among
the synonyms of "peritoneum cancer". Names of another behavior than that of their concept are left to the concept of
that behavior.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

LAST_HEADING = "C0043999"
"""The first CUIs were given to MeSH headings, in alphabetical order; its headings are tumors of any behavior."""


class Behavior(Enum):
    """How a tumor behaves, as far as a name says so; ANY: the name holds for all tumors of a place."""

    BENIGN = "benign"
    MALIGNANT = "malignant"
    ANY = "any"


_BENIGN = re.compile(r"\b(?:benign|non-?cancerous|non-?malignant)\b", re.I)
_MALIGNANT = re.compile(r"\b(?:malignan(?:t|cy)|cancers?)\b", re.I)
_ANY = re.compile(r"\b(?:neoplasms?|neoplasias?|tumou?rs?)\b", re.I)
# Kinds of tumors, which have one behavior whatever their name says: giant cell tumor, Wilms' tumor, carcinoid.
_KIND = re.compile(
    r"\bcells?\b|['’]s?\b"
    r"|\b(?:\w+(?:oma|omata|omas)|\w*(?:endocrine|carcinoid|glial|genic|stromal|germ|embryonal)|primary|secondary"
    r"|metastatic|functioning|producing|islets?|P?NETs?|rhabdoid|yolk|endodermal|endometrioid|Wilms|Brenner|Krukenberg"
    r"|Klatskin|Merkel|Merkle|Abrikossoff|Warthin)\b",
    re.I,
)


def behavior(name: str) -> Behavior | None:
    """Returns the behavior that the name of a tumor of a place states; None for other names and for kinds of tumors."""
    if _KIND.search(name):
        return None
    if _BENIGN.search(name):
        return Behavior.BENIGN
    if _MALIGNANT.search(name):
        return Behavior.MALIGNANT
    return Behavior.ANY if _ANY.search(name) else None


def of_concept(cui: str, names: Sequence[Sequence[str]]) -> Behavior | None:
    """Returns the behavior of a concept whose names state several; None if they state none or one.

    names: those of each ontology, its label first. A concept is any tumor if an ontology labels it so, if it is a MeSH
    heading, or if one ontology alone calls it benign: ontologies refer to it for want of a narrower concept.
    """
    stated = {behavior(name) for listed in names for name in listed} - {None}
    labels = [found for listed in names if listed and (found := behavior(listed[0]))]
    if len(stated) < 2 or not labels:
        return None
    is_any = Behavior.ANY in labels or cui <= LAST_HEADING or labels == [Behavior.BENIGN]
    if is_any and Behavior.ANY in stated:
        return Behavior.ANY
    return Behavior.MALIGNANT if Behavior.MALIGNANT in labels else Behavior.BENIGN


def is_of(name: str, own: Behavior | None) -> bool:
    """Returns whether a name may be one of a concept of this behavior; any name of a concept of which none is known."""
    return own is None or behavior(name) in (own, None)
