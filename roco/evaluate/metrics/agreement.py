"""Agreement of raters: Cohen's kappa with its standard errors, alpha, AC1 and confusion matrices."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z = 1.96  # of a 95% interval, as in the paper
BANDS = ((0.81, "almost perfect"), (0.61, "substantial"), (0.41, "moderate"), (0.21, "fair"), (0.0, "slight"))
"""Lowest kappa, rounded to two decimals, of each level of agreement (Landis and Koch 1977; paper, technical
validation); below 0 it is poor."""


class Kappa(NamedTuple):
    """Cohen's kappa with its standard errors; NaN with a reason if it is undefined.

    agree: the number of agreements. chance: the number expected by chance. se: the standard error of Fleiss, Cohen and
    Everitt 1969; se_null: the same under kappa = 0; se_simple: that of Cohen 1960. low, high: kappa ± 1.96 se, as in
    Table 7 of the paper.
    """

    n: int
    agree: int
    chance: float
    value: float
    se: float
    se_null: float
    se_simple: float
    low: float
    high: float
    reason: str = ""

    @property
    def words(self) -> str:
        """Returns the level of agreement of Landis and Koch; the reason if kappa is undefined."""
        if math.isnan(self.value):
            return self.reason
        for lowest, level in BANDS:
            if round(self.value, 2) >= lowest:
                return level
        return "poor"


def labels_of(*raters: Sequence[str]) -> list[str]:
    """Returns all labels that any rater used, sorted; the matrix needs those of a single rater as well."""
    return sorted(set().union(*raters))


def confusion(first: Sequence[str], second: Sequence[str], labels: Sequence[str]) -> NDArray[np.int64]:
    """Returns how often the first rater chose the row's label and the second the column's. Shape (labels, labels)."""
    at = {label: i for i, label in enumerate(labels)}
    matrix = np.zeros((len(labels), len(labels)), np.int64)
    for a, b in zip(first, second, strict=True):
        matrix[at[a], at[b]] += 1
    return matrix


def normalised(matrix: ArrayLike, over: str | None) -> NDArray[np.float64]:
    """Returns shares of each row ("true"), of each column ("pred") or of the whole matrix ("all"); None: the counts.

    The shares of an empty row or column are 0, not NaN.
    """
    m = np.asarray(matrix, float)
    sums = {"true": m.sum(1, keepdims=True), "pred": m.sum(0, keepdims=True), "all": m.sum(keepdims=True)}
    if over is None:
        return m
    if over not in sums:
        raise ValueError(f"over must be 'true', 'pred' or 'all', not '{over}'")
    shares: NDArray[np.float64] = np.divide(m, sums[over], out=np.zeros_like(m), where=sums[over] > 0)
    return shares


def kappa(matrix: ArrayLike) -> Kappa:
    """Returns Cohen's kappa of a square matrix of counts, and its standard error of Fleiss, Cohen and Everitt (1969).

    Raises ValueError for a matrix that is not square or contains anything but counts.
    """
    counts = _counts(matrix)
    n, agree = int(counts.sum()), int(np.trace(counts))
    nan = float("nan")
    if n == 0:
        return Kappa(0, 0, nan, nan, nan, nan, nan, nan, nan, "no image has both labels")
    p = counts / n
    row, column = p.sum(1), p.sum(0)
    po, pe = agree / n, float(row @ column)
    if 1 - pe < 1e-15:
        return Kappa(n, agree, n * pe, nan, nan, nan, nan, nan, nan, "both raters used the same single label")
    k = (po - pe) / (1 - pe)
    se = math.sqrt(max(0.0, _variance(p, row, column, k, pe)) / n) / (1 - pe)
    # Under kappa = 0 the formula is evaluated at the products of the marginals, where all agreement is by chance.
    null = pe + pe**2 - float((row * column * (row + column)).sum())
    se_null = math.sqrt(max(0.0, null) / n) / (1 - pe)
    simple = math.sqrt(po * (1 - po) / n) / (1 - pe)
    return Kappa(n, agree, n * pe, k, se, se_null, simple, k - Z * se, k + Z * se)


def _variance(
    p: NDArray[np.float64], row: NDArray[np.float64], column: NDArray[np.float64], k: float, pe: float
) -> float:
    """Returns A + B - C of Fleiss, Cohen and Everitt."""
    diagonal = np.diag(p)
    a = float((diagonal * (1 - (row + column) * (1 - k)) ** 2).sum())
    weights = (column[:, None] + row[None, :]) ** 2
    b = (1 - k) ** 2 * float((p * weights).sum() - (diagonal * np.diag(weights)).sum())
    return a + b - (k - pe * (1 - k)) ** 2


def kappa_by_class(matrix: ArrayLike, labels: Sequence[str]) -> dict[str, Kappa]:
    """Returns the kappa of each label against all others together."""
    m = _counts(matrix)
    n = int(m.sum())
    kappas = {}
    for i, label in enumerate(labels):
        both, first, second = int(m[i, i]), int(m[i].sum()), int(m[:, i].sum())
        kappas[label] = kappa([[both, first - both], [second - both, n - first - second + both]])
    return kappas


def kappa_values(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the kappa of each matrix (shape: matrices, labels, labels); NaN if it is undefined."""
    n = matrices.sum((1, 2))
    po = np.trace(matrices, axis1=1, axis2=2) / n
    pe = (matrices.sum(2) * matrices.sum(1)).sum(1) / n**2
    with np.errstate(invalid="ignore", divide="ignore"):
        values: NDArray[np.float64] = np.where(1 - pe > 1e-15, (po - pe) / (1 - pe), np.nan)
    return values


def gwet_ac1(matrix: ArrayLike) -> float:
    """Returns Gwet's AC1 of two raters (Gwet 2008), which is more stable than kappa if one label dominates.

    NaN if there are no images or only one label.
    """
    m = _counts(matrix).astype(float)
    n, q = m.sum(), len(m)
    if n == 0 or q < 2:
        return float("nan")
    share = (m.sum(1) + m.sum(0)) / (2 * n)
    pe = float((share * (1 - share)).sum() / (q - 1))
    return (float(np.trace(m)) / float(n) - pe) / (1 - pe)


def krippendorff_alpha(units: Sequence[Sequence[Hashable | None]]) -> float:
    """Returns Krippendorff's alpha for nominal labels of any number of raters.

    units: the labels of each image, None for a rater who did not label it. Images with fewer than two labels are
    ignored. NaN if no two labels can be compared, or all are equal.
    """
    coincidences: Counter[tuple[Hashable, Hashable]] = Counter()
    # Many images have the same labels: each pattern is counted once, times the images that have it.
    for unit, times in Counter(map(tuple, units)).items():
        labels = Counter(label for label in unit if label is not None)
        m = sum(labels.values())
        if m < 2:
            continue
        for a, of_a in labels.items():
            for b, of_b in labels.items():
                coincidences[a, b] += times * of_a * (of_b - (a == b)) / (m - 1)  # type: ignore[assignment]
    totals: Counter[Hashable] = Counter()
    for (a, _), count in coincidences.items():
        totals[a] += count
    n = sum(totals.values())
    differ = sum(count for (a, b), count in coincidences.items() if a != b)
    by_chance = n * n - sum(of * of for of in totals.values())
    return 1 - (n - 1) * differ / by_chance if by_chance > 1e-12 else float("nan")


def _counts(matrix: ArrayLike) -> NDArray[np.int64]:
    m = np.asarray(matrix)
    if m.ndim != 2 or m.shape[0] != m.shape[1]:
        raise ValueError(f"a confusion matrix must be square, but has the shape {m.shape}")
    if m.size and (m.min() < 0 or not np.array_equal(m, np.floor(m))):
        raise ValueError("a confusion matrix must contain counts: whole numbers from 0")
    return m.astype(np.int64)
