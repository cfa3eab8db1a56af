"""What came out of training a model of neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roco.base.bootstrap import Comparison
from roco.baselines.neighbours.options import NeighbourOptions
from roco.baselines.scores import Measured
from roco.baselines.training.data import DataFacts
from roco.models.images.backbone import Backbone


@dataclass(frozen=True)
class TrainedNeighbours:
    """A model of neighbours that is written.

    k, power, threshold: chosen. images: of the index, by split. scores: on valid, by name; empty without valid.
    against: the difference of F1 to each floor. unreadable: images that were skipped.
    """

    path: Path
    preset: str
    options: NeighbourOptions
    settings: Mapping[str, Mapping[str, Any]]
    data: DataFacts
    backbone: Backbone
    k: int
    power: float
    threshold: float
    images: Mapping[str, int]
    scores: Mapping[str, Measured]
    against: Mapping[str, Comparison | None]
    constant: tuple[str, ...]
    unreadable: tuple[str, ...]
