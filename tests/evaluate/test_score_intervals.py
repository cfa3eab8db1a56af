"""The interval of a score contains its value, whichever way the score is computed."""

from __future__ import annotations

import math
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from roco import Report, evaluate_captions, evaluate_concepts, evaluate_retrieval
from roco.base.bootstrap import Interval, containing
from roco.evaluate.caption_metrics import FAST, METRIC_OF
from roco.evaluate.caption_pairs import Models
from roco.models.text.vocabulary.table import SHIPPED

TEXT = "ct mri of the chest with a large nodule and small pleural effusion in axial view arrow"
WORDS = TEXT.split()


def checked(report: Report) -> int:
    """Checks every interval of a report; returns their number."""
    intervals = 0
    for score in report.scores:
        if score.interval is not None and not math.isnan(score.value):
            assert score.interval.low <= score.value <= score.interval.high, score
            intervals += 1
    return intervals


def captions(seed: int, n: int = 30) -> tuple[dict[str, str], dict[str, str]]:
    """Returns predictions and truth that share some words."""
    rng = random.Random(seed)
    truth = {f"i{k}": " ".join(rng.choices(WORDS, k=rng.randint(3, 12))) for k in range(n)}
    predictions = {id: " ".join(rng.sample(text.split(), k=2) + rng.choices(WORDS, k=6)) for id, text in truth.items()}
    return predictions, truth


@pytest.mark.parametrize("seed", range(3))
def test_intervals_of_caption_scores_contain_their_values(seed: int) -> None:
    names = [name for name, metric in METRIC_OF.items() if metric.cost == FAST]
    predictions, truth = captions(seed)
    articles = {id: f"A{k // 3}" for k, id in enumerate(truth)}
    assert checked(evaluate_captions(predictions, truth, metrics=names, articles=articles, resamples=200)) == 7
    assert checked(evaluate_captions(truth, truth, metrics=names, resamples=50)) == 7  # all equal to 1, or nearly so
    linked = evaluate_captions(predictions, truth, metrics=("umls_f1",), models=Models(vocabulary=SHIPPED))
    assert checked(linked) == 1


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="METEOR needs a Java runtime")
def test_the_interval_of_meteor_contains_its_value() -> None:
    # METEOR of all captions lies far from the mean over captions where short captions match best.
    truth = {f"s{k}": "ct" for k in range(20)} | {f"l{k}": TEXT for k in range(20)}
    predictions = {id: text if id.startswith("s") else "unrelated words " * 12 for id, text in truth.items()}
    report = evaluate_captions(predictions, truth, metrics=("meteor",))
    assert checked(report) == 1
    mean = np.mean([row[report.per_image.columns.index("meteor")] for row in report.per_image.rows])
    interval = report.scores[0].interval
    assert interval is not None and mean > interval.high
    assert "the mean" not in report.scores[0].note


@pytest.mark.parametrize("seed", range(3))
def test_intervals_of_concept_scores_contain_their_values(seed: int) -> None:
    rng = random.Random(seed)
    cuis = ["C0040405", "C0024485", "C1306645", "C0817096", "C1996865", "C0000001", "C0000002"]
    truth = {f"i{k}": ";".join(rng.sample(cuis, 3)) for k in range(30)}
    predictions = {id: ";".join(rng.sample(cuis, 3)) for id in truth}
    report = evaluate_concepts(predictions, truth, manual=truth, resamples=200)
    assert checked(report) >= 5
    assert checked(evaluate_concepts(truth, truth, manual=truth, resamples=50)) >= 5


def test_the_interval_of_the_secondary_score_is_divided_as_the_score_is() -> None:
    truth = {f"i{k}": "C0040405" for k in range(10)}
    predictions = {id: "C0040405" if k < 5 else "C0024485" for k, id in enumerate(truth)}
    more = truth | {f"x{k}": "C0040405" for k in range(30)}  # the official script divides by these rows, too
    score = {s.name: s for s in evaluate_concepts(predictions, truth, manual=more).scores}["secondary_f1"]
    assert score.value == 5 / 40
    assert score.interval is not None and score.interval.low <= score.value <= score.interval.high < 0.25


def test_intervals_of_rankings_contain_their_values(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ids = [f"i{k}" for k in range(20)]
    np.savez(tmp_path / "v.npz", ids=np.array(ids), images=rng.normal(size=(20, 5)), texts=rng.normal(size=(20, 5)))
    truth = {id: f"C{k % 4};C{k % 3 + 4}" for k, id in enumerate(ids)}
    report = evaluate_retrieval(tmp_path / "v.npz", truth, task="image-to-image", resamples=200)
    assert checked(report) == 3 + 2 + 1 + 3 + 3


def test_rounding_alone_never_excludes_a_value() -> None:
    third = 1 / 3
    assert containing(Interval(third + 1e-16, 1.0), third) == (third, 1.0)
    assert containing(Interval(0.4, 1.0), third) == (0.4, 1.0)  # a real difference stays visible
    assert containing(None, third) is None
    predictions, truth = dict.fromkeys("abcdefg", "ct"), dict.fromkeys("abcdefg", "ct mri")
    assert checked(evaluate_captions(predictions, truth, metrics=("rouge1",))) == 1
