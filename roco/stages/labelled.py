"""Applies the labels of people, which the stage `label` has read, to the manual concepts of an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from roco.base.labels import KINDS, cuis

COLUMNS = ("labelled_modality", "labelled_regions", "labelled_directions", "labelled_concepts")


def with_labels(manual: Sequence[str], row: Mapping[str, Any]) -> list[str]:
    """Returns manual concepts with the labels of people in place of others of their kind, the modality first.

    Regions and directions count unless people or the dataset determined another modality than X-ray.
    """
    modality = row.get("labelled_modality")
    answers: list[tuple[str, Sequence[str] | None]] = [("modality", [modality] if modality else None)]
    if modality in (None, "DRXR"):
        answers += [("region", row.get("labelled_regions")), ("direction", row.get("labelled_directions"))]
    first: list[str] = []
    rest = list(manual)
    for kind, labels in answers:
        of_kind = [cui for cui in rest if cui in cuis(kind)]
        rest = [cui for cui in rest if cui not in of_kind]
        chosen = of_kind if labels is None else [KINDS[kind][label].cui for label in labels]
        first += [cui for cui in chosen if cui]
    return list(dict.fromkeys([*first, *rest, *(row.get("labelled_concepts") or ())]))


def label_of(kind: str, row: Mapping[str, Any]) -> tuple[bool, str | None]:
    """Returns whether people labelled region or direction, and the label if it is a single one."""
    labels = row.get({"region": "labelled_regions", "direction": "labelled_directions"}[kind])
    return labels is not None, labels[0] if labels and len(labels) == 1 else None
