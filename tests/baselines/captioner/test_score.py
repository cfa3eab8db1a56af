"""The caption score of checkpoints, against the score of `roco evaluate`."""

from __future__ import annotations

import numpy as np
import pytest

from roco.baselines.captioner.score import preprocess, rouge1
from roco.evaluate.metrics import text

CAPTIONS = [
    "T2-weighted 3.5 cm, L4/L5 “string of pearls” ½",
    "US image, 3.5 MHz: 12×8-mm cyst (A–B).",
    "CT chest axial view showing a huge ascending aortic aneurysm (*).",
    "",
    "ÄRZTLICHE Übersicht; no. 12,5",
]


def test_captions_are_preprocessed_as_for_the_evaluation() -> None:
    assert [preprocess(caption) for caption in CAPTIONS] == [text.preprocess(caption) for caption in CAPTIONS]


def test_the_score_is_the_mean_rouge_of_the_evaluation() -> None:
    candidates = ["T2 weighted 4 cm pearls", "US image of a cyst", CAPTIONS[2], "x", ""]
    clean = [[text.preprocess(caption) for caption in captions] for captions in (CAPTIONS, candidates)]
    assert rouge1(CAPTIONS, candidates) == pytest.approx(float(np.mean(text.rouge(*clean))))
    assert 0 < rouge1(CAPTIONS, candidates) < 1
