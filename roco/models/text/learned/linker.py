"""Links captions to concepts by what was learned from captions with known concepts."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from roco.base import labels
from roco.models.text.learned import file as files
from roco.models.text.learned.card import Card
from roco.models.text.learned.judge import Judge, Judged
from roco.models.text.learned.lexicon import Ints
from roco.models.text.learned.manual import places
from roco.models.text.learned.marks import Marks
from roco.models.text.learned.ngrams import Splitter
from roco.models.text.learned.occurrences import Place, occurrences
from roco.models.text.linking.linker import Described, Mention, Suggestion

MOST_CHARACTERS = 60_000
"""Characters of the captions that are linked at once, which bounds the memory; a longer caption is linked alone."""

NAME = "learned"
RARE = 3
"""A concept of fewer captions is rare."""


class LearnedLinker:
    """Links captions by a learned model; its results do not depend on how captions are divided into batches.

    Mentions are marked as negated or uncertain, but linked all the same, as the captions that a model was learned from
    are labelled. directions: whether directions are suggested; without a word that names it, a direction is a guess.
    rare: whether a concept of fewer than RARE captions is mentioned at words other than its name, or only suggested.
    """

    name = NAME
    heavy = False

    def __init__(
        self, judge: Judge, cuis: Sequence[str], card: Card, *, directions: bool = True, rare: bool = True
    ) -> None:
        self.card = card
        self.cuis = tuple(cuis)
        self._judge = judge
        self._splitter = Splitter()
        self._marks = Marks()
        hidden = frozenset() if directions else labels.cuis("direction")
        self._rare: dict[str, str] = {}  # CUI -> name
        if not rare:
            self._rare = {
                cui: str(concept.get("name") or "")
                for cui, concept in card.per_concept.items()
                if concept["rows"] < RARE and cui not in card.manual
            }
        self._suggested = np.array([self.cuis[place] not in hidden for place in judge.manual.concepts], bool)

    @classmethod
    def load(cls, path: Path, *, directions: bool = True, rare: bool = True) -> LearnedLinker:
        """Loads a model and its card. Raises DataError if one is missing, damaged or too large."""
        model = files.load(path)
        return cls(model.judge, model.cuis, model.card, directions=directions, rare=rare)

    def link(self, captions: Sequence[str]) -> list[list[Mention]]:
        """Returns the mentions of each caption, by place: all places of the n-gram that decided for a concept."""
        return [mentions for mentions, _ in self.link_and_suggest(captions)]

    def link_and_suggest(self, captions: Sequence[str]) -> list[tuple[list[Mention], list[Suggestion]]]:
        """Returns mentions, and the manual concepts that a caption makes probable but does not name, by CUI."""
        out: list[tuple[list[Mention], list[Suggestion]]] = []
        for texts in _portions(captions):
            out += self._portion(texts)
        return out

    def describe(self, cui: str) -> Described | None:
        """Returns the name of a concept, as the dataset has it."""
        name = str(self.card.per_concept.get(cui, {}).get("name") or "")
        return Described(name) if name else None

    def _portion(self, texts: Sequence[str]) -> list[tuple[list[Mention], list[Suggestion]]]:
        words = self._splitter.split(texts)
        judged = self._judge.judge(words)
        manual = self._judge.manual.concepts
        out: list[tuple[list[Mention], list[Suggestion]]] = [([], []) for _ in texts]
        found = occurrences(texts, words, judged.grams, judged.found, self._mentioned(judged))
        for row, group in itertools.groupby(found, key=lambda place: place.row):
            found_in_row = self._mentions(texts[row], list(group), judged)
            mentions, suggestions = self._without_rare(texts[row], found_in_row)
            out[row][0].extend(mentions)
            out[row][1].extend(suggestions)
        for row, place in np.argwhere(judged.chosen & ~judged.named & self._suggested).tolist():
            out[row][1].append(Suggestion(self.cuis[manual[place]], round(float(judged.p[row, place]), 4), NAME))
        return out

    def _mentions(self, text: str, places: Sequence[Place], judged: Judged) -> Iterator[Mention]:
        """Yields the mentions of one caption."""
        marks = self._marks.assertions(text, [(place.start, place.end) for place in places])
        for (_, start, end, candidate), mark in zip(places, marks, strict=True):
            cui, score = self.cuis[judged.found.cui[candidate]], round(float(judged.score[candidate]), 4)
            yield Mention(start, end, text[start:end], cui, score, mark.negated, mark.uncertain, NAME)

    def _without_rare(self, text: str, mentions: Iterable[Mention]) -> tuple[list[Mention], list[Suggestion]]:
        """Returns mentions, and the rare concepts that are mentioned at words outside of their name only."""
        sure: list[Mention] = []
        doubtful: dict[str, float] = {}
        for one in mentions:
            name = self._rare.get(one.cui)
            if name is None or _is_in_name(text, one, name):
                sure.append(one)
            else:
                doubtful[one.cui] = max(one.score, doubtful.get(one.cui, 0.0))
        named = {one.cui for one in sure}
        return sure, [Suggestion(cui, p, NAME) for cui, p in doubtful.items() if cui not in named]

    def _mentioned(self, judged: Judged) -> Ints:
        """Returns the candidates that are mentions: sure automatic ones, and chosen manual ones that words name."""
        mentioned = judged.score >= self.card.threshold
        if len(self._judge.manual.concepts):
            place = places(self._judge.manual.concepts, len(self.cuis))[judged.found.cui]
            chosen = (judged.chosen & judged.named)[judged.found.row, np.maximum(place, 0)]
            mentioned = np.where(judged.is_manual, chosen, mentioned)
        chosen_candidates: Ints = np.flatnonzero(mentioned)
        return chosen_candidates


def _is_in_name(text: str, mention: Mention, name: str) -> bool:
    """Returns whether the words of a mention are in or around the name of its concept: "effusion" in its full name."""
    near = text[max(0, mention.start - len(name)) : mention.end + len(name)]
    return bool(name) and name.casefold() in near.casefold()


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
