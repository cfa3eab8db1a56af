"""The scores of predicted concepts, image by image: F1 and secondary F1 of ImageCLEF, and what these leave out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base import labels
from roco.evaluate.metrics import sets
from roco.evaluate.profiles import OCT, Profile
from roco.evaluate.truth import Truth

Floats = NDArray[np.float64]
CuiSets = list[frozenset[str]]

MODALITY_LABELS = {term.cui: label for label, term in labels.MODALITIES.items() if term.cui} | {OCT: "OCT"}
"""CUI -> label of the single modalities; combined modalities (DRCO) have no CUI."""
COMBINED = "DRCO"
_DIRECTIONS = labels.cuis("direction")


@dataclass(frozen=True, kw_only=True)
class ConceptPairs:
    """The true and predicted concepts of the same images, in the order of the predictions.

    manual: the concepts that people assigned; None if the ground truth has none. secondary_cuis: the CUIs that the
    secondary F1 counts. n_truth, n_manual: the number of images of the ground truth and of the manual concepts, by
    which the official scripts divide.
    """

    ids: tuple[str, ...]
    truth: CuiSets
    predictions: CuiSets
    manual: CuiSets | None
    secondary_cuis: frozenset[str]
    n_truth: int
    n_manual: int

    @cached_property
    def sizes(self) -> sets.Overlap:
        """Returns the number of true, predicted and shared concepts of each image."""
        return sets.overlap(self.truth, self.predictions)

    @cached_property
    def modalities(self) -> list[str]:
        """Returns the modality of each image, from its manual concepts if there are any."""
        if self.manual is not None:
            # Combined modalities have no CUI: the manual concepts of such an image contain no single modality.
            return [single_modality(cuis) or COMBINED for cuis in self.manual]
        return [single_modality(cuis) or _unlabelled_modality(cuis) for cuis in self.truth]


def pair(predictions: Mapping[str, frozenset[str]], truth: Truth, profile: Profile) -> ConceptPairs:
    """Pairs predictions with the ground truth of the same images."""
    manual = truth.manual
    return ConceptPairs(
        ids=tuple(predictions),
        truth=truth.concepts_of(tuple(predictions)),
        predictions=list(predictions.values()),
        manual=None if manual is None else [manual[id] for id in predictions],
        secondary_cuis=profile.manual,
        n_truth=len(truth.ids),
        n_manual=0 if manual is None else len(manual),
    )


def f1(pairs: ConceptPairs) -> Floats:
    """Returns the F1 of each image."""
    return sets.f1(pairs.sizes)


def precision(pairs: ConceptPairs) -> Floats:
    """Returns the precision of each image."""
    return sets.precision(pairs.sizes)


def recall(pairs: ConceptPairs) -> Floats:
    """Returns the recall of each image."""
    return sets.recall(pairs.sizes)


def secondary_f1(pairs: ConceptPairs) -> Floats:
    """Returns the F1 of each image on the CUIs of the secondary score; NaN if its manual concepts contain none."""
    truth = [cuis & pairs.secondary_cuis for cuis in pairs.manual or ()]
    predictions = [cuis & pairs.secondary_cuis for cuis in pairs.predictions]
    return _f1_where_true(truth, predictions)


def combined_modality_f1(pairs: ConceptPairs) -> Floats:
    """Returns the F1 of each image of combined modalities, NaN for the others."""
    return np.where(_is_combined(pairs), f1(pairs), np.nan)


def combined_modality_called_single(pairs: ConceptPairs) -> Floats:
    """Returns 1 if exactly one modality was predicted for an image of combined modalities, else 0; NaN for others."""
    called_single = np.array([len(cuis & MODALITY_LABELS.keys()) == 1 for cuis in pairs.predictions], float)
    return np.where(_is_combined(pairs), called_single, np.nan)


def directionality_f1(pairs: ConceptPairs) -> Floats:
    """Returns the F1 of each image on the CUIs of directions; NaN if the ground truth of the image has none."""
    source = pairs.truth if pairs.manual is None else pairs.manual
    truth = [cuis & _DIRECTIONS for cuis in source]
    predictions = [cuis & _DIRECTIONS for cuis in pairs.predictions]
    return _f1_where_true(truth, predictions)


class ConceptMetric(NamedTuple):
    """A score of concepts. compute: returns one value per image, NaN for images that the score does not count."""

    name: str
    compute: Callable[[ConceptPairs], Floats]
    note: str
    needs_manual: bool = False


CONCEPT_METRICS = (
    ConceptMetric("f1", f1, "ImageCLEF's primary score"),
    ConceptMetric("precision", precision, "additional"),
    ConceptMetric("recall", recall, "additional"),
    ConceptMetric("secondary_f1", secondary_f1, "ImageCLEF's secondary score: modalities and body regions", True),
    ConceptMetric(
        "combined_modality_f1",
        combined_modality_f1,
        "additional: images without a single modality, which the secondary score excludes",
        True,
    ),
    ConceptMetric(
        "combined_modality_called_single",
        combined_modality_called_single,
        "additional: share of these images for which one modality was predicted",
        True,
    ),
    ConceptMetric(
        "directionality_f1",
        directionality_f1,
        "additional: images with a direction, which the secondary score ignores",
    ),
)
"""Every score that has a value per image, in the order of the report."""


def per_image(pairs: ConceptPairs) -> dict[str, Floats]:
    """Returns the values of every score that can be computed, by name."""
    has_manual = pairs.manual is not None
    return {m.name: m.compute(pairs) for m in CONCEPT_METRICS if has_manual or not m.needs_manual}


def score(name: str, values: Floats, pairs: ConceptPairs) -> float:
    """Returns the score of all images from the values per image, divided as the official scripts divide."""
    counted = values[~np.isnan(values)]
    if name == "f1":
        return sets.mean(counted, pairs.n_truth)
    if name == "secondary_f1":
        # The official script divides by the rows of the manual concepts, images outside of the predictions included,
        # less the images that it excludes because none of their manual concepts counts.
        excluded = len(values) - len(counted)
        return sets.mean(counted, pairs.n_manual - excluded)
    return sets.mean(counted, len(counted))


def _is_combined(pairs: ConceptPairs) -> NDArray[np.bool_]:
    return np.array([modality == COMBINED for modality in pairs.modalities])


def single_modality(cuis: frozenset[str]) -> str:
    """Returns the label of the only modality among the CUIs; empty if there are none or several."""
    modalities = {MODALITY_LABELS[cui] for cui in cuis if cui in MODALITY_LABELS}
    return modalities.pop() if len(modalities) == 1 else ""


def _unlabelled_modality(cuis: frozenset[str]) -> str:
    """Returns the modality of an image without a single one: combined if several are named, else unknown."""
    return COMBINED if cuis & MODALITY_LABELS.keys() else "unknown"


def _f1_where_true(truth: Sequence[frozenset[str]], predictions: Sequence[frozenset[str]]) -> Floats:
    """Returns the F1 of each image, NaN where the truth is empty."""
    sizes = sets.overlap(truth, predictions)
    return np.where(sizes.truth > 0, sets.f1(sizes), np.nan)
