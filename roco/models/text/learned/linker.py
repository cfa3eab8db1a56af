"""Links captions to concepts by what was learned from captions with known concepts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from roco.models.text.learned import file as files
from roco.models.text.learned.candidates import candidates
from roco.models.text.learned.card import Card
from roco.models.text.learned.lexicon import Lexicon
from roco.models.text.learned.ngrams import Splitter, hashes
from roco.models.text.learned.occurrences import occurrences
from roco.models.text.learned.scorecard import Scorecard
from roco.models.text.linking.linker import Mention

MOST_CHARACTERS = 60_000
"""Characters of the captions that are linked at once, which bounds the memory; a longer caption is linked alone."""

NAME = "learned"


class LearnedLinker:
    """Links captions by a learned model; its results do not depend on how captions are divided into batches."""

    name = NAME
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

    def link(self, captions: Sequence[str]) -> list[list[Mention]]:
        """Returns the mentions of each caption, by place: all places of the n-gram that decided for a concept."""
        out: list[list[Mention]] = []
        for texts in _portions(captions):
            out += self._portion(texts)
        return out

    def _portion(self, texts: Sequence[str]) -> list[list[Mention]]:
        words = self._splitter.split(texts)
        grams = self._lexicon.find(hashes(words))
        found = candidates(self._lexicon, self._keys, words, grams)
        scores = self._scorecard.probabilities(found.features)
        chosen = np.flatnonzero(scores >= self.card.threshold)
        out: list[list[Mention]] = [[] for _ in texts]
        for row, start, end, candidate in occurrences(texts, words, grams, found, chosen):
            cui, score = self.cuis[found.cui[candidate]], round(float(scores[candidate]), 4)
            out[row].append(Mention(start, end, texts[row][start:end], cui, score, linker=NAME))
        return out


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
