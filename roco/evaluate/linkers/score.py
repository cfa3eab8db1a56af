"""Scores a linker, or predicted concepts, against captions with known concepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from roco.base import bootstrap
from roco.base.progress import Progress
from roco.evaluate import concept_mentions
from roco.evaluate.concept_mentions import Caption
from roco.evaluate.linkers.misses import Describe, disagreements, worst
from roco.evaluate.linkers.predicted import Compared, Links, Rules, compare, link, of_concepts
from roco.evaluate.linkers.report import AFTER, BEFORE, LinkerReport
from roco.evaluate.linkers.scores import averages, by_frequency, by_type
from roco.evaluate.linkers.span_gold import SpanGold
from roco.evaluate.metrics.rates import Rates
from roco.models.text import semantic_types
from roco.models.text.linking.linker import Described, Linker
from roco.release.captioned import Captioned

SPANS = ("spans", "spans (mean)", "overlaps", "overlaps (mean)")
"""The rates of mentions that are reported; those of CUIs are the scores."""


def score_linker(
    gold: Captioned | SpanGold,
    predictions: Linker | Mapping[str, Iterable[str]],
    *,
    rules: Rules | None = None,
    rules_name: str = "none",
    describe: Describe = lambda cui: None,
    learned: Mapping[str, int] | None = None,
    negated: bool = True,
    most: int = 10,
    resamples: int = bootstrap.RESAMPLES,
    progress: Progress | None = None,
) -> LinkerReport:
    """Compares a linker with known concepts; suggestions of the linker count like mentions.

    predictions: the linker, or the concepts of each caption by its id. rules: are applied to both sides, without those
    that depend on other captions or on the image (frequency, automatic modality). describe: name and semantic types of
    concepts, for the breakdown and the misses. learned: the number of captions with each concept among those from which
    the linker was learned, for a breakdown. negated: whether negated mentions count. most: how many missed and how many
    false concepts are listed.
    """
    rows = gold.rows
    if isinstance(predictions, Mapping):
        links, name = of_concepts(rows, predictions), "file"
    else:
        links, name = link(rows, predictions, negated=negated, progress=progress), predictions.name
    spans: dict[str, Rates] = {}
    if isinstance(gold, SpanGold):
        compared, spans = _with_spans(gold, links, resamples)
    else:
        compared = compare(rows, links)
    scores = {BEFORE: averages(compared, resamples)}
    if rules is not None:
        compared = compared.after(rules)
        scores[AFTER] = averages(compared, resamples)
    described = _described(compared, describe)
    types = {cui: concept.tuis for cui, concept in described.items()}
    return LinkerReport(
        linker=name,
        rules=rules_name,
        captions=len(rows),
        articles=len({row.group for row in rows}),
        scores=scores,
        spans=spans,
        types=by_type(compared, types, resamples),
        type_names={tui: one.name for tui, one in semantic_types.load().items()},
        frequencies=by_frequency(compared, None, resamples),
        learned=() if learned is None else by_frequency(compared, learned, resamples),
        misses=worst(compared, described.get, most),
        disagreements=disagreements(compared, described.get),
    )


def _with_spans(gold: SpanGold, links: Sequence[Links], resamples: int) -> tuple[Compared, dict[str, Rates]]:
    """Returns known and predicted concepts as labelled mentions define them, and the rates of the mentions.

    Where two concepts are right, the known one is the one that was linked; concepts that are linked to words whose
    concept is unknown are not judged. Suggested concepts have no words, and count as predicted.
    """
    captions = []
    for row, mentions, found in zip(gold.rows, gold.mentions, links, strict=True):
        captions.append(Caption(row.group, mentions, found.mentions))
    rates = concept_mentions.score(captions, resamples)
    known, linked = concept_mentions.cuis(captions)
    predicted = []
    for cuis, found in zip(linked, links, strict=True):
        predicted.append(frozenset(cuis) | {suggestion.cui for suggestion in found.suggestions})
    compared = Compared(rows=gold.rows, gold=[*map(frozenset, known)], predicted=predicted, links=links)
    return compared, {name: rates[name] for name in SPANS}


def _described(compared: Compared, describe: Describe) -> dict[str, Described]:
    """Returns name and semantic types of each concept that is known to `describe`."""
    known = {}
    for cui in sorted({cui for cuis in (*compared.gold, *compared.predicted) for cui in cuis}):
        described = describe(cui)
        if described is not None:
            known[cui] = described
    return known
