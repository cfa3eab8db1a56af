"""Scores the mentions of a linker against labelled ones: by span, by overlap, by CUI, and by semantic type.

Precision, recall and F1 are given over all mentions (micro) and as the mean over captions, with bootstrap intervals
over articles. Labels may lack a CUI: such a mention counts as a span, and what a linker links it to is not judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np

from roco.base import bootstrap
from roco.evaluate.metrics import rates, sets
from roco.evaluate.metrics.rates import Rates

Span = tuple[int, int]


class Found(Protocol):
    """A mention that a linker returns: half-open offsets and CUI."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def cui(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Gold:
    """A labelled mention; cui and tui are empty where unknown.

    instead: another CUI that is as right: the modality of an examination. inner: a part of a longer mention, which may
    replace it.
    """

    start: int
    end: int
    cui: str = ""
    instead: str = ""
    tui: str = ""
    inner: bool = False


class Caption(NamedTuple):
    """The labelled and the linked mentions of one caption, and its article, which is what resamples draw."""

    article: str
    gold: Sequence[Gold]
    found: Sequence[Found]


class TypeCounts(NamedTuple):
    """The counts of one semantic type: labelled mentions, those whose span is touched, and CUIs of captions."""

    gold: int
    touched: int
    cuis: sets.Counts


class _Pair(NamedTuple):
    """What of a caption counts: labelled and linked mentions, after parts and wholes have been reconciled."""

    gold: list[Gold]
    found: list[Found]


def score(captions: Sequence[Caption], resamples: int = bootstrap.RESAMPLES) -> dict[str, Rates]:
    """Returns the rates by name: spans, overlaps and CUIs, each also `(mean)`, the mean over captions.

    spans: the same offsets. overlaps: at least one shared character, each mention used once. CUIs: the sets of CUIs of
    each caption. A mean leaves out captions with neither labelled nor linked mentions.
    """
    pairs = [_reconciled(caption) for caption in captions]
    group = bootstrap.groups_of([caption.article for caption in captions])
    sizes = {
        "spans": sets.overlap([_spans(p.gold) for p in pairs], [_spans(p.found) for p in pairs]),
        "overlaps": _overlaps(pairs),
        "CUIs": sets.overlap(*_cuis(pairs)),
    }
    scores = {}
    for name, size in sizes.items():
        scores[name] = rates.micro(size, group, resamples)
        scores[f"{name} (mean)"] = rates.mean(size, group, resamples)
    return scores


def by_type(captions: Sequence[Caption], types: Mapping[str, str]) -> dict[str, TypeCounts]:
    """Returns the counts of each semantic type, the most frequent first.

    types: the types of CUIs that only the linker returns. Labelled CUIs have the type of their label; CUIs whose type
    is unknown are counted under the empty type.
    """
    gold, touched = defaultdict[str, int](int), defaultdict[str, int](int)
    known = dict(types)
    pairs = [_reconciled(caption) for caption in captions]
    for pair in pairs:
        for mention in pair.gold:
            gold[mention.tui] += 1
            touched[mention.tui] += any(_touch(mention, other) for other in pair.found)
            known[mention.cui] = mention.tui
    cuis: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for cui, counts in sets.by_concept(*_cuis(pairs)).items():
        for k, n in enumerate(counts):
            cuis[known.get(cui, "")][k] += n
    order = sorted({*gold, *cuis}, key=lambda tui: (-gold[tui], tui))
    return {tui: TypeCounts(gold[tui], touched[tui], sets.Counts(*cuis[tui])) for tui in order}


def _reconciled(caption: Caption) -> _Pair:
    """Returns the mentions that count, with the CUIs that were linked where two are right.

    Of a joint name, the whole counts or, if only parts are linked, its parts.
    """
    spans = {(m.start, m.end) for m in caption.found}
    inner = [m for m in caption.gold if m.inner]
    gold: list[Gold] = []
    unjudged: set[Span] = set()
    for whole in (m for m in caption.gold if not m.inner):
        parts = [m for m in inner if whole.start <= m.start and m.end <= whole.end]
        linked_parts = {(m.start, m.end) for m in parts} & spans
        if linked_parts and (whole.start, whole.end) not in spans:
            gold.extend(parts)
        else:
            gold.append(whole)
            unjudged |= linked_parts
    found = [m for m in caption.found if (m.start, m.end) not in unjudged]
    return _Pair([_as_linked(mention, found) for mention in gold], found)


def _as_linked(mention: Gold, found: Sequence[Found]) -> Gold:
    """Returns the mention with its other CUI if that is the one to which its words are linked."""
    linked = {other.cui for other in found if _touch(mention, other)}
    if mention.instead in linked and mention.cui not in linked:
        return replace(mention, cui=mention.instead)
    return mention


def cuis(captions: Sequence[Caption]) -> tuple[list[set[str]], list[set[str]]]:
    """Returns the CUIs of each caption, labelled and linked, as `score` compares them."""
    return _cuis([_reconciled(caption) for caption in captions])


def _spans(mentions: Sequence[Gold] | Sequence[Found]) -> set[str]:
    return {f"{mention.start}-{mention.end}" for mention in mentions}


def _overlaps(pairs: Sequence[_Pair]) -> sets.Overlap:
    both = np.fromiter((_matched(pair) for pair in pairs), np.int64, len(pairs))
    gold = np.fromiter((len(pair.gold) for pair in pairs), np.int64, len(pairs))
    found = np.fromiter((len(pair.found) for pair in pairs), np.int64, len(pairs))
    return sets.Overlap(both, gold, found)


def _matched(pair: _Pair) -> int:
    """Returns how many labelled mentions touch a linked one of their own, from left to right."""
    left = sorted(pair.found, key=lambda m: (m.end, m.start))
    matched = 0
    for mention in sorted(pair.gold, key=lambda m: (m.end, m.start)):
        partner = next((k for k, other in enumerate(left) if _touch(mention, other)), None)
        if partner is not None:
            del left[partner]
            matched += 1
    return matched


def _cuis(pairs: Sequence[_Pair]) -> tuple[list[set[str]], list[set[str]]]:
    """Returns the CUIs of each caption, labelled and linked, without what labels of unknown CUI leave unjudged."""
    gold, found = [], []
    for pair in pairs:
        known = {m.cui for m in pair.gold if m.cui}
        unknown = [m for m in pair.gold if not m.cui]
        judged = {m.cui for m in pair.found if m.cui in known or not any(_touch(m, other) for other in unknown)}
        gold.append(known)
        found.append(judged)
    return gold, found


def _touch(a: Gold | Found, b: Gold | Found) -> bool:
    return a.start < b.end and b.start < a.end
