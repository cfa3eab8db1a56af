"""Collects the words that stand for each concept, for the card of a learned linker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.base.intervals import wilson
from roco.baselines.concepts.rows import Rows
from roco.models.text.learned.lexicon import Ints, Lexicon
from roco.models.text.learned.ngrams import Splitter, hashes

MOST = 3
"""Forms of a concept on the card."""

COMPARED = 12
"""N-grams of a concept with the highest Dice that are compared by length."""

AT_ONCE = 1000


def forms(rows: Rows, lexicon: Lexicon) -> list[Sequence[Mapping[str, Any]]]:
    """Returns, for each concept, the forms that agree best with its labels, the shorter first where they are equal.

    A form is written as in its first caption; n: captions with it; labelled: those that have the concept; low: lower
    95 % limit of their share.
    """
    gram = np.repeat(np.arange(len(lexicon.gram)), np.diff(lexicon.first))
    # Names count as captions in the lexicon, but not on the card.
    n = (lexicon.n - np.bincount(gram[lexicon.named], minlength=len(lexicon.n)))[gram]
    together = lexicon.together - lexicon.named
    total_of = np.bincount(rows.cui, minlength=len(rows.cuis))
    dice = 2 * together / np.maximum(n + total_of[lexicon.cui], 1)
    order = np.lexsort((lexicon.gram[gram], -dice, lexicon.cui))
    order = order[together[order] > 0]
    cuis = lexicon.cui[order]
    place = np.arange(len(order)) - np.searchsorted(cuis, cuis)
    order = order[place < COMPARED]
    written = _written(rows, np.unique(lexicon.gram[gram[order]]))

    compared: list[list[tuple[float, int, str, Mapping[str, Any]]]] = [[] for _ in rows.cuis]
    for pair in order:
        text, length = written[int(lexicon.gram[gram[pair]])]
        total, hits = int(n[pair]), int(together[pair])
        form = {"form": text, "n": total, "labelled": hits, "low": round(wilson(hits, total)[0], 3)}
        if text:
            compared[lexicon.cui[pair]].append((-float(dice[pair]), length, text, form))
    return [_different(some) for some in compared]


def _different(some: list[tuple[float, int, str, Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    """Returns the best forms that do not contain a better one: `bladder`, not `the bladder` besides."""
    kept: list[Mapping[str, Any]] = []
    texts: list[str] = []
    for _, _, text, form in sorted(some, key=lambda entry: entry[:3]):
        if len(kept) < MOST and not any(other in text.casefold() for other in texts):
            kept.append(form)
            texts.append(text.casefold())
    return kept


def _written(rows: Rows, wanted: NDArray[np.uint64]) -> dict[int, tuple[str, int]]:
    """Returns the text and the number of words of n-grams, by their hashes."""
    splitter = Splitter()
    out: dict[int, tuple[str, int]] = {}
    is_new = np.ones(len(wanted), bool)
    for begin in range(0, len(rows.texts), AT_ONCE):
        words = splitter.split(rows.texts[begin : begin + AT_ONCE])
        grams = hashes(words)
        at: Ints = np.minimum(np.searchsorted(wanted, grams), len(wanted) - 1)
        starts, sizes = np.nonzero((wanted[at] == grams) & is_new[at])
        for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
            place = int(at[start, size])
            if is_new[place]:
                is_new[place] = False
                text = rows.texts[begin + int(words.row[start])]
                # Begin and end of a caption are words without characters.
                left, right = int(words.start[start]), int(words.end[start + size])
                out[int(wanted[place])] = (text[left:right].strip(), size + 1)
    return out
