"""Chooses the set of labels with the highest expected F1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roco.models.text.learned.lexicon import Floats

MOST = 10
"""Labels of a row that are considered, the most probable ones."""


def best_sets(p: Floats, none: float = 1.0) -> NDArray[np.bool_]:
    """Returns which labels of each row are chosen (rows x labels).

    p: probabilities of the labels, as if they were independent. none: how many times as many rows have no label as
    that would give; labels that exclude each other leave fewer. The set with the highest expected F1 consists of the
    most probable labels, so only their number k is open. Its expected F1 is the sum over its labels of p times the mean
    of 2 / (k + number of true labels), a number that follows a Poisson-binomial distribution; for the empty set it is
    the probability that no label is true.
    """
    chosen_sets = np.zeros(p.shape, bool)
    order = np.argsort(-p, axis=1, kind="stable")[:, :MOST]
    p = np.take_along_axis(p, order, 1)
    rows, labels = p.shape
    number = np.arange(1, labels + 1)
    gain = 2 / (number[:, None] + number[None, :])  # number chosen x number true
    expected = np.zeros((rows, labels))  # column: number chosen - 1
    for label in range(labels):
        others = np.zeros((rows, labels))  # probability of each number of true labels beside this one
        others[:, 0] = 1
        for other in range(labels):
            if other != label:
                share = p[:, other, None]
                others[:, 1:] = others[:, 1:] * (1 - share) + others[:, :-1] * share
                others[:, :1] *= 1 - share
        for chosen in range(label, labels):
            expected[:, chosen] += p[:, label] * (others * gain[chosen]).sum(1)

    independent = np.prod(1 - p, axis=1)
    empty = np.minimum(none * independent, 1)
    expected *= ((1 - empty) / np.maximum(1 - independent, 1e-12))[:, None]
    size = np.concatenate([empty[:, None], expected], 1).argmax(1)
    np.put_along_axis(chosen_sets, order, number[None, :] <= size[:, None], 1)
    return chosen_sets
