"""Links captions to concepts by what was learned from captions with known concepts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from roco.models.text.learned import file as files
from roco.models.text.learned.candidates import Candidates, candidates
from roco.models.text.learned.card import Card
from roco.models.text.learned.lexicon import Floats, Lexicon
from roco.models.text.learned.ngrams import Splitter, Words
from roco.models.text.learned.scorecard import Scorecard

MOST_CHARACTERS = 60_000
"""Characters of the captions that are linked at once, which bounds the memory; a longer caption is linked alone."""


EDGES = " .;:,()"


class LearnedMention(NamedTuple):
    """One concept of a caption: the place that is the best evidence for it, and the probability of the label.

    start, end: code points. Negation is not judged: learned models link as their examples were labelled.
    """

    start: int
    end: int
    text: str
    cui: str
    score: float
    linker: str = "learned"


class LearnedLinker:
    """Links captions by a learned model; its results do not depend on how captions are divided into batches."""

    heavy = False

    def __init__(self, lexicon: Lexicon, scorecard: Scorecard, cuis: Sequence[str], card: Card) -> None:
        self.card = card
        self.cuis = tuple(cuis)
        self._lexicon = lexicon
        self._keys = lexicon.pair_keys()
        self._scorecard = scorecard
        self._splitter = Splitter()

    @classmethod
    def load(cls, path: Path) -> LearnedLinker:
        """Loads a model and its card. Raises DataError if one is missing, damaged or too large."""
        model = files.load(path)
        return cls(model.lexicon, model.scorecard, model.cuis, model.card)

    def link(self, texts: Sequence[str]) -> list[list[LearnedMention]]:
        """Returns the mentions of each caption, by place; one for each concept."""
        out: list[list[LearnedMention]] = []
        for some in _portions(texts):
            words = self._splitter.split(some)
            found = candidates(self._lexicon, self._keys, words)
            scores = self._scorecard.probabilities(found.features)
            out += self._mentions(some, words, found, scores)
        return out

    def _mentions(
        self, texts: Sequence[str], words: Words, found: Candidates, scores: Floats
    ) -> list[list[LearnedMention]]:
        out: list[list[LearnedMention]] = [[] for _ in texts]
        chosen = np.flatnonzero(scores >= self.card.threshold)
        first, last = found.start[chosen], found.start[chosen] + found.length[chosen] - 1
        begin, end = words.start[first], words.end[last]
        # The word at the begin of a caption has no characters: the first word of the mention is the next one.
        empty = (words.start[first] == words.end[first]) & (first < last)
        begin = np.where(empty, words.start[np.minimum(first + 1, last)], begin)
        empty = (words.start[last] == words.end[last]) & (first < last)
        end = np.where(empty, words.end[np.maximum(last - 1, first)], end)
        rows = found.row[chosen]
        order = np.lexsort((found.cui[chosen], end, begin, rows))
        for at in order:
            place, row = chosen[at], int(rows[at])
            left, right = _trimmed(texts[row], int(begin[at]), int(end[at]))
            cui = self.cuis[found.cui[place]]
            out[row].append(LearnedMention(left, right, texts[row][left:right], cui, round(float(scores[place]), 4)))
        return out


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Returns the offsets without punctuation marks at the ends, if anything else remains."""
    inner = text[start:end].strip(EDGES)
    if not inner:
        return start, end
    start = text.index(inner, start)
    return start, start + len(inner)


def _portions(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yields captions in portions of bounded length."""
    portion: list[str] = []
    size = 0
    for text in texts:
        if portion and size + len(text) > MOST_CHARACTERS:
            yield portion
            portion, size = [], 0
        portion.append(text)
        size += len(text)
    if portion:
        yield portion
