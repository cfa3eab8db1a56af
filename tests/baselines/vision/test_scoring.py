"""Scores on valid: tuned thresholds, rows without an image, classes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.neural
pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

from roco.baselines import scores as concept_scores  # noqa: E402
from roco.baselines.scores import Truth  # noqa: E402
from roco.baselines.training.data import DataFacts  # noqa: E402
from roco.baselines.vision.data import ConceptTruth, Labelled, TaskData  # noqa: E402
from roco.baselines.vision.options import ConceptOptions  # noqa: E402
from roco.baselines.vision.scoring import accuracies, best_of, score  # noqa: E402
from roco.release.load.vocabulary import Vocabulary  # noqa: E402

CT, NODULE = "C0040405", "C0028259"
FACTS = DataFacts("drawn", "0" * 64, {}, (), (), {})


def task_data(flags: Any, rows: Any = None, classes: Any = None) -> TaskData:
    """Validation rows with the given true concepts, each of an article of its own; rows: those with an image."""
    n = len(flags)
    truth = Truth(np.array(flags, bool), np.zeros(n, np.int64))
    where = np.arange(n) if rows is None else np.array(rows)
    images: Any = range(len(where))
    labelled = Labelled(images, classes or {}, None, np.arange(len(where)))
    names = {"concepts": (CT, NODULE), "modality": ("DRCT", "DRXR")}
    manual = Truth(truth.flags & [True, False], truth.outside)
    of_concepts = ConceptTruth(truth, manual, np.arange(n), where)
    return TaskData(names, Vocabulary((CT, NODULE)), labelled, labelled, of_concepts, FACTS, False)


def test_the_threshold_is_chosen_on_one_half_of_the_articles_and_reported_on_the_other() -> None:
    rng = np.random.default_rng(0)
    flags = rng.random((40, 2)) < 0.5
    flags[:, 0] = True
    probabilities = np.where(flags, rng.uniform(0.2, 0.9, (40, 2)), rng.uniform(0.0, 0.6, (40, 2))).astype(np.float32)
    data = task_data(flags)
    assert data.truth is not None
    found = score(data, {"concepts": probabilities}, ConceptOptions(tune_threshold=True))
    curve = concept_scores.curve(data.truth.all, probabilities)
    first = concept_scores.halves(data.truth.articles)
    best = [int(curve[half].mean(0).argmax()) for half in (first, ~first)]
    other = np.where(first, curve[:, best[1]], curve[:, best[0]])
    assert best[0] != best[1]
    tuned = concept_scores.tuned([("threshold", curve)], data.truth.articles)
    assert found.values["f1"] == pytest.approx(tuned.honest.mean())
    assert abs(found.values["f1"] - other.mean()) < 0.02  # equally good thresholds may differ
    assert found.values["f1"] < tuned.values.mean()
    assert found.threshold == tuned.threshold != 0.5


def test_without_tuning_the_threshold_is_that_of_the_options() -> None:
    probabilities = np.array([[0.55, 0.1], [0.45, 0.45]], np.float32)
    data = task_data([[1, 0], [1, 1]])
    at_half = score(data, {"concepts": probabilities}, ConceptOptions())
    assert (at_half.threshold, at_half.values["f1"]) == (0.5, 0.5)
    lower = score(data, {"concepts": probabilities}, ConceptOptions(threshold=0.4))
    assert lower.values["f1"] == 1.0
    forced = score(data, {"concepts": probabilities}, ConceptOptions(one_modality=True))
    assert forced.values["f1"] == pytest.approx((1 + 2 / 3) / 2)
    assert forced.values["secondary_f1"] == 1.0


def test_a_row_without_an_image_counts_as_an_empty_prediction() -> None:
    data = task_data([[1, 0], [1, 0], [1, 0]], rows=[0, 2])
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1]], np.float32)
    found = score(data, {"concepts": probabilities}, ConceptOptions(one_modality=True))
    assert found.f1 is not None
    assert found.f1.tolist() == [1.0, 0.0, 1.0]
    assert found.values["f1"] == pytest.approx(2 / 3)


def test_classes_are_scored_on_labelled_images_only() -> None:
    classes = np.array([0, 0, 0, 1, -1])
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.0, 0.0], [0.3, 0.7], [0.9, 0.1]], np.float32)
    accuracy, balanced = accuracies(classes, probabilities)  # the third image could not be read
    assert accuracy == 3 / 4
    assert balanced == pytest.approx((2 / 3 + 1) / 2)
    assert math.isnan(accuracies(np.array([-1]), probabilities[:1])[0])
    data = task_data(np.ones((5, 2)), classes={"modality": classes, "region": np.full(5, -1)})
    given = {"concepts": np.ones((5, 2), np.float32), "modality": probabilities, "region": probabilities}
    values = score(data, given, ConceptOptions(tasks=("concepts", "modality", "region"))).values
    assert values["modality.accuracy"] == 3 / 4 and "region.accuracy" not in values
    assert values["balanced_accuracy"] == values["modality.balanced_accuracy"]


def test_trainings_are_compared_by_f1_else_by_the_balanced_accuracy() -> None:
    data = task_data([[1, 0]])
    assert best_of(data) == "f1"
    without: Any = TaskData(data.names, None, data.train, data.valid, None, FACTS, False)
    assert best_of(without) == ""
    labelled = Labelled(data.valid.images, {"modality": np.array([1])}, None, np.zeros(1, np.int64))
    assert best_of(TaskData(data.names, None, labelled, labelled, None, FACTS, False)) == "balanced_accuracy"
