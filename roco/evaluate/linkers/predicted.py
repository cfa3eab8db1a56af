"""The concepts that a linker or a file predicts for captions, beside the known ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from roco.base import labels
from roco.base.errors import DataError
from roco.base.ids import is_cui
from roco.base.progress import NullProgress, Progress
from roco.base.terminal import excerpt
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

Rule = Callable[[str], str | None]
"""What rules make of a concept: itself, the concept that replaces it, or None if they remove it."""


class Links(NamedTuple):
    """What a linker makes of one caption: mentions, and concepts without a span."""

    mentions: Sequence[Mention]
    suggestions: Sequence[Suggestion] = ()

    @property
    def cuis(self) -> frozenset[str]:
        mentioned = {mention.cui for mention in self.mentions}
        return frozenset(mentioned | {suggestion.cui for suggestion in self.suggestions})


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The known and the predicted concepts of the same captions, in one order. links: where predictions come from."""

    rows: Sequence[Row]
    gold: Sequence[frozenset[str]]
    predicted: Sequence[frozenset[str]]
    links: Sequence[Links]

    def part(self, belongs: Callable[[str], bool]) -> Compared:
        """Returns the same captions with one part of the concepts on both sides."""
        return self._with(lambda cui: cui if belongs(cui) else None)

    def after(self, rule: Rule) -> Compared:
        """Returns the same captions with what the rules leave of the concepts on both sides."""
        decided = {cui: rule(cui) for cuis in (*self.gold, *self.predicted) for cui in cuis}
        return self._with(decided.__getitem__)

    def _with(self, rule: Rule) -> Compared:
        def left(cuis: Iterable[str]) -> frozenset[str]:
            return frozenset(kept for kept in map(rule, cuis) if kept is not None)

        gold, predicted = [*map(left, self.gold)], [*map(left, self.predicted)]
        return Compared(rows=self.rows, gold=gold, predicted=predicted, links=self.links)


def link(rows: Sequence[Row], linker: Linker, *, negated: bool = True, progress: Progress | None = None) -> list[Links]:
    """Returns the links of each caption, with those a linker suggests; negated: whether negated mentions count.

    Raises DataError if the linker returns something else than one list per caption, or an invalid CUI.
    """
    progress = progress or NullProgress()
    progress.start("captions", len(rows))
    found: list[Links] = []
    for start in range(0, len(rows), BATCH):
        texts = [row.caption for row in rows[start : start + BATCH]]
        if isinstance(linker, Suggests):
            links = [Links(mentions, suggestions) for mentions, suggestions in linker.link_and_suggest(texts)]
        else:
            links = [Links(mentions) for mentions in linker.link(texts)]
        if len(links) != len(texts):
            raise DataError(
                f"linker {linker.name}: {len(links)} results for {len(texts)} captions",
                "return one list of mentions for each caption",
            )
        found += [_checked(one, linker.name, negated) for one in links]
        progress.advance(len(texts))
    return found


def of_concepts(rows: Sequence[Row], concepts: Mapping[str, Iterable[str]]) -> list[Links]:
    """Returns predicted concepts that have no places in the captions, such as those of a file, as links."""
    return [Links((), [Suggestion(cui, 1.0, "file") for cui in sorted(concepts[row.id])]) for row in rows]


def compare(rows: Sequence[Row], links: Sequence[Links], gold: Sequence[Iterable[str]] | None = None) -> Compared:
    """Returns the known concepts of captions, those of the rows by default, beside the predicted ones."""
    known = [frozenset(row.cuis) for row in rows] if gold is None else [frozenset(cuis) for cuis in gold]
    return Compared(rows=rows, gold=known, predicted=[one.cuis for one in links], links=links)


def _checked(links: Links, name: str, negated: bool) -> Links:
    for cui in links.cuis:
        if not is_cui(cui):
            raise DataError(f"linker {name}: invalid CUI '{excerpt(cui, 40)}'", "a CUI is C and seven digits")
    if negated:
        return links
    return Links([mention for mention in links.mentions if not mention.negated], links.suggestions)
