"""Predictions of a network for many images, and their scores on the validation images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from roco.baselines import scores as concept_scores
from roco.baselines.training.learner import Unreadable
from roco.baselines.vision.cache import Cache
from roco.baselines.vision.data import CONCEPTS, ConceptTruth, TaskData
from roco.baselines.vision.images import Images
from roco.baselines.vision.items import PredictionItems, prediction_batches
from roco.baselines.vision.network import Network
from roco.baselines.vision.options import ConceptOptions
from roco.baselines.vision.transform import Preparation
from roco.release.load.targets import UNLABELLED
from roco.release.load.vocabulary import Vocabulary

Probabilities = dict[str, NDArray[np.float32]]
"""By task: images x classes, or images x concepts. Rows of images that could not be read are 0."""


def predict(
    network: Network, images: Images, preparation: Preparation, sizes: Mapping[str, int], device: torch.device,
    batch: int, workers: int, cache: Cache | None = None,
) -> tuple[Probabilities, list[Unreadable]]:  # fmt: skip
    """Returns the probabilities of all images, and the images that could not be read. sizes: outputs of each task."""
    found = {task: np.zeros((len(images), size), np.float32) for task, size in sizes.items()}
    unreadable: list[Unreadable] = []
    for one in prediction_batches(PredictionItems(images, preparation, cache), batch, workers):
        unreadable += one.unreadable
        if one.images is None:
            continue
        with torch.no_grad(), torch.autocast(device.type, enabled=device.type == "cuda"):
            logits = network.logits(one.images.to(device))
        for task, outputs in logits.items():
            values = outputs.sigmoid() if task == CONCEPTS else outputs.softmax(1)
            found[task][one.positions] = values.cpu().numpy()
    return found, unreadable


@dataclass(frozen=True)
class Scores:
    """The scores of one state of a network.

    values: by name. threshold: from which concepts are predicted; tuned on all validation images if options say so, in
    which case f1 is that of each half of the articles at the threshold of the other half. f1: of each validation row.
    """

    values: dict[str, float]
    threshold: float
    f1: NDArray[np.float64] | None


def score(data: TaskData, probabilities: Probabilities, options: ConceptOptions) -> Scores:
    """Scores the validation images: the F1 of concepts, accuracy and balanced accuracy of each task of classes."""
    values: dict[str, float] = {}
    threshold, of_rows = options.threshold, None
    if data.truth is not None and data.vocabulary is not None:
        threshold, of_rows, secondary = _of_concepts(data.truth, probabilities[CONCEPTS], data.vocabulary, options)
        values["f1"] = concept_scores.mean(of_rows)
        values["secondary_f1"] = secondary
    balanced = []
    for task, classes in data.valid.classes.items():
        accuracy, mean_recall = accuracies(classes, probabilities[task])
        if not math.isnan(accuracy):
            values |= {f"{task}.accuracy": accuracy, f"{task}.balanced_accuracy": mean_recall}
            balanced.append(mean_recall)
    if balanced:
        values["balanced_accuracy"] = sum(balanced) / len(balanced)
    return Scores({name: value for name, value in values.items() if not math.isnan(value)}, threshold, of_rows)


def best_of(data: TaskData) -> str:
    """Returns the name of the score by which trainings are compared; empty without validation images."""
    if data.truth is not None:
        return "f1"
    return "balanced_accuracy" if any((c != UNLABELLED).any() for c in data.valid.classes.values()) else ""


def _of_concepts(
    truth: ConceptTruth, probabilities: NDArray[np.float32], vocabulary: Vocabulary, options: ConceptOptions
) -> tuple[float, NDArray[np.float64], float]:
    """Returns the threshold, the F1 of each row, and the mean secondary F1."""
    # Rows whose image is missing have no predictions, and count.
    scores = np.zeros((len(truth.all), len(vocabulary)), np.float32)
    scores[truth.rows] = probabilities[: len(truth.rows)]
    if options.one_modality:
        scores = concept_scores.with_modality(scores, vocabulary)
    threshold = options.threshold
    if options.tune_threshold:
        curve = concept_scores.curve(truth.all, scores)
        tuned = concept_scores.tuned([("threshold", curve)], truth.articles)
        threshold, of_rows = tuned.threshold, tuned.honest
    else:
        of_rows = concept_scores.f1(truth.all, concept_scores.decided(scores, threshold))
    flags = concept_scores.decided(scores, threshold)
    secondary = concept_scores.mean(concept_scores.secondary_f1(truth.manual, flags, vocabulary))
    return threshold, of_rows, secondary


def accuracies(classes: NDArray[np.int64], probabilities: NDArray[np.float32]) -> tuple[float, float]:
    """Returns the share of labelled images whose class is right, and the mean of that share over the classes."""
    labelled = classes != UNLABELLED
    if not labelled.any():
        return math.nan, math.nan
    truth = classes[labelled]
    is_right = probabilities[labelled].argmax(1) == truth
    # The first class is the highest of an image that could not be read: that is no prediction.
    is_right &= probabilities[labelled].sum(1) > 0
    recalls = [float(is_right[truth == one].mean()) for one in np.unique(truth)]
    return float(is_right.mean()), sum(recalls) / len(recalls)


def floors(data: TaskData) -> dict[str, Any]:
    """Returns the F1 of two predictions without a network: the best constant one, and the true modality alone."""
    if data.truth is None or data.vocabulary is None or data.train.concepts is None:
        return {}
    truth, articles = data.truth.all, data.truth.articles
    train = concept_scores.Truth(data.train.concepts.concepts.astype(bool), np.zeros(len(data.train.concepts), int))
    cuis = concept_scores.best_constant(train, data.vocabulary)
    constant = concept_scores.f1(truth, concept_scores.constant_floor(cuis, truth, data.vocabulary))
    modality = concept_scores.f1(truth, concept_scores.modality_floor(truth, data.vocabulary))
    return {
        "constant": with_interval(constant, articles) | {"cuis": list(cuis)},
        "modality": with_interval(modality, articles),
    }


def with_interval(values: NDArray[np.float64], articles: NDArray[np.int64]) -> dict[str, Any]:
    """Returns a mean F1 and its 95 % interval over articles."""
    found = concept_scores.measured(values, articles)
    return {"f1": found.value, "interval": None if found.low is None else [found.low, found.high]}
