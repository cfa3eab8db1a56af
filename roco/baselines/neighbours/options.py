"""The options of `roco train neighbours`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from roco.base.errors import UsageError
from roco.baselines.scores import THRESHOLDS, Floats

LARGEST_K = 1000

LEAST_THRESHOLD = 0.001
"""At a threshold of 0, all concepts would be predicted."""


@dataclass(frozen=True, kw_only=True)
class NeighbourOptions:
    """How the concepts of neighbours become those of an image. Of several values the best one on valid is chosen.

    k: neighbours that vote. power: a neighbour votes with its similarity to this power; 0 gives all the same weight.
    threshold: share of the votes from which a concept is predicted; none tries 0.01 to 0.99. modality: at least one
    modality is predicted, that with the most votes. centre: the mean of the training images is subtracted from each
    embedding. same_article: images of the same article count as neighbours. seed: of the halves of the articles.
    """

    k: tuple[int, ...] = (1, 2, 3, 5, 10, 20, 50, 100)
    power: tuple[float, ...] = (0.0, 1.0, 2.0, 4.0, 8.0)
    threshold: tuple[float, ...] = ()
    modality: bool = True
    centre: bool = True
    same_article: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        _check("k", self.k, 1, LARGEST_K)
        _check("power", self.power, 0, 100)
        _check("threshold", self.threshold or (0.5,), LEAST_THRESHOLD, 1)
        if self.seed < 0:
            raise UsageError(f"seed = {self.seed}", "write at least 0")

    @property
    def thresholds(self) -> Floats:
        """Returns the thresholds to try, in increasing order."""
        return np.array(sorted(self.threshold)) if self.threshold else THRESHOLDS

    @property
    def is_fixed(self) -> bool:
        """Returns whether nothing is to be chosen on valid."""
        return len(self.k) == len(self.power) == len(self.threshold) == 1


def _check(name: str, values: tuple[Any, ...], least: float, most: float) -> None:
    if not values:
        raise UsageError(f"{name} has no value", "write one value, or several to choose from on valid")
    for value in values:
        if not least <= value <= most:
            raise UsageError(f"{name} = {value}", f"write {least} to {most}")
