"""Marks mentions that a caption negates or calls uncertain: "no fracture", "suggestive of carcinoma", "was ruled out".

The method is that of ConText (Harkema et al. 2009): cues with a direction, a reach that other words end, and phrases
that only look like cues. A cue reaches the next mention and those listed with it, not the end of the sentence, since
captions have long sentences.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from roco.models.text.linking.names import Match, Names
from roco.models.text.linking.words import Words

TABLE = Path(__file__).with_name("cues.toml")

REACH = 5  # words between a cue and the mention
LIST_REACH = 4  # words between two mentions of a list
MOST_LISTED = 20  # mentions of a list

NEGATES, NEGATED, SUSPECTS, SUSPECTED = "negates", "negated", "suspects", "suspected"
_KINDS = (NEGATES, NEGATED, SUSPECTS, SUSPECTED)
_MARKS = ".;:!()[]"
_LIST_WORDS = ("or", "and", "nor", ",")
_PREPOSITIONS = ("of", "in", "at", "within", "on", "around", "to", "from", "along", "near")
_FILLERS = ("the", "a", "an", "left", "right", "both")


class Span(NamedTuple):
    """A mention by the numbers of its words in the caption, half-open."""

    first: int
    beyond: int


class Assertion(NamedTuple):
    negated: bool
    uncertain: bool


AFFIRMED = Assertion(False, False)


@cache
def table() -> dict[str, dict[str, tuple[str, ...]]]:
    """Returns the shipped cues by kind: their words and examples."""
    content = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {kind: {key: tuple(values) for key, values in group.items()} for kind, group in content.items()}


class Cues:
    """The cues of negation and uncertainty, by the numbers of their words."""

    def __init__(self, words: Words) -> None:
        self._phrases, self._ends, self._bridges = Names(words), Names(words), Names(words)
        # First come, first served: a question mark has two directions, and is treated apart.
        for kind in ("nothing", *_KINDS):
            self._phrases.put(table()[kind]["words"], kind)
        self._ends.put(table()["ends"]["words"], "ends")
        self._bridges.put(table()["bridges"]["words"], "bridges")
        with words.learning():
            self._first = {words.key(phrase)[0] for kind in _KINDS for phrase in table()[kind]["words"]}
            self._marks = {words[mark] for mark in _MARKS}
            self._lists = {words[word] for word in _LIST_WORDS}
            self._comma, self._and, self._question = (words[word] for word in (",", "and", "?"))
            self._prepositions = {words[word] for word in _PREPOSITIONS}
            self._articles = {words[word] for word in ("a", "an", "the")}
            self._fillers = {words[word] for word in _FILLERS}

    def assertions(self, numbers: Sequence[int], spans: Sequence[Span]) -> list[Assertion]:
        """Returns for each mention whether it is negated or uncertain; numbers: the words of the caption.

        A mention that is negated is not uncertain: "no suspected metastasis".
        """
        if self._first.isdisjoint(numbers):
            return [AFFIRMED] * len(spans)
        caption = _Caption(self, numbers, spans)
        negated, uncertain = set[int](), set[int]()
        for cue in self._phrases.matches(numbers):
            if cue.value == "nothing":
                continue
            marked = negated if cue.value in (NEGATES, NEGATED) else uncertain
            if numbers[cue.first] == self._question:
                marked.update(caption.beside(cue))
            elif cue.value in (NEGATES, SUSPECTS):
                marked.update(caption.after(cue, marked))
            else:
                marked.update(caption.before(cue))
        return [Assertion(k in negated, k in uncertain and k not in negated) for k in range(len(spans))]


class _Caption:
    """The words of one caption and its mentions, by where they begin and end."""

    def __init__(self, cues: Cues, numbers: Sequence[int], spans: Sequence[Span]) -> None:
        self._cues = cues
        self._numbers = tuple(numbers)
        self._spans = spans
        self._beginning = {span.first: k for k, span in enumerate(spans)}
        self._ending = {span.beyond: k for k, span in enumerate(spans)}
        # A cue may be part of a name: "free air".
        self._covered = {place for span in spans for place in range(span.first, span.beyond)}

    def beside(self, cue: Match) -> list[int]:
        """Returns the mention directly before a question mark, else the one directly after."""
        if cue.first in self._ending:
            return [self._ending[cue.first]]
        return [self._beginning[cue.beyond]] if cue.beyond in self._beginning else []

    def after(self, cue: Match, marked: set[int]) -> list[int]:
        """Returns the mentions that a cue before them reaches: the next one, and those listed with it.

        The walk ends at a mention that is marked already, since the cue before has reached what is listed with it. So
        all cues of a caption together pass each mention once.
        """
        if cue.first in self._covered:
            return []
        found: list[int] = []
        at, left = cue.beyond, REACH
        while at < len(self._numbers) and left >= 0 and len(found) < MOST_LISTED:
            mention = self._beginning.get(at)
            if mention is not None:
                if mention in marked:
                    break
                found.append(mention)
                at, left = self._after_mention(self._spans[mention].beyond, len(found))
                continue
            bridge = self._size(self._cues._bridges, at)
            if bridge and not found:
                at += bridge
                continue
            if self._ends(at) or (not found and self._numbers[at] == self._cues._comma):
                break
            at, left = at + 1, left - 1
        return found

    def _after_mention(self, at: int, listed: int) -> tuple[int, int]:
        """Returns where a list goes on after a mention, and how many words may precede the next; -1 if it ends."""
        numbers, cues = self._numbers, self._cues
        if at in self._beginning:
            return at, 0
        start = at
        while at < len(numbers) and at < start + 2 and numbers[at] in cues._lists:
            at += 1
        if at == start:
            return at, -1
        # Not listed: "no effusion, and cyst", "no effusion and a cyst"; listed: "no fracture, cyst, and effusion".
        if at == start + 2 and numbers[start : start + 2] == (cues._comma, cues._and) and listed < 2:
            return at, -1
        if numbers[at - 1] == cues._and and at < len(numbers) and numbers[at] in cues._articles:
            return at, -1
        return at, LIST_REACH

    def before(self, cue: Match) -> list[int]:
        """Returns the mentions that a cue after them reaches: the nearest, or the one whose place the nearest is."""
        at = cue.first
        for _ in range(REACH + 1):
            mention = self._ending.get(at)
            if mention is not None:
                head = self._head(mention)
                return [] if head is None else [head, *self._listed_before(head)]
            at -= 1
            if at < 0 or self._numbers[at] in self._cues._marks or self._numbers[at] == self._cues._comma:
                return []
        return []

    def _head(self, mention: int) -> int | None:
        """Returns the mention that another one is the place of; None if it is the place of something unlinked."""
        for _ in range(3):
            at = self._spans[mention].first - 1
            while at >= 0 and self._numbers[at] in self._cues._fillers:
                at -= 1
            if at < 0 or self._numbers[at] not in self._cues._prepositions:
                return mention
            if at not in self._ending:
                return None
            mention = self._ending[at]
        return mention

    def _listed_before(self, mention: int) -> list[int]:
        found: list[int] = []
        while len(found) < MOST_LISTED:
            at = self._spans[mention].first
            if at < 1 or self._numbers[at - 1] not in self._cues._lists or at - 1 not in self._ending:
                break
            mention = self._ending[at - 1]
            found.append(mention)
        return found

    def _ends(self, at: int) -> bool:
        return self._numbers[at] in self._cues._marks or self._size(self._cues._ends, at) > 0

    def _size(self, phrases: Names, at: int) -> int:
        """Returns how many words from a place on are one of the phrases."""
        match = phrases.match(self._numbers, at)
        return match.beyond - match.first if match else 0
