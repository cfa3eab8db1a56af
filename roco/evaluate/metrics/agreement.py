"""Agreement of raters: Cohen's kappa with the variance of Fleiss, Cohen and Everitt, alpha, AC1, confusion matrices."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z = 1.96  # of a 95 % interval, as the paper has it
BANDS = ((0.81, "almost perfect"), (0.61, "substantial"), (0.41, "moderate"), (0.21, "fair"), (0.0, "slight"))
"""Words for a kappa that is at least so much, rounded to two decimals (Landis and Koch 1977; paper, technical
validation); below 0 it is poor."""


class Kappa(NamedTuple):
    """Cohen's kappa and where it comes from; NaN with a reason where it is not defined.

    chance: how many agreements were to be expected. se: Fleiss, Cohen and Everitt 1969; se_null: the same under
    kappa = 0; se_simple: Cohen 1960. low, high: kappa ± 1.96 se, as Table 7 of the paper has it.
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
        """How good that is, in the words of Landis and Koch."""
        if math.isnan(self.value):
            return self.reason
        return next((words for least, words in BANDS if round(self.value, 2) >= least), "poor")


def labels_of(*raters: Sequence[str]) -> list[str]:
    """All labels that any rater used, sorted: one used by one rater only must stay in the matrix."""
    return sorted(set().union(*raters))


def confusion(first: Sequence[str], second: Sequence[str], labels: Sequence[str]) -> NDArray[np.int64]:
    """How often the first rater said the row's label and the second the column's. Shape (labels, labels)."""
    at = {label: i for i, label in enumerate(labels)}
    matrix = np.zeros((len(labels), len(labels)), np.int64)
    for a, b in zip(first, second, strict=True):
        matrix[at[a], at[b]] += 1
    return matrix


def normalised(matrix: ArrayLike, over: str | None) -> NDArray[np.float64]:
    """Shares in place of counts: `true` of each row, `pred` of each column, `all` of the whole, None counts.

    A row or column without a case is 0, not NaN.
    """
    m = np.asarray(matrix, float)
    sums = {"true": m.sum(1, keepdims=True), "pred": m.sum(0, keepdims=True), "all": m.sum(keepdims=True)}
    if over is None:
        return m
    if over not in sums:
        raise ValueError(f"normalise over 'true', 'pred' or 'all', not '{over}'")
    shares: NDArray[np.float64] = np.divide(m, sums[over], out=np.zeros_like(m), where=sums[over] > 0)
    return shares


def kappa(matrix: ArrayLike) -> Kappa:
    """Cohen's kappa of a square matrix of counts, with the variance of Fleiss, Cohen and Everitt (1969, formula 13).

    Raises ValueError for a matrix that is not square or holds what is no count.
    """
    counts = _counts(matrix)
    n, agree = int(counts.sum()), int(np.trace(counts))
    nan = float("nan")
    if n == 0:
        return Kappa(0, 0, nan, nan, nan, nan, nan, nan, nan, "there is no case")
    p = counts / n
    row, column = p.sum(1), p.sum(0)
    po, pe = agree / n, float(row @ column)
    if 1 - pe < 1e-15:
        return Kappa(n, agree, n * pe, nan, nan, nan, nan, nan, nan, "both raters gave one and the same label only")
    k = (po - pe) / (1 - pe)
    se = math.sqrt(max(0.0, _variance(p, row, column, k, pe)) / n) / (1 - pe)
    # Under kappa = 0 the same formula is taken at the products of the margins, where nothing but chance agrees.
    null = pe + pe**2 - float((row * column * (row + column)).sum())
    se_null = math.sqrt(max(0.0, null) / n) / (1 - pe)
    simple = math.sqrt(po * (1 - po) / n) / (1 - pe)
    return Kappa(n, agree, n * pe, k, se, se_null, simple, k - Z * se, k + Z * se)


def _variance(
    p: NDArray[np.float64], row: NDArray[np.float64], column: NDArray[np.float64], k: float, pe: float
) -> float:
    """A + B - C of Fleiss, Cohen and Everitt."""
    diagonal = np.diag(p)
    a = float((diagonal * (1 - (row + column) * (1 - k)) ** 2).sum())
    weights = (column[:, None] + row[None, :]) ** 2
    b = (1 - k) ** 2 * float((p * weights).sum() - (diagonal * np.diag(weights)).sum())
    return a + b - (k - pe * (1 - k)) ** 2


def kappa_by_class(matrix: ArrayLike, labels: Sequence[str]) -> dict[str, Kappa]:
    """Kappa of each label against all others taken together."""
    m = _counts(matrix)
    n = int(m.sum())
    found = {}
    for i, label in enumerate(labels):
        both, first, second = int(m[i, i]), int(m[i].sum()), int(m[:, i].sum())
        found[label] = kappa([[both, first - both], [second - both, n - first - second + both]])
    return found


def kappa_values(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kappa alone, of many matrices at once (shape: matrices, labels, labels); NaN where it is not defined."""
    n = matrices.sum((1, 2))
    po = np.trace(matrices, axis1=1, axis2=2) / n
    pe = (matrices.sum(2) * matrices.sum(1)).sum(1) / n**2
    with np.errstate(invalid="ignore", divide="ignore"):
        values: NDArray[np.float64] = np.where(1 - pe > 1e-15, (po - pe) / (1 - pe), np.nan)
    return values


def gwet_ac1(matrix: ArrayLike) -> float:
    """Gwet's AC1 of two raters (Gwet 2008): steadier than kappa where nearly all cases have one label.

    NaN where there is no case or only one label.
    """
    m = _counts(matrix).astype(float)
    n, q = m.sum(), len(m)
    if n == 0 or q < 2:
        return float("nan")
    share = (m.sum(1) + m.sum(0)) / (2 * n)
    pe = float((share * (1 - share)).sum() / (q - 1))
    return (float(np.trace(m)) / float(n) - pe) / (1 - pe)


def krippendorff_alpha(units: Sequence[Sequence[Hashable | None]]) -> float:
    """Krippendorff's alpha for nominal labels of any number of raters; None is a label that was not given.

    units: the labels of each case. Cases with fewer than two labels tell nothing. NaN where no two labels can be
    compared, or all are the same.
    """
    coincidences: Counter[tuple[Hashable, Hashable]] = Counter()
    for unit in units:
        given = Counter(label for label in unit if label is not None)
        m = sum(given.values())
        if m < 2:
            continue
        for a, of_a in given.items():
            for b, of_b in given.items():
                coincidences[a, b] += of_a * (of_b - (a == b)) / (m - 1)  # type: ignore[assignment]
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
        raise ValueError(f"a confusion matrix is square, this one has the shape {m.shape}")
    if m.size and (m.min() < 0 or not np.array_equal(m, np.floor(m))):
        raise ValueError("a confusion matrix holds counts: whole numbers, none below 0")
    return m.astype(np.int64)
