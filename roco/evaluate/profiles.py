"""Profiles: the scoring rules in which the years of ImageCLEF differ."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from roco.base import labels
from roco.base.errors import UsageError, nearest

OCT = "C0920367"  # optical coherence tomography, a modality since 2025
_MODALITIES_AND_REGIONS = labels.cuis("modality") | labels.cuis("region")


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The rules of one year. The preprocessing of captions is the same in all years (`metrics.text.preprocess`).

    manual: CUIs that the secondary F1 counts: modalities and body regions, but no directions. in_order: the official
    checker requires the IDs in the order of the ground truth. relevance, factuality: the scores that each of them
    averages; the overall score is the mean of the two. both_empty: "raw" scores a pair 1 if both captions are empty
    before preprocessing; "fails" means that the official script stops at such a pair.
    """

    name: str
    manual: frozenset[str]
    delimiters: tuple[str, ...]
    in_order: bool = False
    bert_model: str = "microsoft/deberta-xlarge-mnli"
    bert_layers: int = 40
    bert_idf: bool = False
    bleurt_model: str = "lucadiliello/BLEURT-20-D12"
    clip_model: str = "openai/clip-vit-base-patch32"
    primary: str = "bertscore_f1"
    relevance: tuple[str, ...] = ()
    factuality: tuple[str, ...] = ()
    both_empty: str = "raw"
    averaging: str = "per image, then the mean over predictions in their order"

    def as_mapping(self) -> dict[str, Any]:
        """Returns all rules as JSON values, for the report."""
        return {**asdict(self), "manual": sorted(self.manual)}


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="imageclef2023",
            manual=_MODALITIES_AND_REGIONS,
            delimiters=(",", "|", "\t"),
            both_empty="fails",
        ),
        Profile(
            name="imageclef2025",
            manual=_MODALITIES_AND_REGIONS | {OCT},
            delimiters=(",",),
            bert_idf=True,
            primary="overall",
            relevance=("bertscore_f1", "rouge1", "similarity"),
            factuality=("umls_f1", "alignscore"),
        ),
        Profile(
            name="imageclef2026",
            manual=_MODALITIES_AND_REGIONS | {OCT},
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
"""The profile of the paper: its Tables 1 to 3 were scored with it."""


def profile(name: str) -> Profile:
    """Returns the profile of this name; raises UsageError with the closest name if it is unknown."""
    if name not in PROFILES:
        raise UsageError(f"unknown profile '{name}'", nearest(name, PROFILES))
    return PROFILES[name]
