"""How well captions find their images, and images their captions, as `roco evaluate retrieval` scores it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roco.base import bootstrap

KS = (1, 5, 10)
BEST = "mean_recall"
DIRECTIONS = ("image_to_text", "text_to_image")
NAMES = (BEST, *(f"{name}_{score}" for name in DIRECTIONS for score in (*(f"recall@{k}" for k in KS), "mrr")))
"""The scores in the order in which they are shown."""

_ROWS = 512  # queries that are compared at once


def retrieval_scores(
    images: NDArray[np.float32], texts: NDArray[np.float32], captions: Sequence[str], articles: NDArray[np.int64]
) -> dict[str, float]:
    """Returns recall at 1, 5 and 10 and the MRR of both directions, the mean of the recalls, and the size of the pool.

    images, texts: a vector for each image and caption; zeros where there is no image, which then ranks last. All images
    with the same caption are right answers; other images of the same article are no candidates.
    """
    words = [tuple(unicodedata.normalize("NFC", caption).casefold().split()) for caption in captions]
    same = bootstrap.groups_of(words)
    counted = np.array([bool(of_caption) for of_caption in words], bool)
    scores: dict[str, float] = {}
    recalls = []
    for name, queries, answers in zip(DIRECTIONS, (images, texts), (texts, images), strict=True):
        ranks = _first_ranks(_unit(queries), _unit(answers), same, articles)[counted]
        for k in KS:
            recalls.append(float((ranks <= k).mean()))
            scores[f"{name}_recall@{k}"] = recalls[-1]
        scores[f"{name}_mrr"] = float((1 / ranks).mean())
    return scores | {BEST: float(np.mean(recalls)), "pool": float(len(captions))}


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns vectors of length 1; NaN for zeros."""
    wide = vectors.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit: NDArray[np.float64] = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    return unit


def _first_ranks(
    queries: NDArray[np.float64], answers: NDArray[np.float64], same: NDArray[np.int64], articles: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Returns the rank, from 1, of the first right answer of each query; candidates that tie with it rank before it."""
    ranks = []
    for at in range(0, len(queries), _ROWS):
        rows = slice(at, at + _ROWS)
        cosines = np.nan_to_num(queries[rows] @ answers.T, nan=-np.inf)
        right = same[rows, None] == same[None]
        excluded = (articles[rows, None] == articles[None]) & ~right
        best = np.where(right, cosines, -np.inf).max(1, keepdims=True)
        before = (cosines >= best) & ~right & ~excluded
        ranks.append(1 + before.sum(1))
    return np.concatenate(ranks)
