"""Cohen's kappa of a stratified sample, weighted to the images that it was drawn from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.evaluate.metrics.agreement import Z, labels_of


class WeightedKappa(NamedTuple):
    """Weighted kappa with its standard error; NaN with a reason if it is undefined.

    agreement, chance: the weighted shares of agreements, and of those expected by chance. low, high: kappa ± 1.96 se.
    """

    n: int
    agreement: float
    chance: float
    value: float
    se: float
    low: float
    high: float
    reason: str = ""


def weighted_kappa(
    first: Sequence[str], second: Sequence[str], weights: Sequence[float], strata: Sequence[str]
) -> WeightedKappa:
    """Returns kappa with each image counted as many times as its weight says.

    weights: the images that each image represents. strata: the stratum from which it was drawn. The standard error is
    that of Taylor linearisation: kappa is replaced by the sum of its influence values, whose variance is that of a
    stratified sample (Binder 1983). With one stratum and equal weights it is that of Fleiss, Cohen and Everitt (1969),
    times sqrt(n / (n - 1)).
    """
    n = len(first)
    nan = float("nan")
    if n == 0:
        return WeightedKappa(0, nan, nan, nan, nan, nan, nan, "no image has both labels")
    names = {label: number for number, label in enumerate(labels_of(first, second))}
    x = np.array([names[label] for label in first])
    y = np.array([names[label] for label in second])
    u = np.asarray(weights, float)
    u = u / u.sum()
    rows = np.bincount(x, u, len(names))
    columns = np.bincount(y, u, len(names))
    agree = (x == y).astype(float)
    po, pe = float(u @ agree), float(rows @ columns)
    if 1 - pe < 1e-12:
        return WeightedKappa(n, po, pe, nan, nan, nan, nan, "both raters used the same single label")
    kappa = (po - pe) / (1 - pe)
    influence = ((agree - po) * (1 - pe) - (1 - po) * (columns[x] + rows[y] - 2 * pe)) / (1 - pe) ** 2
    se = math.sqrt(_variance(u * influence, strata))
    return WeightedKappa(n, po, pe, kappa, se, kappa - Z * se, kappa + Z * se)


def _variance(values: NDArray[np.float64], strata: Sequence[str]) -> float:
    """Returns the variance of the sum of a stratified sample; a stratum of one image counts with its square."""
    number_of = {name: number for number, name in enumerate(sorted(set(strata)))}
    places = np.array([number_of[name] for name in strata])
    total = 0.0
    for number in range(len(number_of)):
        of_stratum = values[places == number]
        n = len(of_stratum)
        if n == 1:
            total += float(of_stratum[0] ** 2)
        else:
            total += n / (n - 1) * float(((of_stratum - of_stratum.mean()) ** 2).sum())
    return total
