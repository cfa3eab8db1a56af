"""Fits a head: parts, their weights and a calibration, judged by a grouped cross-validation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

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
    for fold, (train, test) in _usable(examples, by):
        fold_of[test] = fold
        for place, part in enumerate(_train(examples.take(train), recipes, k)):
            held_out[place, test] = centred(parts.logits(part, examples.take(test).blocks))
    calibrated = _calibrated(held_out, fold_of, examples.labels, k)
    return replace(calibrated, parts=tuple(_train(examples, recipes, k)))


def stacked(
    examples: Examples, classes: int, by: By, start: Logits, train: Callable[[Examples, Flags], Part]
) -> Fitted:
    """Returns weights and bias of two log-odds: given ones, and those of a part that is trained on each fold.

    start: log-odds (rows x classes) of a head that has not seen the examples. train: trains the part on some examples,
    which are given as rows, too. The parts of the result are empty.
    """
    held_out = np.full((2, len(examples), classes), np.nan)
    held_out[0] = start
    fold_of = np.full(len(examples), -1)
    for fold, (rows, test) in _usable(examples, by):
        fold_of[test] = fold
        part = train(examples.take(rows), rows)
        held_out[1, test] = centred(parts.logits(part, examples.take(test).blocks))
    return _calibrated(held_out, fold_of, examples.labels, classes)


def _usable(examples: Examples, by: By) -> Iterator[tuple[int, tuple[Flags, Flags]]]:
    """Yields the folds that can be judged, with their numbers: two classes to train on, and an image to test."""
    for fold, (train, test) in enumerate(folds(examples, by)):
        if len(set(examples.labels[train].tolist())) > 1 and test.any():
            yield fold, (train, test)


def _calibrated(held_out: Logits, fold_of: NDArray[np.int64], labels: NDArray[np.int64], classes: int) -> Fitted:
    """Returns weights, bias, and probabilities calibrated by the other folds; held_out: parts x rows x classes."""
    judged = fold_of >= 0
    if not judged.any():
        raise DataError("no fold has images of two classes", "label images of more articles, patients or sources")
    weights, bias = calibration(held_out[:, judged], labels[judged], classes)
    probabilities = np.full((len(labels), classes), np.nan)
    for fold in np.unique(fold_of[judged]):
        test, others = fold_of == fold, judged & (fold_of != fold)
        if len(set(labels[others].tolist())) < 2:
            others = judged
        fold_weights, fold_bias = calibration(held_out[:, others], labels[others], classes)
        probabilities[test] = combined(held_out[:, test], fold_weights, fold_bias)
    return Fitted((), weights, bias, probabilities)


def check(examples: Examples, classes: Sequence[str], left_out: Mapping[str, int] | None = None) -> None:
    """Raises DataError if there are too few images of a class, or too few groups, to judge a head."""
    real = ~examples.derived
    counts = Counter(examples.labels[real].tolist())
    for number, label in enumerate(classes):
        if counts[number] < LEAST:
            images = "1 image is" if counts[number] == 1 else f"{counts[number]} images are"
            message = f"only {images} labelled '{label}'"
            raise DataError(message, f"label at least {LEAST} of each class{_also(left_out)}")
    check_groups(examples, left_out)


def check_groups(examples: Examples, left_out: Mapping[str, int] | None = None) -> None:
    """Raises DataError if there are too few articles, patients or videos to judge a head."""
    real = ~examples.derived
    groups = {group for groups, one in zip(examples.groups, real, strict=True) if one for group in groups}
    if len(groups) < LEAST:
        message = f"the images are from only {len(groups)} articles, patients or videos"
        raise DataError(message, f"label images of at least {LEAST}{_also(left_out)}")


def _also(left_out: Mapping[str, int] | None) -> str:
    more = ", ".join(f"{n:,} {reason}" for reason, n in (left_out or {}).items())
    return more and f"; labels left out: {more}"


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
    Support Vector Machines (1999); with several parts this is stacking (Wolpert, 1992). The classes count alike; one
    without rows has the mean bias, because nothing is known about it.
    """
    from scipy.optimize import minimize

    n_parts = len(logits)
    counts = np.bincount(labels, minlength=classes)
    weights = (1 / np.maximum(counts, 1))[labels]
    weights = weights / weights.sum()
    rows = np.arange(len(labels))
    seen = np.flatnonzero(counts)

    def biases(values: NDArray[np.float64]) -> NDArray[np.float64]:
        bias = np.zeros(classes)
        bias[seen[:-1]] = values
        if len(seen) < classes:
            bias[seen] -= bias[seen].mean()
        return bias

    def loss(values: NDArray[np.float64]) -> float:
        scale, bias = values[:n_parts], biases(values[n_parts:])
        z = np.tensordot(np.abs(scale), logits, 1) + bias
        z -= z.max(1, keepdims=True)
        likelihood = z[rows, labels] - np.log(np.exp(z).sum(1))
        return float(-(weights * likelihood).sum() + 1e-3 * (np.abs(scale) - 0.5) @ (np.abs(scale) - 0.5))

    start = np.concatenate([np.full(n_parts, 0.7 / n_parts), np.zeros(len(seen) - 1)])
    best = minimize(loss, start, method="L-BFGS-B").x
    scale = np.abs(best[:n_parts])
    bias = biases(best[n_parts:])
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
