"""Preprocessing and scores have the values of the worked example."""

from __future__ import annotations

import numpy as np
import pytest

from roco.base.errors import UsageError
from roco.evaluate.metrics import meteor, text

TRUTH = (
    "CT chest axial view showing a huge ascending aortic aneurysm (*).",
    "Computed tomography (CT) shows floating thrombosis (white arrow)",
    "Angle measurement of a Type 1 canal.",
    "US image, 3.5 MHz: 12×8-mm cyst (A–B).",
)
PREDICTIONS = (
    "Axial CT of the chest showing an ascending aortic aneurysm.",
    "CT scan showing thrombus in the aorta (arrow).",
    "Panoramic radiograph",
    "Ultrasound showing a 10 x 9 mm cyst.",
)
G, P = [text.preprocess(t) for t in TRUTH], [text.preprocess(t) for t in PREDICTIONS]


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (TRUTH[0], "ct chest axial view showing a huge ascending aortic aneurysm "),
        (TRUTH[3], "us image numbernumber mhz number×numbermm cyst a–b"),
        (
            "T2-weighted 3.5 cm, L4/L5 “string of pearls” ½",
            "tnumberweighted numbernumber cm lnumberlnumber “string of pearls” ½",
        ),
        (" two  blanks\tstay ", " two  blanks\tstay "),
        ("(*)", ""),
    ],
)
def test_captions_are_preprocessed_as_by_imageclef(raw: str, clean: str) -> None:
    assert text.preprocess(raw) == clean


def test_rouge_has_the_values_of_the_worked_example() -> None:
    assert text.rouge(G, P) == pytest.approx([0.7, 0.25, 0, 0.352941], abs=1e-6)
    assert text.rouge(G, P).mean() == pytest.approx(0.325735, abs=1e-6)
    assert text.rouge(G, P, "rouge2") == pytest.approx([0.222222, 0, 0, 0], abs=1e-6)
    assert text.rouge(G, P, "rougeL") == pytest.approx([0.6, 0.25, 0, 0.235294], abs=1e-6)
    assert text.coco_rouge_l(G, P).mean() == pytest.approx(0.237880, abs=1e-6)


def test_bleu_has_the_values_of_the_worked_example() -> None:
    found = text.bleu(G, P)
    assert found.corpus == pytest.approx((0.309599, 0.149551, 0.098970, 1.491e-05), abs=1e-6)
    assert found.each[:, 0] == pytest.approx([0.7, 0.25, 0, 0.125], abs=1e-6)
    for order in (1, 2, 3, 4):
        again = text.bleu_of_sums(found.counts.sum(0)[None], order)
        assert again[0] == pytest.approx(found.corpus[order - 1], rel=1e-12)
    part = text.bleu(G[:2], P[:2])
    assert text.bleu_of_sums(found.counts[:2].sum(0)[None], 2)[0] == pytest.approx(part.corpus[1], rel=1e-12)


def test_cider_has_the_values_of_the_worked_example() -> None:
    assert text.cider(G, P) == pytest.approx([2.630193, 0.431034, 0, 0.306400], abs=1e-6)
    assert text.cider(G, P).mean() == pytest.approx(0.841907, abs=1e-6)


@pytest.mark.slow
def test_meteor_has_the_values_of_the_worked_example() -> None:
    found = meteor.meteor(G, P)
    assert found.corpus == pytest.approx(0.163848, abs=1e-6)
    assert found.each == pytest.approx([0.336497, 0.102564, 0, 0.136502], abs=1e-6)


@pytest.mark.slow
def test_meteor_of_any_captions_follows_from_the_sums_of_their_counts() -> None:
    # Equal texts, no match, other word order, other scripts.
    truth = [*G, "a b c d", "aorta", "größe der läsion", "肺部阴影", "the same words here"]
    predictions = [*P, "a b c d", "vein", "größe der zyste", "肺部阴影", "here words same the"]
    whole = meteor.meteor(truth, predictions)
    assert meteor.meteor_of_sums(whole.counts) == pytest.approx(whole.each, rel=1e-12)
    rng = np.random.default_rng(0)
    for chosen in (np.arange(len(truth)), *(rng.integers(0, len(truth), 6) for _ in range(3))):
        part = meteor.meteor([truth[i] for i in chosen], [predictions[i] for i in chosen])
        assert meteor.meteor_of_sums(whole.counts[chosen].sum(0)[None])[0] == pytest.approx(part.corpus, rel=1e-12)


@pytest.mark.slow
def test_meteor_accepts_line_breaks_bars_and_empty_captions() -> None:
    found = meteor.meteor(["a\ncyst ||| of the liver", "", "a cyst"], ["a cyst of the liver", "a cyst", " "])
    assert found.each[0] > 0.9
    assert found.each[1:].tolist() == [0, 0]


def test_meteor_without_java_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(UsageError, match="Java"):
        meteor.meteor(G, P)


def test_sacrebleu_prints_its_signature() -> None:
    result = text.sacrebleu(G, P)
    assert result.value == pytest.approx(0.0705, abs=1e-4)
    assert "tok:none" in result.signature and "version:" in result.signature


def test_an_empty_list_of_captions_has_undefined_scores() -> None:
    assert len(text.rouge([], [])) == len(text.cider([], [])) == 0
    assert np.isnan(text.bleu([], []).corpus[0])
    assert text.rouge([""], ["a"]).tolist() == text.cider(["", "a b"], ["", ""]).tolist()[:1] == [0.0]
