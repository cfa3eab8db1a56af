"""The scores of predicted concepts as arrays: F1 as ImageCLEF computes it, a tuned threshold, intervals, two floors.

A truth is a multi-hot matrix (images x concepts of a vocabulary) and, for each image, how many of its true concepts
the vocabulary lacks: these cannot be predicted, and leaving them out would raise every score. `roco evaluate` computes
the same scores from files; a test compares both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from roco.base import bootstrap, labels
from roco.release.load.rows import Rows
from roco.release.load.vocabulary import Vocabulary

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

THRESHOLDS: Floats = np.arange(1, 100) / 100
"""The thresholds that are tried, from 0.01 to 0.99."""

SECONDARY = labels.cuis("modality") | labels.cuis("region")
"""The CUIs of the secondary F1 in the profile of the paper: modalities and body regions, but no directions."""

MOST_CONSTANT = 10
"""Concepts of the constant prediction, as in `roco evaluate`."""


@dataclass(frozen=True)
class Truth:
    """The true concepts of images. flags: images x vocabulary. outside: true concepts that the vocabulary lacks."""

    flags: Flags
    outside: Ints

    def __len__(self) -> int:
        return len(self.flags)

    def __getitem__(self, chosen: Any) -> Truth:
        return Truth(self.flags[chosen], self.outside[chosen])

    @property
    def sizes(self) -> Ints:
        """Returns the number of true concepts of each image."""
        sizes: Ints = self.flags.sum(1) + self.outside
        return sizes


def truth_of(rows: Iterable[Iterable[str]], vocabulary: Vocabulary) -> Truth:
    """Returns the true concepts of images; rows: the CUIs of each image."""
    sets = [set(cuis) for cuis in rows]
    flags = np.zeros((len(sets), len(vocabulary)), bool)
    outside = np.zeros(len(sets), np.int64)
    for row, cuis in enumerate(sets):
        known = [vocabulary.index[cui] for cui in cuis if cui in vocabulary.index]
        flags[row, known] = True
        outside[row] = len(cuis) - len(known)
    return Truth(flags, outside)


def secondary_truth_of(rows: Iterable[Iterable[str]], vocabulary: Vocabulary) -> Truth:
    """Returns the truth of the secondary F1; rows: the manual CUIs of each image."""
    return truth_of((SECONDARY.intersection(cuis) for cuis in rows), vocabulary)


def articles_of(data: Rows) -> Ints:
    """Returns the number of the article of each image; an image whose article is unknown is one of its own."""
    return bootstrap.groups_of(article_keys(data))


def article_keys(data: Rows) -> list[str]:
    """Returns the key of the article of each image; the id of the image where it is unknown."""
    ids: list[str] = data.column("id").to_pylist()
    known = [name for name in ("article_key", "pmcid") if name in data.columns]
    if not known:
        return ids
    return [key or id for key, id in zip(data.column(known[0]).to_pylist(), ids, strict=True)]


# --- scores of each image ---------------------------------------------------------------------------------------


def f1(truth: Truth, predicted: Flags) -> Floats:
    """Returns the F1 of each image, 2|G∩P| / (|G|+|P|); 0 if nothing is true. predicted: images x vocabulary."""
    both = (truth.flags & predicted).sum(1)
    return _f1(both, truth.sizes + predicted.sum(1))


def secondary_f1(manual: Truth, predicted: Flags, vocabulary: Vocabulary) -> Floats:
    """Returns the F1 of each image on modalities and regions; NaN if its manual concepts contain none.

    manual: as `secondary_truth_of` returns it.
    """
    counted = np.array([cui in SECONDARY for cui in vocabulary.cuis], bool)
    return np.where(manual.sizes > 0, f1(manual, predicted & counted), np.nan)


def mean(values: Floats) -> float:
    """Returns the mean of the images that a score counts; NaN if it counts none."""
    counted = values[~np.isnan(values)]
    return float(counted.mean()) if len(counted) else float("nan")


class Measured(NamedTuple):
    """A mean over images, its 95 % bootstrap interval over articles, and how many images it counts.

    low, high: None of fewer than two articles. All are None if the score counts no image.
    """

    value: float | None
    low: float | None
    high: float | None
    images: int

    def __str__(self) -> str:
        if self.value is None:
            return "–"
        return f"{self.value:.4f}" + (f" ({self.low:.4f} to {self.high:.4f})" if self.low is not None else "")


def measured(values: Floats, articles: Ints) -> Measured:
    """Returns the mean of the F1 of images with its interval."""
    n = int((~np.isnan(values)).sum())
    if not n:
        return Measured(None, None, None, 0)
    value = mean(values)
    bounds = bootstrap.containing(bootstrap.of_means(values[:, None], articles)[0], value)
    return Measured(value, bounds.low if bounds else None, bounds.high if bounds else None, n)


# --- thresholds -------------------------------------------------------------------------------------------------


def decided(scores: NDArray[Any], threshold: float) -> Flags:
    """Returns which concepts are predicted: those with a score of at least the threshold, compared in 64 bits."""
    return scores.astype(np.float64) >= threshold


def with_modality(scores: NDArray[Any], vocabulary: Vocabulary) -> NDArray[Any]:
    """Returns scores in which the highest modality of each image is infinite, so that any threshold predicts it.

    An image without any score above 0 for a modality, such as one that could not be read, gets none.
    """
    modalities = labels.cuis("modality")
    columns = np.array([i for i, cui in enumerate(vocabulary.cuis) if cui in modalities], np.int64)
    raised = scores.copy()
    if len(columns) and len(scores):
        rows = np.arange(len(scores))
        highest = columns[scores[:, columns].argmax(1)]
        given = scores[rows, highest] > 0
        raised[rows[given], highest[given]] = np.inf
    return raised


def curve(truth: Truth, scores: NDArray[Any], thresholds: Floats = THRESHOLDS) -> Floats:
    """Returns the F1 of each image at each threshold: images x thresholds, in increasing order."""
    n = len(thresholds)
    # Scores of 0 reach no threshold; votes of neighbours are 0 nearly everywhere.
    rows, columns = np.nonzero(scores if thresholds[0] > 0 else np.ones_like(scores))
    # How many thresholds a score reaches; a concept is predicted at all of these.
    reached = np.searchsorted(thresholds, scores[rows, columns].astype(np.float64), side="right")
    cells = reached + rows * (n + 1)

    def at_each(chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        counts = np.bincount(chosen, minlength=len(scores) * (n + 1)).reshape(len(scores), n + 1)
        # From the highest threshold down; the cells of scores that reach none are left out.
        return counts[:, :0:-1].cumsum(1)[:, ::-1]

    both, predicted = at_each(cells[truth.flags[rows, columns]]), at_each(cells)
    return _f1(both, truth.sizes[:, None] + predicted)


Setting = TypeVar("Setting")


@dataclass(frozen=True)
class Tuned(Generic[Setting]):
    """The settings and the threshold with the highest mean F1.

    values: the F1 of each image with them; optimistic, because they were chosen on the same images. honest: the F1 of
    each image with those that were chosen on the other half of the articles.
    """

    setting: Setting
    threshold: float
    values: Floats
    honest: Floats


def tuned(
    curves: Iterable[tuple[Setting, Floats]], articles: Ints, thresholds: Floats = THRESHOLDS, seed: int = 0
) -> Tuned[Setting]:
    """Returns the best settings of all images, and honest scores of each half of the articles.

    curves: settings with the F1 of each image at each threshold. The first of equally good settings is chosen, and
    the middle one of equally good thresholds.
    """
    first = halves(articles, seed)
    everything = np.ones(len(articles), bool)
    best = [_Best[Setting]() for _ in range(3)]
    for setting, values in curves:
        for one, chosen in zip(best, (everything, first, ~first), strict=True):
            one.consider(setting, values, chosen, thresholds)
    on_all, on_first, on_second = best
    assert on_all.setting is not None, "no settings to choose from"
    return Tuned(on_all.setting, on_all.threshold, on_all.values, np.where(first, on_second.values, on_first.values))


def halves(articles: Ints, seed: int = 0) -> Flags:
    """Returns which images are in the first half; each article is in one half as a whole."""
    n = int(articles.max()) + 1 if len(articles) else 0
    order = np.random.default_rng(seed).permutation(n)
    first: Flags = (order < (n + 1) // 2)[articles]
    return first


class _Best(Generic[Setting]):
    """The best settings so far of some images."""

    def __init__(self) -> None:
        self.setting: Setting | None = None
        self.threshold = 0.5
        self.values: Floats = np.zeros(0)
        self._mean = -1.0

    def consider(self, setting: Setting, values: Floats, chosen: Flags, thresholds: Floats) -> None:
        # Without any image, as a half of one article, all settings are equally good.
        means = values[chosen].mean(0) if chosen.any() else np.zeros(values.shape[1])
        highest = float(means.max())
        if highest > self._mean + 1e-12:
            equal = np.flatnonzero(means >= highest - 1e-12)
            at = int(equal[len(equal) // 2])
            self.setting, self.threshold, self._mean = setting, float(thresholds[at]), highest
            self.values = values[:, at].copy()


# --- floors -----------------------------------------------------------------------------------------------------


def best_constant(train: Truth, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Returns the most frequent concepts that, predicted for every training image, have the highest mean F1.

    Tries the 1 to MOST_CONSTANT most frequent ones; equally frequent concepts are ordered by CUI.
    """
    counts = train.flags.sum(0)
    order = sorted(range(len(vocabulary)), key=lambda column: (-counts[column], vocabulary.cuis[column]))
    order = [column for column in order[:MOST_CONSTANT] if counts[column]]
    best, best_f1 = 0, -1.0
    for size in range(1, len(order) + 1):
        value = float(_f1(train.flags[:, order[:size]].sum(1), train.sizes + size).mean())
        if value > best_f1:
            best, best_f1 = size, value
    return tuple(vocabulary.cuis[column] for column in order[:best])


def constant_floor(cuis: Iterable[str], truth: Truth, vocabulary: Vocabulary) -> Flags:
    """Returns the same concepts for each image."""
    flags = np.zeros_like(truth.flags)
    flags[:, [vocabulary.index[cui] for cui in cuis]] = True
    return flags


def modality_floor(truth: Truth, vocabulary: Vocabulary) -> Flags:
    """Returns the true modality of each image and nothing else: what perfect recognition of modalities would score."""
    return modality_only(truth.flags, vocabulary)


def modality_only(flags: Flags, vocabulary: Vocabulary) -> Flags:
    """Returns the modalities among the concepts of each image: what a model scores that knows nothing else."""
    modalities = labels.cuis("modality")
    columns = np.array([cui in modalities for cui in vocabulary.cuis], bool)
    only: Flags = flags & columns
    return only


def _f1(both: NDArray[Any], total: NDArray[Any]) -> Floats:
    ratio: Floats = np.divide(2.0 * both, total, out=np.zeros(total.shape), where=total > 0)
    return ratio
