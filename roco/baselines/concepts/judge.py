"""Scores predicted concepts against labels: F1 averaged over captions, and by concept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.models.text.learned.lexicon import Floats, Ints

THRESHOLDS = np.arange(0.1, 0.76, 0.02)
RESAMPLES = 1000
NUMBERS = (0, 1, 2, 3, 5, 10, 20, 50, 100)
"""Least numbers of learned rows of the groups of concepts in a card."""


PARTS = ("all", "automatic", "manual", "spans")
"""What is scored: all concepts, the automatic ones, the manual ones, and all without those that are only suggested."""


class Pairs(NamedTuple):
    """Pairs of caption and concept; hit: whether the pair is labelled."""

    row: Ints
    cui: Ints
    hit: NDArray[np.bool_]


@dataclass(frozen=True)
class Judged:
    """What a model says about captions that it was not learned from.

    rows: the captions, sorted. found, score: candidates of automatic concepts, and their probability. chosen, named:
    manual concepts, and whether words name them. labels: of the automatic and of the manual concepts, by caption.
    """

    rows: Ints
    found: Pairs
    score: Floats
    chosen: Pairs
    named: NDArray[np.bool_]
    labels: tuple[Ints, Ints]

    def pairs(self, threshold: float, part: str = "all") -> Pairs:
        """Returns the predicted pairs of a part (see PARTS)."""
        automatic, manual = self.score >= threshold, np.ones(len(self.named), bool)
        if part == "manual":
            automatic = np.zeros_like(automatic)
        elif part == "automatic":
            manual = np.zeros_like(manual)
        elif part == "spans":
            manual = self.named
        pairs = zip(self.found, self.chosen, strict=True)
        return Pairs(*(np.concatenate([one[automatic], other[manual]]) for one, other in pairs))

    def f1(self, threshold: float, part: str = "all") -> Floats:
        """Returns the F1 of each caption; 1 where neither a label nor a prediction exists."""
        pairs = self.pairs(threshold, part)
        place = np.searchsorted(self.rows, pairs.row)
        predicted = np.bincount(place, minlength=len(self.rows))
        hits = np.bincount(place, pairs.hit, len(self.rows))
        labels = {"automatic": self.labels[0], "manual": self.labels[1]}.get(part, self.labels[0] + self.labels[1])
        both = predicted + labels
        f1: Floats = np.where(both > 0, 2 * hits / np.maximum(both, 1), 1.0)
        return f1

    def best_threshold(self, captions: NDArray[np.bool_] | None = None) -> float:
        """Returns the threshold with the highest mean F1 of automatic concepts, over the chosen captions or all."""
        means = []
        for threshold in THRESHOLDS:
            f1 = self.f1(threshold, "automatic")
            means.append(float((f1 if captions is None else f1[captions]).mean()))
        # The mean of three neighbours: one caption more or less must not move the threshold far.
        smooth = np.convolve(np.pad(means, 1, mode="edge"), np.ones(3) / 3, mode="valid")
        return round(float(THRESHOLDS[int(np.argmax(smooth))]), 3)


def interval(f1: Floats, groups: Ints, seed: int = 0) -> tuple[float, float]:
    """Returns the 95 % bootstrap interval of the mean F1 over articles, from 1,000 resamples."""
    _, place = np.unique(groups, return_inverse=True)
    sums, n = np.bincount(place, f1), np.bincount(place)
    random = np.random.default_rng(seed)
    means = []
    for _ in range(RESAMPLES):
        drawn = random.integers(0, len(n), len(n))
        means.append(sums[drawn].sum() / n[drawn].sum())
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def held_out(judged: Judged, groups: Ints) -> dict[str, dict[str, float]]:
    """Returns the scores on captions left out; the threshold of each half of the articles is chosen on the other.

    groups: article of each caption of `judged.rows`. Manual concepts and spans have no score if no concept is manual.
    """
    _, number = np.unique(groups, return_inverse=True)
    is_even = number % 2 == 0
    halves = [half for half in (is_even, ~is_even) if half.any() and (~half).any()]
    thresholds = [judged.best_threshold(~half) for half in halves]
    parts = PARTS if judged.labels[1].any() else PARTS[:1]
    out = {}
    for part in parts:
        f1 = np.zeros(len(groups))
        for half, threshold in zip(halves, thresholds, strict=True):
            f1[half] = judged.f1(threshold, part)[half]
        low, high = interval(f1, groups)
        out[part] = {"f1": round(float(f1.mean()), 4), "low": round(low, 4), "high": round(high, 4)}
    out["all"] |= {"captions": float(len(groups)), "articles": float(number.max() + 1)}
    return out


def by_concept(
    judged: Judged, threshold: float, keys: Ints, learned: Ints
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Returns the labels, predictions and hits of each concept. learned: rows that each concept was learned from."""
    concepts = len(learned)
    labels = keys[np.isin(keys // concepts, judged.rows)] % concepts
    pairs = judged.pairs(threshold)
    n = np.bincount(labels, minlength=concepts)
    predicted = np.bincount(pairs.cui, minlength=concepts)
    hits = np.bincount(pairs.cui[pairs.hit], minlength=concepts)
    return n, predicted, hits


def summary(
    cuis: Sequence[str],
    names: Mapping[str, Sequence[str]],
    totals: Ints,
    forms: Sequence[Sequence[Mapping[str, Any]]],
    n: Ints,
    predicted: Ints,
    hits: Ints,
) -> dict[str, Mapping[str, Any]]:
    """Returns name, rows, n, precision, recall and forms of each concept.

    names: as far as they are known. totals: rows with each concept in all data.
    """
    out: dict[str, Mapping[str, Any]] = {}
    for place, cui in enumerate(cuis):
        out[cui] = {
            "name": next(iter(names.get(cui, ())), ""),
            "rows": int(totals[place]),
            "n": int(n[place]),
            "precision": _share(hits[place], predicted[place]),
            "recall": _share(hits[place], n[place]),
            "forms": forms[place],
        }
    return out


def by_number(learned: Ints, n: Ints, predicted: Ints, hits: Ints) -> list[Mapping[str, Any]]:
    """Returns precision, recall and F1 of the concepts by the number of rows that they were learned from."""
    out: list[Mapping[str, Any]] = []
    group = np.searchsorted(NUMBERS, learned, side="right") - 1
    for place, least in enumerate(NUMBERS):
        chosen = group == place
        labels, guesses, right = (int(values[chosen].sum()) for values in (n, predicted, hits))
        out.append(
            {
                "least_rows": least,
                "labels": labels,
                "precision": _share(right, guesses),
                "recall": _share(right, labels),
                "f1": _share(2 * right, labels + guesses),
            }
        )
    return out


def _share(part: int, whole: int) -> float | None:
    return round(float(part / whole), 4) if whole else None
