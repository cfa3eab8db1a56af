"""The concepts that a linker or a file predicts for captions, beside the known ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from roco.base import labels
from roco.base.progress import NullProgress, Progress
from roco.models.text.linking.checked import Checked, with_checks
from roco.models.text.linking.linker import Linker, Mention, Suggestion, Suggests
from roco.release.captioned import Row

BATCH = 500
"""Captions that are linked at once."""

MANUAL = labels.cuis("modality") | labels.cuis("region") | labels.cuis("direction")
"""The 18 concepts that people assign in ROCOv2; all others are automatic."""

PARTS: dict[str, Callable[[str], bool]] = {
    "all": lambda cui: True,
    "automatic": lambda cui: cui not in MANUAL,
    "manual": lambda cui: cui in MANUAL,
}
"""Name of a part of the concepts -> whether a concept belongs to it."""


class Rules(Protocol):
    """What rules make of a concept: itself, the concept that replaces it, or None if they remove it."""

    def of_known(self, cui: str) -> str | None: ...

    def of_mention(self, mention: Mention) -> str | None: ...

    def of_suggestion(self, suggestion: Suggestion) -> str | None: ...


class Links(NamedTuple):
    """What a linker makes of one caption: mentions, and concepts without a span; given: concepts of a file instead."""

    mentions: Sequence[Mention] = ()
    suggestions: Sequence[Suggestion] = ()
    given: Sequence[str] = ()

    @property
    def cuis(self) -> frozenset[str]:
        mentioned = {mention.cui for mention in self.mentions}
        suggested = {suggestion.cui for suggestion in self.suggestions}
        return frozenset(mentioned | suggested | {*self.given})

    def only(self, cuis: frozenset[str]) -> Links:
        """Returns what leads to some of the concepts."""
        return Links(
            [mention for mention in self.mentions if mention.cui in cuis],
            [suggestion for suggestion in self.suggestions if suggestion.cui in cuis],
            [cui for cui in self.given if cui in cuis],
        )

    def after(self, rules: Rules) -> Links:
        """Returns what the rules leave, with the concepts that they replace."""
        mentions, suggestions = [], []
        for mention in self.mentions:
            cui = rules.of_mention(mention)
            if cui:
                mentions.append(mention._replace(cui=cui))
        for suggestion in self.suggestions:
            cui = rules.of_suggestion(suggestion)
            if cui:
                suggestions.append(suggestion._replace(cui=cui))
        given = [cui for cui in map(rules.of_known, self.given) if cui]
        return Links(mentions, suggestions, given)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The known and the predicted concepts of the same captions, in one order. links: where predictions come from."""

    rows: Sequence[Row]
    gold: Sequence[frozenset[str]]
    predicted: Sequence[frozenset[str]]
    links: Sequence[Links]

    def part(self, belongs: Callable[[str], bool]) -> Compared:
        """Returns the same captions with one part of the concepts on both sides."""
        gold = [frozenset(filter(belongs, cuis)) for cuis in self.gold]
        predicted = [frozenset(filter(belongs, cuis)) for cuis in self.predicted]
        return Compared(rows=self.rows, gold=gold, predicted=predicted, links=self.links)

    def after(self, rules: Rules) -> Compared:
        """Returns the same captions with what the rules leave of the concepts on both sides.

        Known concepts have no words, but rules may block words. A known concept that is linked as well is therefore
        decided by the words that were linked to it; one that is missed is decided by its CUI and name.
        """
        missed = {cui: rules.of_known(cui) for cuis in self.gold for cui in cuis}
        gold, links = [], []
        for known, cuis, found in zip(self.gold, self.predicted, self.links, strict=True):
            # Concepts that are not judged are in the links only.
            judged = found.only(cuis)
            left = {cui for cui in map(missed.get, known - cuis) if cui}
            gold.append(frozenset(left | judged.only(known).after(rules).cuis))
            links.append(judged.after(rules))
        return Compared(rows=self.rows, gold=gold, predicted=[one.cuis for one in links], links=links)


def link(rows: Sequence[Row], linker: Linker, *, negated: bool = True, progress: Progress | None = None) -> list[Links]:
    """Returns the links of each caption, with those a linker suggests; negated: whether negated mentions count.

    Raises DataError if the linker returns something else than mentions of these captions.
    """
    progress = progress or NullProgress()
    progress.start("captions", len(rows))
    checked = linker if isinstance(linker, Checked) else with_checks(linker, linker.name)
    found: list[Links] = []
    for start in range(0, len(rows), BATCH):
        texts = [row.caption for row in rows[start : start + BATCH]]
        if isinstance(checked, Suggests):
            links = [Links(mentions, suggestions) for mentions, suggestions in checked.link_and_suggest(texts)]
        else:
            links = [Links(mentions) for mentions in checked.link(texts)]
        if not negated:
            links = [one._replace(mentions=[m for m in one.mentions if not m.negated]) for one in links]
        found += links
        progress.advance(len(texts))
    return found


def of_concepts(rows: Sequence[Row], concepts: Mapping[str, Iterable[str]]) -> list[Links]:
    """Returns predicted concepts, by the id of the caption, as links."""
    return [Links(given=sorted(concepts[row.id])) for row in rows]


def compare(rows: Sequence[Row], links: Sequence[Links], gold: Sequence[Iterable[str]] | None = None) -> Compared:
    """Returns the known concepts of captions, those of the rows by default, beside the predicted ones."""
    known = [frozenset(row.cuis) for row in rows] if gold is None else [frozenset(cuis) for cuis in gold]
    return Compared(rows=rows, gold=known, predicted=[one.cuis for one in links], links=links)
