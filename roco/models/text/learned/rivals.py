"""Compares the evidence of a concept with that of others at the same, longer, shorter and overlapping places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roco.models.text.learned.ngrams import LONGEST

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LONGER, EQUAL, INNER, CROSSING = range(4)
"""Columns of `rivals`."""


def rivals(start: Ints, length: Ints, score: Floats, words: int) -> Floats:
    """Returns the best score of another candidate that covers the place, has it, lies in it, or crosses it.

    start, length: the words of each candidate; words: of the batch. 0 where there is no other.
    """
    best = np.zeros((words + 3 * LONGEST, LONGEST + 1))
    at = start + LONGEST
    order = np.argsort(score, kind="stable")
    best[at[order], length[order]] = score[order]
    out = np.zeros((len(start), 4))
    for more in range(1, LONGEST):
        longer, shorter = length + more, length - more
        fits, has_inner = longer <= LONGEST, shorter >= 1
        for shift in range(more + 1):
            covering = np.where(fits, best[at - shift, np.minimum(longer, LONGEST)], 0)
            within = np.where(has_inner, best[at + shift, np.maximum(shorter, 0)], 0)
            np.maximum(out[:, LONGER], covering, out=out[:, LONGER])
            np.maximum(out[:, INNER], within, out=out[:, INNER])
    for shift in range(1, LONGEST):
        for size in range(shift + 1, LONGEST + 1):
            # Begins before the place and ends in it; begins in the place and ends after it.
            before = np.where(size < shift + length, best[at - shift, size], 0)
            np.maximum(out[:, CROSSING], before, out=out[:, CROSSING])
        for size in range(1, LONGEST + 1):
            after = np.where((shift < length) & (shift + size > length), best[at + shift, size], 0)
            np.maximum(out[:, CROSSING], after, out=out[:, CROSSING])
    out[:, EQUAL] = _second(at * (LONGEST + 1) + length, score)
    return out


def _second(place: Ints, score: Floats) -> Floats:
    """Returns, for each candidate, the best score of another candidate at the same place."""
    order = np.lexsort((score, place))
    places, scores = place[order], score[order]
    n = len(order)
    out = np.zeros(n)
    if not n:
        return out
    last = np.append(places[1:] != places[:-1], True)
    group = np.cumsum(np.append(False, last[:-1]))
    top = np.flatnonzero(last)
    other = scores[top][group]
    has_second = np.append(False, places[1:] == places[:-1])[top]
    other[top] = np.where(has_second, scores[np.maximum(top - 1, 0)], 0)
    out[order] = other
    return out
