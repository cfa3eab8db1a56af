"""Profiles: all by which the numbers of one year of ImageCLEF differ from those of another."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from roco.base import labels as vocab
from roco.base.errors import UsageError, nearest

OCT = "C0920367"  # optical coherence tomography, a modality since 2025
_MANUAL = vocab.cuis("modality") | vocab.cuis("region")


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One year's rules. Pre-processing of captions is the same in all (`metrics.text.preprocess`)."""

    name: str
    manual: frozenset[str]  # CUIs of the secondary F1: modalities and body regions; directions are not among them
    delimiters: tuple[str, ...]
    in_order: bool = False  # the checker wants the ids in the order of the truth
    bert_model: str = "microsoft/deberta-xlarge-mnli"
    bert_layers: int = 40
    bert_idf: bool = False
    bleurt_model: str = "lucadiliello/BLEURT-20-D12"
    clip_model: str = "openai/clip-vit-base-patch32"
    primary: str = "bertscore_f1"
    relevance: tuple[str, ...] = ()  # its parts; factuality is the mean of its own, and overall the mean of both
    factuality: tuple[str, ...] = ()
    both_empty: str = "raw"  # two captions without a sign score 1; `fails`: the official script stops at such a pair
    averaging: str = "per image, then the mean over predictions in their order"

    def told(self) -> dict[str, Any]:
        """All rules, for a report."""
        return {**asdict(self), "manual": sorted(self.manual)}


PROFILES = {
    p.name: p
    for p in (
        Profile(name="imageclef2023", manual=_MANUAL, delimiters=(",", "|", "\t"), both_empty="fails"),
        Profile(
            name="imageclef2025",
            manual=_MANUAL | {OCT},
            delimiters=(",",),
            bert_idf=True,
            primary="overall",
            relevance=("bertscore_f1", "rouge1", "similarity"),
            factuality=("umls_f1", "alignscore"),
        ),
        Profile(
            name="imageclef2026",
            manual=_MANUAL | {OCT},
            delimiters=(",",),
            in_order=True,
            bert_idf=True,
            primary="overall",
            relevance=("bertscore_f1", "rouge1", "similarity", "bleurt"),
            factuality=("umls_f1", "alignscore"),
        ),
    )
}
DEFAULT = "imageclef2023"
"""That of the paper: its Tables 1 to 3 were scored so."""


def profile(name: str) -> Profile:
    """The profile of this name; UsageError with the nearest one where there is none."""
    if name not in PROFILES:
        raise UsageError(f"there is no profile '{name}'", nearest(name, PROFILES))
    return PROFILES[name]
