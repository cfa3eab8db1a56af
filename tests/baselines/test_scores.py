"""The scores of arrays equal those of `roco evaluate`; thresholds are tuned without looking at what they score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import roco
from roco.baselines import scores
from roco.evaluate import concept_baselines

CT, XR, CHEST, AP, EDEMA = "C0040405", "C1306645", "C0817096", "C1999039", "C0013604"
VOCABULARY = roco.Vocabulary((CT, XR, CHEST, AP, EDEMA))
CUIS = [CT, XR, CHEST, AP, EDEMA, "C0000010", "C0000011"]
"""Two of them are in no vocabulary."""


def drawn(seed: int, n: int = 60) -> tuple[list[list[str]], np.ndarray, list[list[str]], list[str]]:
    """True concepts, scores of the vocabulary, manual concepts and articles of images."""
    rng = np.random.default_rng(seed)
    truth = [[cui for cui in CUIS if rng.random() < 0.4] for _ in range(n)]
    manual = [[cui for cui in cuis if cui in CUIS[:4]] for cuis in truth]
    return truth, rng.random((n, 5), np.float32), manual, [f"PMC{i}" for i in rng.integers(0, 20, n)]


def evaluated(truth: Sequence[Sequence[str]], flags: np.ndarray, manual: Sequence[Sequence[str]]) -> roco.Report:
    def cells(rows: Sequence[Sequence[str]]) -> dict[str, object]:
        return {f"i{n}": ";".join(row) for n, row in enumerate(rows)}

    predicted = [[VOCABULARY.cuis[i] for i in np.flatnonzero(row)] for row in flags]
    return roco.evaluate_concepts(cells(predicted), cells(truth), manual=cells(manual), resamples=10)


@pytest.mark.parametrize("seed", range(5))
def test_both_scores_equal_those_of_roco_evaluate_also_with_concepts_outside_of_the_vocabulary(seed: int) -> None:
    truth, values, manual, _ = drawn(seed)
    flags = scores.decided(values, 0.5)
    report = evaluated(truth, flags, manual)
    of_images = scores.f1(scores.truth_of(truth, VOCABULARY), flags)
    assert scores.mean(of_images) == pytest.approx(report["f1"], abs=1e-12)
    secondary = scores.secondary_f1(scores.secondary_truth_of(manual, VOCABULARY), flags, VOCABULARY)
    assert scores.mean(secondary) == pytest.approx(report["secondary_f1"], abs=1e-12)


def test_concepts_that_the_vocabulary_lacks_lower_the_score() -> None:
    flags = np.array([[True, False, False, False, False]])
    assert scores.f1(scores.truth_of([[CT]], VOCABULARY), flags).tolist() == [1]
    assert scores.f1(scores.truth_of([[CT, "C0000010"]], VOCABULARY), flags).tolist() == [2 / 3]


@pytest.mark.parametrize("seed", range(3))
def test_the_curve_has_the_f1_of_each_image_at_each_threshold(seed: int) -> None:
    rows, values, _, _ = drawn(seed)
    values[0] = 0.5, 0.25, np.inf, 0.0, np.float32(0.3)  # on thresholds, above all, below all
    truth = scores.truth_of(rows, VOCABULARY)
    for thresholds in (scores.THRESHOLDS, np.array([0.0, 0.5])):
        curve = scores.curve(truth, values, thresholds)
        for column, threshold in enumerate(thresholds):
            np.testing.assert_allclose(curve[:, column], scores.f1(truth, scores.decided(values, float(threshold))))


def test_the_middle_one_of_equally_good_thresholds_is_chosen() -> None:
    truth = scores.truth_of([[CT], [XR]], VOCABULARY)
    values = np.array([[0.8, 0.2, 0, 0, 0], [0.2, 0.8, 0, 0, 0]])
    found = scores.tuned([("only", scores.curve(truth, values))], np.array([0, 1]))
    assert (found.threshold, found.setting, found.values.tolist()) == (0.51, "only", [1, 1])


def test_honest_scores_are_those_of_settings_chosen_on_the_other_half() -> None:
    articles = np.arange(6).repeat(2)
    first = scores.halves(articles)
    assert first.sum() == 6 and all(len(set(first[articles == article])) == 1 for article in range(6))
    a = np.where(first, 1.0, 0.4)[:, None]
    b = np.where(first, 0.2, 0.6)[:, None]
    found = scores.tuned([("a", a), ("b", b)], articles, np.array([0.5]))
    assert found.setting == "a" and found.values.mean() == pytest.approx(0.7)
    # The first half prefers a, by which the second is scored; the second prefers b, by which the first is scored.
    np.testing.assert_allclose(found.honest, np.where(first, 0.2, 0.4))


def test_equally_good_settings_are_decided_by_their_order() -> None:
    values, articles = np.full((4, 1), 0.5), np.arange(4)
    assert scores.tuned([("a", values), ("b", values)], articles, np.array([0.5])).setting == "a"


def test_one_modality_is_predicted_at_any_threshold_unless_none_has_a_score() -> None:
    values = np.array([[0.1, 0.2, 0.9, 0, 0], [0.3, 0.3, 0, 0, 0], [0, 0, 0, 0, 0]], np.float32)
    decided = scores.decided(scores.with_modality(values, VOCABULARY), 0.5)
    assert [np.flatnonzero(row).tolist() for row in decided] == [[1, 2], [0], []]
    assert values.max() < 1, "the scores themselves are unchanged"


def test_intervals_are_over_articles_and_contain_the_mean() -> None:
    values, articles = np.array([1.0, 1, 1, 0, 0, 0]), np.array([0, 0, 0, 1, 1, 1])
    assert scores.measured(values, articles) == (0.5, 0, 1, 6)
    assert scores.measured(values, np.arange(6)).low > 0  # type: ignore[operator]
    assert scores.measured(np.array([1.0, np.nan]), np.array([0, 0])) == (1.0, None, None, 1)
    assert str(scores.measured(np.array([np.nan]), np.array([0]))) == "–"
    assert str(scores.measured(values, articles)) == "0.5000 (0.0000 to 1.0000)"


def test_the_constant_floor_is_the_best_set_of_the_training_images_and_equals_that_of_roco_evaluate() -> None:
    train = scores.truth_of([[CT, EDEMA], [CT], [CT, XR], [XR]], VOCABULARY)
    # CT alone: (2/3 + 1 + 2/3 + 0) / 4 = .583; CT and XR: (1/2 + 2/3 + 1 + 2/3) / 4 = .708; with EDEMA: less.
    assert scores.best_constant(train, VOCABULARY) == (CT, XR)
    for seed in range(5):
        rows = [[cui for cui in row if cui in VOCABULARY.index] for row in drawn(seed)[0]]
        expected = concept_baselines.best_constant([frozenset(row) for row in rows])
        assert set(scores.best_constant(scores.truth_of(rows, VOCABULARY), VOCABULARY)) == expected


def test_the_floors_are_as_computed_by_hand() -> None:
    truth = scores.truth_of([[CT, EDEMA], [XR, CHEST, AP], [EDEMA]], VOCABULARY)
    constant = scores.constant_floor((CT, EDEMA), truth, VOCABULARY)
    assert scores.f1(truth, constant).tolist() == [1, 0, 2 / 3]
    assert scores.f1(truth, scores.modality_floor(truth, VOCABULARY)).tolist() == [2 / 3, 1 / 2, 0]
    predicted = scores.truth_of([[XR, EDEMA], [XR, CHEST], [CT]], VOCABULARY).flags
    assert scores.f1(truth, scores.modality_only(predicted, VOCABULARY)).tolist() == [0, 1 / 2, 0]


def test_images_of_one_article_have_its_number(finished_demo: Path) -> None:
    data = roco.load(finished_demo / "run" / "release")
    groups = scores.articles_of(data)
    keys = data.column("pmcid").to_pylist()
    assert len(set(groups.tolist())) == len(set(keys)) < len(keys)
    assert len({(group, key) for group, key in zip(groups.tolist(), keys, strict=True)}) == len(set(keys))
