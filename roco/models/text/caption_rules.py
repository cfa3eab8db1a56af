"""Reads modality, body region and direction from the words of a caption, by rules that are data."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from roco.base.labels import NUCLEAR
from roco.models.text.rule_files import FILES, OTHER, RANKS, Rule, load
from roco.models.text.terms.table import Terms

MOST_CHARACTERS = 20_000
"""Of a longer caption, only the beginning is read."""

VOCABULARY = "vocabulary"
"""Stands as the rule of a name that the vocabulary has and no rule mentions."""

RADIONUCLIDE = "radionuclide"
"""Stands for the label of scintigraphy and SPECT, which have none."""

_RADIONUCLIDE_RULE = "radionuclide imaging"

_NAMES = RANKS.index("names")
_REACH = 30  # characters before or after a word that a rule may look at


class Word(NamedTuple):
    """A mention together with the kind and label of its concept in the vocabulary."""

    cui: str
    kind: str
    label: str | None
    start: int
    end: int
    text: str


class Evidence(NamedTuple):
    """The words of a caption that decided, with their offsets, and the rule."""

    text: str
    start: int
    end: int
    rule: str


class Answer(NamedTuple):
    """One label, or OTHER, or None; the words that decided, several if they contradict each other; and their rank."""

    label: str | None
    evidence: tuple[Evidence, ...] = ()
    rank: str | None = None

    @property
    def of_paper(self) -> str | None:
        """Returns the label if it is one of the paper's: None for OTHER."""
        return None if self.label == OTHER else self.label

    @property
    def is_sure_of_other(self) -> bool:
        """Returns whether the words show something that pixels cannot contradict: a phantom, a thing, scintigraphy."""
        if self.label != OTHER:
            return False
        return self.rank == RANKS[0] or all(one.rule == _RADIONUCLIDE_RULE for one in self.evidence)


class Reading(NamedTuple):
    """What a caption says; region and direction are those of an X-ray, and mean nothing for other images."""

    modality: Answer
    region: Answer
    direction: Answer


class _Hit(NamedTuple):
    """A match of a rule in a caption."""

    start: int
    end: int
    label: str
    rule: str
    rank: int


class Rules:
    """The rules for one label set."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.rules, self.pairs, decide = load(kind)
        self._only = decide == "only"
        matchers = [_Matcher(rule) for rule in self.rules]
        self._for_words = [matcher for matcher in matchers if matcher.rule.words]
        self._matchers = [[m for m in matchers if m.rule.rank == rank and m.has_patterns] for rank in RANKS]
        self._between = [re.compile(pair.between) for pair in self.pairs]
        self._paired = {member for pair in self.pairs for member in (*pair.first, *pair.second)}

    def read(self, caption: str, words: Sequence[Word]) -> Answer:
        """Returns the label that the words of the highest rank give: the first one, or the only one."""
        text = _Text(caption)
        named = [hit for word in words for hit in self._of_word(text, word)]
        for rank in range(len(RANKS)):
            hits = [hit for hit in named if hit.rank == rank]
            for matcher in self._matchers[rank]:
                hits += matcher.matches(text)
            if rank == _NAMES:
                hits += self._joined(caption, hits + [hit for hit in named if hit.rule in self._paired])
            if hits:
                return self._answer(caption, _outermost(hits), RANKS[rank])
        return Answer(None)

    def _answer(self, caption: str, hits: Sequence[_Hit], rank: str) -> Answer:
        if not self._only:
            return Answer(hits[0].label, (_evidence(caption, hits[0]),), rank)
        first = {hit.label: hit for hit in reversed(hits)}
        evidence = tuple(_evidence(caption, hit) for hit in sorted(first.values()))
        return Answer(next(iter(first)) if len(first) == 1 else None, evidence, rank)

    def _of_word(self, text: _Text, word: Word) -> list[_Hit]:
        """Returns the hit of a name of the vocabulary; none if a rule for it excludes it here."""
        label = _label(self.kind, word)
        if label is None:
            return []
        for matcher in self._for_words:
            if matcher.is_for(label, word.text):
                return [matcher.hit(word.start, word.end)] if matcher.fits(text.caption, word.start, word.end) else []
        return [] if label == RADIONUCLIDE else [_Hit(word.start, word.end, label, VOCABULARY, _NAMES)]

    def _joined(self, caption: str, hits: Sequence[_Hit]) -> list[_Hit]:
        """Returns the pairs of neighbours that a rule joins."""
        neighbours = _outermost(hits) if self.pairs else []
        joined = []
        for one, following in itertools.pairwise(neighbours):
            for pair, between in zip(self.pairs, self._between, strict=True):
                orders = [(one, following), (following, one)] if pair.either_order else [(one, following)]
                fits = any(_is_one_of(a, pair.first) and _is_one_of(b, pair.second) for a, b in orders)
                if fits and between.fullmatch(caption, one.end, following.start):
                    joined.append(_Hit(one.start, following.end, pair.label, pair.name, _NAMES))
                    break
        return joined


class _Text:
    """A caption as it is and in lower case, with the same offsets."""

    def __init__(self, caption: str) -> None:
        self.caption = caption
        self.lower = caption.lower()
        if len(self.lower) != len(caption):  # a few capitals have two characters in lower case
            self.lower = "".join(low if len(low := char.lower()) == 1 else char for char in caption)


class _Matcher:
    """A rule with its compiled patterns."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._label = rule.concept or rule.label
        self._patterns = _any_of(rule.patterns, 0)
        self._exact = _any_of(rule.exact, 0)
        self._words = _any_of(rule.words)
        self._not_before = _any_of(rule.not_before)
        self._after = _any_of(rule.after)
        self._not_after = _any_of(rule.not_after)
        self._anywhere = _any_of(rule.anywhere)
        self._not_anywhere = _any_of(rule.not_anywhere)

    def hit(self, start: int, end: int) -> _Hit:
        return _Hit(start, end, self.rule.label, self.rule.name, RANKS.index(self.rule.rank))

    def is_for(self, label: str | None, text: str) -> bool:
        return self._words is not None and label == self._label and self._words.search(text) is not None

    @property
    def has_patterns(self) -> bool:
        return bool(self.rule.patterns or self.rule.exact)

    def matches(self, text: _Text) -> list[_Hit]:
        """Returns the matches of the patterns in a caption whose surroundings fit."""
        spans = [match.span() for match in self._patterns.finditer(text.lower)] if self._patterns else []
        if self._exact:
            spans += [match.span() for match in self._exact.finditer(text.caption)]
        return [self.hit(start, end) for start, end in spans if self.fits(text.caption, start, end)]

    def fits(self, caption: str, start: int, end: int) -> bool:
        """Returns whether the surroundings of a match are as the rule demands."""
        if self._not_before and self._not_before.search(caption[max(0, start - _REACH) : start]):
            return False
        if self._after and not self._after.search(caption[start : end + _REACH]):
            return False
        if self._not_after and self._not_after.search(caption[end : end + _REACH]):
            return False
        if self._anywhere and not self._anywhere.search(caption):
            return False
        return not (self._not_anywhere and self._not_anywhere.search(caption))


@cache
def rules(kind: str) -> Rules:
    """Returns the rules for modality, region or direction; the files are read once in a process."""
    return Rules(kind)


def read(caption: str, words: Sequence[Word]) -> Reading:
    """Returns modality, region and direction that a caption names; words: the names of the vocabulary in it."""
    caption, words = _beginning(caption, words)
    return Reading(*(rules(kind).read(caption, words) for kind in FILES))


def words(mentions: Iterable[Mapping[str, Any]], vocabulary: Terms) -> list[Word]:
    """Returns mentions (cui, start, end, text) together with their concepts in the vocabulary."""
    found = []
    for mention in mentions:
        concept = vocabulary.by_cui.get(mention["cui"])
        kind, label = (concept.kind, concept.label) if concept else ("concept", None)
        found.append(Word(mention["cui"], kind, label, mention["start"], mention["end"], mention["text"]))
    return found


def modality(caption: str, words: Sequence[Word]) -> Answer:
    """Returns the modality that a caption names."""
    return rules("modality").read(*_beginning(caption, words))


def region(caption: str, words: Sequence[Word]) -> Answer:
    """Returns the body region that a caption names; for X-rays."""
    return rules("region").read(*_beginning(caption, words))


def direction(caption: str, words: Sequence[Word]) -> Answer:
    """Returns the direction that a caption names; for X-rays."""
    return rules("direction").read(*_beginning(caption, words))


def _beginning(caption: str, words: Sequence[Word]) -> tuple[str, Sequence[Word]]:
    if len(caption) <= MOST_CHARACTERS:
        return caption, words
    return caption[:MOST_CHARACTERS], [word for word in words if word.end <= MOST_CHARACTERS]


def _label(kind: str, word: Word) -> str | None:
    if word.kind == kind:
        return word.label
    return RADIONUCLIDE if kind == "modality" and word.cui == NUCLEAR else None


def _is_one_of(hit: _Hit, members: tuple[str, ...]) -> bool:
    return hit.label in members or hit.rule in members


def _outermost(hits: Iterable[_Hit]) -> list[_Hit]:
    """Returns the matches that lie in no other, in order; of two at the same place, that of a rule."""
    kept: list[_Hit] = []
    end = -1
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end, hit.rule == VOCABULARY)):
        if hit.end > end:
            kept.append(hit)
            end = hit.end
    return kept


def _evidence(caption: str, hit: _Hit) -> Evidence:
    return Evidence(caption[hit.start : hit.end], hit.start, hit.end, hit.rule)


def _any_of(patterns: tuple[str, ...], flags: int = re.IGNORECASE) -> re.Pattern[str] | None:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), flags) if patterns else None
