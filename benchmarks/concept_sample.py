"""Draws the captions for `benchmarks.concept_gold`: by a hash of the id, from strata of what linkers get wrong."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from benchmarks.rights import Caption

PER_STRATUM = 44
SHORTEST, LONGEST = 15, 450  # characters
FOREIGN = frozenset({"ROCO_10550", "ROCO_21510", "ROCO_53003"})
"""Captions of the sample in French, which are not labelled."""

_PATTERNS = {
    "negation": r"(?i)\b(no|not|without|absence|absent|negative|free of|rule[sd]? out|ruling out|devoid"
    r"|never|neither)\b",
    "abbreviation": r"\b[a-z]{3,} \([A-Z][A-Za-z]{1,5}\)|\b[A-Z]{2,5}s?\s?[:=,] ?[a-z]{4,}|\([A-Z]{2,5}[:=] ?[a-z]",
    "nested": r"(?i)\b\w+(?:al|ar|ic|ary|ous|ine|eal|ior) (?:artery|vein|lobe|nerve|bone|duct|ligament|node|effusion"
    r"|cyst|aneurysm|thrombosis|fracture|abscess|tumou?r|carcinoma|h[a]?ematoma|stenosis|hernia|fistula|embolism"
    r"|hypertrophy|obstruction)\b",
    "plural": r"(?i)\b(?:nodules|masses|lesions|metastases|kidneys|lungs|opacities|effusions|fractures|vertebrae|cysts"
    r"|arteries|veins|nodes|calcifications|infiltrates|ventricles|lobes|bones|calculi|stones|tumou?rs|bodies|ribs"
    r"|teeth|molars|roots|stents|screws|implants|collections|loops|fibroids|abscesses|h[a]?ematomas|vessels|muscles"
    r"|thrombi|emboli)\b",
    "rest": "",
}
STRATA = tuple(_PATTERNS)


def sample(captions: Iterable[Caption]) -> dict[str, str]:
    """Returns the ids of the sample with their stratum: of each the first by hash that no stratum before it has."""
    radiology = [c for c in captions if c.kind == "radiology" and SHORTEST <= len(c.text) <= LONGEST]
    radiology.sort(key=lambda caption: hashlib.sha256(f"concepts:{caption.id}".encode()).hexdigest())
    drawn: dict[str, str] = {}
    for stratum, pattern in _PATTERNS.items():
        matching = (c.id for c in radiology if c.id not in drawn and re.search(pattern, c.text))
        drawn.update((roco_id, stratum) for roco_id, _ in zip(list(matching), range(PER_STRATUM), strict=False))
    return {roco_id: stratum for roco_id, stratum in drawn.items() if roco_id not in FOREIGN}
