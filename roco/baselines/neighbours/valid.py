"""The validation images: k, power and threshold are chosen on them, and scored with intervals beside two floors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.base import bootstrap
from roco.base.bootstrap import Comparison
from roco.baselines import scores
from roco.baselines.neighbours.embed import Embedded
from roco.baselines.neighbours.index import Index
from roco.baselines.neighbours.options import NeighbourOptions
from roco.baselines.neighbours.search import NOBODY, Neighbours
from roco.baselines.neighbours.vote import tune, votes
from roco.baselines.scores import Measured
from roco.release.load.dataset import Dataset

F1, F1_TUNED, SECONDARY = "f1", "f1_tuned", "secondary_f1"
CONSTANT, OWN_MODALITY, MODALITY = "floor_constant_f1", "floor_own_modality_f1", "floor_modality_f1"
FLOORS = (CONSTANT, OWN_MODALITY, MODALITY)

MEANINGS = {
    F1: "F1 of ImageCLEF; k, power and threshold chosen on the other half of the articles",
    F1_TUNED: "F1 with the settings that are written; optimistic, because they were chosen on the same images",
    SECONDARY: "secondary F1 of ImageCLEF (modalities and regions), with the settings that are written",
    CONSTANT: "floor: F1 of the most frequent concepts of train, the same ones for each image",
    OWN_MODALITY: "floor: F1 of the modality that this model predicts and nothing else",
    MODALITY: "floor: F1 of the true modality and nothing else",
}
"""What each score is."""


@dataclass(frozen=True)
class Valid:
    """What was chosen, and the scores; without validation images the fixed settings, and no scores.

    against: the difference of F1 to each floor, by name; None of fewer than two articles. constant: the concepts of
    the constant floor.
    """

    k: int
    power: float
    threshold: float
    scores: Mapping[str, Measured]
    against: Mapping[str, Comparison | None]
    constant: tuple[str, ...]

    @classmethod
    def of(
        cls, data: Dataset, splits: NDArray[Any], embedded: Embedded, index: Index, options: NeighbourOptions
    ) -> Valid:
        """Chooses the settings by the neighbours of the validation images among the training images."""
        rows = data[splits == "valid"]
        if not len(rows):
            return cls(options.k[0], options.power[0], options.threshold[0], {}, {}, ())
        vocabulary, articles = index.vocabulary, scores.articles_of(rows)
        truth = scores.truth_of((cuis or () for cuis in rows.column("concepts").to_pylist()), vocabulary)
        has, vectors = embedded.has[splits == "valid"], embedded.vectors[splits == "valid"]
        found = _all_rows(index, vectors, has, scores.article_keys(rows), options)
        best = tune(found, index.concepts, truth, articles, options, vocabulary)
        k, power = best.setting
        shares = votes(found, index.concepts, k, power)
        raised = scores.with_modality(shares, vocabulary) if options.modality else shares
        flags = scores.decided(raised, best.threshold)
        train = data[splits == "train"].column("concepts").to_pylist()
        constant = scores.best_constant(scores.truth_of((cuis or () for cuis in train), vocabulary), vocabulary)
        values = {
            F1: best.honest,
            F1_TUNED: best.values,
            CONSTANT: scores.f1(truth, scores.constant_floor(constant, truth, vocabulary)),
            OWN_MODALITY: scores.f1(truth, scores.modality_only(flags, vocabulary)),
            MODALITY: scores.f1(truth, scores.modality_floor(truth, vocabulary)),
        }
        if "concepts_manual" in rows.columns:
            manual = (cuis or () for cuis in rows.column("concepts_manual").to_pylist())
            secondary = scores.secondary_truth_of(manual, vocabulary)
            if secondary.sizes.any():
                values[SECONDARY] = scores.secondary_f1(secondary, flags, vocabulary)
        measured = {name: scores.measured(values[name], articles) for name in MEANINGS if name in values}
        against = {name: bootstrap.compare(values[F1], values[name], articles) for name in FLOORS}
        return cls(k, power, best.threshold, measured, against, constant)


def _all_rows(
    index: Index, vectors: NDArray[np.float16], has: NDArray[np.bool_], articles: list[str], options: NeighbourOptions
) -> Neighbours:
    """Returns the neighbours of each row; a row without an embedding has none, and is scored as an empty prediction."""
    k = min(max(options.k), len(index))
    positions, similarities = np.full((len(has), k), NOBODY, np.int64), np.zeros((len(has), k))
    keys = None if options.same_article else [key for key, one in zip(articles, has, strict=True) if one]
    found = index.nearest(vectors[has], k, keys)
    positions[has], similarities[has] = found.positions, found.similarities
    return Neighbours(positions, similarities)


def difference(name: str, values: Mapping[str, Comparison | None]) -> str:
    """Returns the difference of F1 to a floor with its interval, for tables."""
    found = values.get(name)
    return "–" if found is None else f"{found.difference:+.4f} ({found.low:+.4f} to {found.high:+.4f})"
