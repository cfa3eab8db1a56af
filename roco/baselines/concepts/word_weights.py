"""Trains weights of n-grams for labels of whole captions: one logistic regression for each label, all at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.models.text.learned.lexicon import Ints
from roco.models.text.learned.ngrams import Splitter, hashes
from roco.models.text.learned.word_weights import LONGEST, WordWeights, present

MOST_GRAMS = 40_000
STRENGTH = 30.0
"""Inverse of the penalty; the vectors have length 1."""

STEPS = 40
AT_ONCE = 1000


class WordCounts:
    """The n-grams of captions that occur at least twice, the most frequent ones."""

    def __init__(self, texts: list[str]) -> None:
        from scipy import sparse

        splitter = Splitter()
        some = []
        for begin in range(0, len(texts), AT_ONCE):
            words = splitter.split(texts[begin : begin + AT_ONCE])
            codes = hashes(words)[:, :LONGEST]
            at, size = np.nonzero(codes)
            key = np.unique(np.stack([words.row[at].astype(np.uint64), codes[at, size]]), axis=1)
            some.append(key[1])
        gram, n = np.unique(np.concatenate(some), return_counts=True)
        least = max(2, int(np.sort(n)[-MOST_GRAMS]) + 1 if len(n) > MOST_GRAMS else 2)
        self.gram: NDArray[np.uint64] = gram[n >= least]
        self.n: Ints = n[n >= least]
        rows, places = [], []
        for begin in range(0, len(texts), AT_ONCE):
            words = splitter.split(texts[begin : begin + AT_ONCE])
            row, place = present(self.gram, words, hashes(words))
            rows.append(row + begin)
            places.append(place)
        self.idf: NDArray[np.float32] = (np.log((1 + len(texts)) / (1 + self.n)) + 1).astype(np.float32)
        row, place = np.concatenate(rows), np.concatenate(places)
        matrix: Any = sparse.csr_array((self.idf[place], (row, place)), shape=(len(texts), len(self.gram)))
        norm = np.sqrt(matrix.multiply(matrix).sum(1))
        self.matrix: Any = sparse.diags_array(1 / np.maximum(norm, 1e-9)) @ matrix

    def fit(self, which: Ints, labels: NDArray[np.bool_]) -> WordWeights:
        """Trains on some captions; labels: captions x labels."""
        weights, bias = _fit(self.matrix[which], labels[which].astype(float))
        return WordWeights(self.gram, self.idf, weights.astype(np.float32), bias.astype(np.float32))

    def logits(self, which: Ints, weights: WordWeights) -> NDArray[np.float64]:
        out: NDArray[np.float64] = self.matrix[which] @ weights.weights.astype(float) + weights.bias
        return out


def _fit(matrix: Any, labels: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns weights (n-grams x labels) and bias with the least penalised log loss."""
    from scipy.optimize import minimize

    grams, classes = matrix.shape[1], labels.shape[1]
    transposed = matrix.T.tocsr()

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat[:-classes].reshape(grams, classes)
        logits = matrix @ weights + flat[-classes:]
        error = 1 / (1 + np.exp(-np.clip(logits, -30, 30))) - labels
        value = np.logaddexp(0, logits).sum() - (labels * logits).sum() + (weights * weights).sum() / (2 * STRENGTH)
        gradient = transposed @ error + weights / STRENGTH
        return float(value), np.concatenate([gradient.ravel(), error.sum(0)])

    share = np.clip(labels.mean(0), 1e-4, 1 - 1e-4)
    start = np.concatenate([np.zeros(grams * classes), np.log(share / (1 - share))])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS, "maxcor": 6})
    return found.x[:-classes].reshape(grams, classes), found.x[-classes:]
