"""Fits a head that starts from another one: a correction of its log-odds by labels that it has not seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.baselines import parts
from roco.baselines.examples import Examples
from roco.baselines.fit import LEAST, Fitted, balanced, check_groups, stacked
from roco.baselines.folds import By
from roco.models.heads.head import Head, Linear, Logits, Part, centred, side_by_side
from roco.models.heads.trees import Trees

PENALTY = 0.03
"""Strength of the L2 penalty on the correction; `python -m benchmarks.loop --penalty` compares several."""

_BIAS = 3.0
"""The constant feature: the larger it is, the less the bias is penalised."""

Weights = NDArray[np.float64]


def classes_of(base: Head, labels: Sequence[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Returns the classes of an adapted head, and how many labels it cannot learn, by reason.

    They are those of the base, and further ones that have enough labels.
    """
    counts = Counter(labels)
    known = base.card.classes
    more = sorted(name for name, n in counts.items() if name not in known and n >= LEAST)
    rare = {
        f"fewer than {LEAST} images of {name}": n
        for name, n in sorted(counts.items())
        if name not in known and n < LEAST
    }
    return (*known, *more), rare


def adapt(
    base: Head, examples: Examples, classes: Sequence[str], by: By = "group", left_out: Mapping[str, int] | None = None
) -> Fitted:
    """Fits a linear correction of the log-odds of a head, and calibrates both together.

    classes: those of the base, in its order, then new ones. A class of the base that nobody has labelled keeps the
    log-odds of the base. The base must not have been trained on the examples: its log-odds are taken as those of
    images that it has not seen. Raises DataError for too few labels.
    """
    check_groups(examples, left_out)
    if len(set(examples.labels[~examples.derived].tolist())) < 2:
        raise DataError("the labels are all of one class", "label images of two classes or more")
    k = len(classes)
    given, weights, bias = _extended(base, k)
    start = _start(given, weights, bias, examples)

    def train(some: Examples, rows: NDArray[np.bool_]) -> Part:
        return _correction(some, start[rows], base.card.blocks, k)

    fitted = stacked(examples, k, by, start, train)
    whole = _correction(examples, start, base.card.blocks, k)
    scale, correction = fitted.weights
    return Fitted(
        (*given, whole),
        np.concatenate([weights * scale, correction[None]]),
        fitted.bias + bias * scale,
        fitted.held_out,
    )


def _extended(base: Head, classes: int) -> tuple[tuple[Part, ...], Weights, Weights]:
    """Returns parts, weights and bias of a head with further classes at the end, whose log-odds are the mean."""
    more = classes - len(base.card.classes)
    weights = np.concatenate([base.weights, np.repeat(base.weights.mean(1, keepdims=True), more, 1)], 1)
    bias = np.append(base.bias, np.full(more, base.bias.mean()))
    return tuple(replace(part, model=_wider(part.model, classes)) for part in base.parts), weights, bias


def _wider(model: Linear | Trees, classes: int) -> Linear | Trees:
    if model.outputs == 1:
        raise DataError("a part with one column of log-odds cannot be extended", "fit the head again with `roco fit`")
    more = classes - model.outputs
    if isinstance(model, Linear):
        columns = np.repeat(model.weights.mean(1, keepdims=True), more, 1)
        bias = np.append(model.bias, np.full(more, model.bias.mean())).astype(np.float32)
        return replace(model, weights=np.concatenate([model.weights, columns], 1), bias=bias)
    return replace(model, base=np.append(model.base, np.full(more, model.base.mean())))


def _start(given: Sequence[Part], weights: Weights, bias: Weights, examples: Examples) -> Logits:
    total: Logits = np.zeros((len(examples), len(bias))) + bias
    for weight, part in zip(weights, given, strict=True):
        total = total + weight * centred(parts.logits(part, examples.blocks))
    return centred(total)


def _correction(examples: Examples, start: Logits, blocks: Sequence[str], classes: int) -> Part:
    """Trains a linear part whose log-odds are added to those of the base (`start`)."""
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    features = side_by_side(examples.blocks, blocks)
    weights = balanced(examples, classes)
    weights = weights / weights.sum()
    mean, scale = parts.moments(features, weights)
    standard = np.clip((features - mean) / scale, -8, 8).astype(np.float64)
    # The bias is penalised, too: without that, the log-odds of a class that nobody has labelled would fall for ever.
    table = np.concatenate([standard, np.full((len(standard), 1), _BIAS)], 1)
    target = np.zeros((len(table), classes))
    target[np.arange(len(table)), examples.labels] = 1

    def loss(values: Weights) -> tuple[float, Any]:
        matrix = values.reshape(table.shape[1], classes)
        logits = table @ matrix + start
        logits -= logits.max(1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(1, keepdims=True))
        value = -(weights * (target * logits).sum(1)).sum() + PENALTY / 2 * (matrix**2).sum()
        slope = table.T @ (weights[:, None] * (np.exp(logits) - target)) + PENALTY * matrix
        return float(value), slope.ravel()

    with threadpool_limits(1):
        found = minimize(
            loss, np.zeros(table.shape[1] * classes), jac=True, method="L-BFGS-B", options={"maxiter": 150}
        )
    matrix = found.x.reshape(table.shape[1], classes).astype(np.float32)
    return Part(tuple(blocks), Linear(mean, scale, matrix[:-1], matrix[-1] * np.float32(_BIAS)))
