"""Fits a head: parts, their weights and a calibration, judged by a grouped cross-validation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.baselines import parts
from roco.baselines.examples import Examples, Flags
from roco.baselines.folds import By, folds
from roco.models.heads.head import Logits, Part, centred

DERIVED_WEIGHT = 0.25
"""What all derived images of a class count together, relative to the real ones of the class."""

LEAST = 8
"""Real images of a class, and groups of all classes together, without which no head is fitted."""


@dataclass(frozen=True)
class Fitted:
    """A fitted head, and the probabilities of each real image by parts that never saw its group (NaN: not judged)."""

    parts: tuple[Part, ...]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    held_out: NDArray[np.float64]


def fit(
    examples: Examples,
    classes: Sequence[str],
    recipes: Sequence[parts.Recipe],
    by: By = "group",
    left_out: Mapping[str, int] | None = None,
) -> Fitted:
    """Fits all parts on all examples; weights and calibration come from the log-odds of the folds.

    The probabilities of `held_out` are calibrated by folds, too: by the log-odds of the other folds. left_out: labels
    without an example, by reason, which an error about too few images names.
    """
    check(examples, classes, left_out)
    n, k = len(examples), len(classes)
    held_out = np.full((len(recipes), n, k), np.nan)
    fold_of = np.full(n, -1)
    for fold, (train, test) in enumerate(folds(examples, by)):
        if len(set(examples.labels[train].tolist())) < 2 or not test.any():
            continue
        fold_of[test] = fold
        for place, part in enumerate(_train(examples.take(train), recipes, k)):
            held_out[place, test] = centred(parts.logits(part, examples.take(test).blocks))
    judged = fold_of >= 0
    if not judged.any():
        raise DataError("no fold has images of two classes", "label images of more articles, patients or sources")
    weights, bias = calibration(held_out[:, judged], examples.labels[judged], k)
    probabilities = np.full((n, k), np.nan)
    for fold in np.unique(fold_of[judged]):
        test, others = fold_of == fold, judged & (fold_of != fold)
        if len(set(examples.labels[others].tolist())) < 2:
            others = judged
        fold_weights, fold_bias = calibration(held_out[:, others], examples.labels[others], k)
        probabilities[test] = combined(held_out[:, test], fold_weights, fold_bias)
    return Fitted(tuple(_train(examples, recipes, k)), weights, bias, probabilities)


def check(examples: Examples, classes: Sequence[str], left_out: Mapping[str, int] | None = None) -> None:
    """Raises DataError if there are too few images of a class, or too few groups, to judge a head."""
    real = ~examples.derived
    counts = Counter(examples.labels[real].tolist())
    more = ", ".join(f"{n:,} {reason}" for reason, n in (left_out or {}).items())
    more = more and f"; labels left out: {more}"
    for number, label in enumerate(classes):
        if counts[number] < LEAST:
            images = "1 image is" if counts[number] == 1 else f"{counts[number]} images are"
            message = f"only {images} labelled '{label}'"
            raise DataError(message, f"label at least {LEAST} of each class{more}")
    groups = {group for groups, one in zip(examples.groups, real, strict=True) if one for group in groups}
    if len(groups) < LEAST:
        message = f"the images are from only {len(groups)} articles, patients or videos"
        raise DataError(message, f"label images of at least {LEAST}{more}")


def balanced(examples: Examples, classes: int) -> NDArray[np.float64]:
    """Returns a weight for each row: classes count alike, derived images of a class less than its real ones."""
    weights = np.zeros(len(examples))
    for label in range(classes):
        real = (examples.labels == label) & ~examples.derived
        derived = (examples.labels == label) & examples.derived
        if real.any():
            weights[real] = 1 / real.sum()
        if derived.any():
            weights[derived] = (DERIVED_WEIGHT if real.any() else 1.0) / derived.sum()
        total = weights[real | derived].sum()
        if total:
            weights[real | derived] /= total
    return weights * len(examples) / classes


def _train(examples: Examples, recipes: Sequence[parts.Recipe], classes: int) -> list[Part]:
    weights = balanced(examples, classes)
    return [parts.train(recipe, examples.blocks, examples.labels, weights, classes) for recipe in recipes]


def calibration(
    logits: Logits, labels: NDArray[np.int64], classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns a weight for each part and a bias for each class that make the log-odds calibrated (Platt scaling).

    logits: parts x rows x classes, of rows that the parts were not trained on. Platt, Probabilistic Outputs for
    Support Vector Machines (1999); with several parts this is stacking (Wolpert, 1992). The classes count alike.
    """
    from scipy.optimize import minimize

    n_parts = len(logits)
    counts = np.bincount(labels, minlength=classes)
    weights = (1 / np.maximum(counts, 1))[labels]
    weights = weights / weights.sum()
    rows = np.arange(len(labels))

    def loss(values: NDArray[np.float64]) -> float:
        scale, bias = values[:n_parts], np.append(values[n_parts:], 0.0)
        z = np.tensordot(np.abs(scale), logits, 1) + bias
        z -= z.max(1, keepdims=True)
        likelihood = z[rows, labels] - np.log(np.exp(z).sum(1))
        return float(-(weights * likelihood).sum() + 1e-3 * (np.abs(scale) - 0.5) @ (np.abs(scale) - 0.5))

    start = np.concatenate([np.full(n_parts, 0.7 / n_parts), np.zeros(classes - 1)])
    best = minimize(loss, start, method="L-BFGS-B").x
    scale, bias = np.abs(best[:n_parts]), np.append(best[n_parts:], 0.0)
    return np.repeat(scale[:, None], classes, 1), bias - bias.mean()


def combined(logits: Logits, weights: NDArray[np.float64], bias: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns probabilities from the log-odds of the parts (parts x rows x classes)."""
    z = (weights[:, None, :] * logits).sum(0) + bias
    exponents = np.exp(z - z.max(1, keepdims=True))
    probabilities: NDArray[np.float64] = exponents / exponents.sum(1, keepdims=True)
    return probabilities


def is_judged(fitted: Fitted) -> Flags:
    judged: Flags = ~np.isnan(fitted.held_out[:, 0])
    return judged
