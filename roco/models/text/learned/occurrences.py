"""Finds every place of a caption that has the words by which a concept was linked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from roco.models.text.learned.candidates import Candidates
from roco.models.text.learned.lexicon import Ints
from roco.models.text.learned.ngrams import Words

EDGES = " .;:,()"


class Place(NamedTuple):
    """A place of a caption: number of the caption, code points, and the candidate whose n-gram it has."""

    row: int
    start: int
    end: int
    candidate: int


def occurrences(texts: Sequence[str], words: Words, grams: Ints, found: Candidates, chosen: Ints) -> list[Place]:
    """Returns the places of the n-grams of the chosen candidates, by caption and offset, the longer first.

    grams: as for `candidates`. Places of one candidate do not overlap. The time is linear in the words of the captions
    and the places.
    """
    wanted = np.zeros(int(grams.max(initial=-1)) + 2, bool)  # the last one stands for unknown n-grams
    wanted[found.gram[chosen]] = True
    first, size = np.nonzero(wanted[grams])
    key = words.row[first] * len(wanted) + grams[first, size]

    # Candidates of one caption may share an n-gram: each of them has all its places.
    candidate_key = found.row[chosen] * len(wanted) + found.gram[chosen]
    order = np.argsort(key, kind="stable")
    low = np.searchsorted(key[order], candidate_key, side="left")
    high = np.searchsorted(key[order], candidate_key, side="right")
    candidate = np.repeat(chosen, high - low)
    at = order[_ranges(low, high)]
    first, last = first[at], first[at] + size[at]

    begin, end = words.start[first], words.end[last]
    # The word at the begin or end of a caption has no characters: the mention has the next one.
    empty = (words.start[first] == words.end[first]) & (first < last)
    begin = np.where(empty, words.start[np.minimum(first + 1, last)], begin)
    empty = (words.start[last] == words.end[last]) & (first < last)
    end = np.where(empty, words.end[np.maximum(last - 1, first)], end)
    places = []
    before: dict[int, int] = {}  # candidate -> end of its previous place
    for row, left, right, number in zip(
        words.row[first].tolist(), begin.tolist(), end.tolist(), candidate.tolist(), strict=True
    ):
        start, stop = trimmed(texts[row], left, right)
        if start >= before.get(number, 0):
            places.append(Place(row, start, stop, number))
            before[number] = stop
    places.sort(key=lambda place: (place.row, place.start, -place.end, found.cui[place.candidate]))
    return places


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Returns the offsets without punctuation marks at the ends, if anything else remains."""
    inner = text[start:end].strip(EDGES)
    if not inner:
        return start, end
    start = text.index(inner, start)
    return start, start + len(inner)


def _ranges(low: Ints, high: Ints) -> Ints:
    """Returns the numbers of all ranges low to high, one after the other."""
    sizes = high - low
    ranges: Ints = np.repeat(low - np.cumsum(sizes) + sizes, sizes) + np.arange(int(sizes.sum()))
    return ranges
