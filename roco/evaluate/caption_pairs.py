"""What caption metrics receive, pairs of captions, and what they return, scores of all captions and of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from roco.evaluate.profiles import Profile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Models:
    """Models that replace those of the profile, by name on the Hugging Face hub or as a folder; None keeps it.

    layers: the layer that BERTScore uses. idf: whether BERTScore weights tokens. vocabulary: names of concepts for the
    linker of concept F1. images: a folder or zip of images named by ID. download: fetches models that are not cached.
    """

    bert: str | None = None
    layers: int | None = None
    idf: bool | None = None
    bleurt: str | None = None
    clip: str | None = None
    vocabulary: Path | None = None
    images: Path | None = None
    download: bool = False


@dataclass(frozen=True, kw_only=True)
class CaptionPairs:
    """The true and the predicted caption of each image, in the order of the predictions.

    all_truth: the captions of the whole ground truth in its order, from which the IDF of BERTScore is computed.
    one_by_one: models score every pair alone, as the official scripts do.
    """

    ids: Sequence[str]
    truth: Sequence[str]
    predictions: Sequence[str]
    all_truth: Sequence[str]
    rules: Profile
    models: Models
    one_by_one: bool = False

    @cached_property
    def clean_truth(self) -> list[str]:
        """Returns the true captions after ImageCLEF's preprocessing."""
        return _preprocessed(self.truth)

    @cached_property
    def clean_predictions(self) -> list[str]:
        """Returns the predicted captions after ImageCLEF's preprocessing."""
        return _preprocessed(self.predictions)

    @cached_property
    def clean_all_truth(self) -> list[str]:
        """Returns the captions of the whole ground truth after ImageCLEF's preprocessing."""
        return _preprocessed(self.all_truth)

    @cached_property
    def both_empty(self) -> list[bool]:
        """Returns whether both captions of a pair are empty before preprocessing."""
        return [not true and not predicted for true, predicted in zip(self.truth, self.predictions, strict=True)]


class MetricScores(NamedTuple):
    """The score of all captions, and of each caption.

    each: NaN if the metric is defined for all captions only. sums: terms per caption from whose sums `of_sums`
    computes the score, for metrics that are not means over captions.
    """

    value: float
    each: Floats
    sums: Floats | None = None
    of_sums: Callable[[Floats], Floats] | None = None
    note: str = ""


class MetricResult(NamedTuple):
    """The scores of one metric by name, a description of its model, and the token weights that it used."""

    scores: Mapping[str, MetricScores]
    model: str = ""
    token_weights: Mapping[str, float] | None = None


def _preprocessed(captions: Sequence[str]) -> list[str]:
    from roco.evaluate.metrics import text

    return [text.preprocess(caption) for caption in captions]
