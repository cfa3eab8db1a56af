"""Breakdowns of the scores of concepts: by modality, number of concepts, frequency, concept and image."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from roco.base import labels
from roco.evaluate.concept_scores import ConceptPairs, Floats, f1, precision, recall
from roco.evaluate.metrics import sets
from roco.evaluate.report.render import Cell, ReportTable
from roco.evaluate.truth import Truth

FREQUENCY_BANDS = ((0, 0), (1, 10), (11, 100), (101, 1000), (1001, None))
"""Lowest and highest number of images that have a concept; None is no upper limit."""
MANY_CONCEPTS = 6  # images with at least this many concepts form one group


def breakdowns(pairs: ConceptPairs, truth: Truth, train: Truth | None) -> tuple[ReportTable, ...]:
    """Returns one table per breakdown. train: where the frequency of a concept is counted, else in the truth."""
    values = np.stack([f1(pairs), precision(pairs), recall(pairs)], axis=1)
    counts = sets.by_concept(pairs.truth, pairs.predictions)
    numbers = [f"{n}" if n < MANY_CONCEPTS else f"{MANY_CONCEPTS} or more" for n in pairs.sizes.truth.tolist()]
    return (
        _by_group("By modality", "modality", pairs.modalities, values),
        _by_group("By number of concepts", "concepts", numbers, values),
        _by_frequency(counts, train or truth, "train" if train else "the ground truth"),
        _by_concept(counts, truth.names or {}),
    )


def per_image_table(pairs: ConceptPairs, truth: Truth, values: Mapping[str, Floats]) -> ReportTable:
    """Returns one row per image, the lowest F1 first, with correct, false and missed concepts."""
    rows: list[tuple[Cell, ...]] = []
    for i, id in enumerate(pairs.ids):
        true, predicted = pairs.truth[i], pairs.predictions[i]
        scores = (float(column[i]) for column in values.values())
        concepts = (_joined(predicted & true), _joined(predicted - true), _joined(true - predicted))
        rows.append((id, truth.article(id), pairs.modalities[i], *scores, *concepts))
    first_score = 3  # the column after ID, article and modality: f1
    rows.sort(key=lambda row: (row[first_score], row[0]))
    columns = ("ID", "article", "modality", *values, "correct", "false", "missed")
    return ReportTable("images", columns, rows)


def _by_group(title: str, column: str, keys: Sequence[str], values: Floats) -> ReportTable:
    """Returns the mean F1, precision and recall of the images of each key."""
    indices: defaultdict[str, list[int]] = defaultdict(list)
    for i, key in enumerate(keys):
        indices[key].append(i)
    rows: list[tuple[Cell, ...]] = []
    for key, of_key in sorted(indices.items()):
        rows.append((key, len(of_key), *map(float, values[of_key].mean(0))))
    return ReportTable(title, (column, "images", "f1", "precision", "recall"), rows)


def _by_frequency(counts: Mapping[str, sets.Counts], source: Truth, source_name: str) -> ReportTable:
    """Returns the F1 of rare and frequent concepts; frequency: the number of images that have the concept."""
    frequency = Counter(cui for cuis in (source.concepts or {}).values() for cui in cuis)
    rows: list[tuple[Cell, ...]] = []
    for low, high in FREQUENCY_BANDS:
        band = []
        for cui, count in counts.items():
            if low <= frequency[cui] and (high is None or frequency[cui] <= high):
                band.append(count)
        if not band:
            continue
        hits = sum(count.hits for count in band)
        false = sum(count.false for count in band)
        missed = sum(count.missed for count in band)
        micro_f1 = 2 * hits / (2 * hits + false + missed)
        rows.append((_band_name(low, high), len(band), micro_f1, sets.macro_f1(band), hits, false, missed))
    columns = (f"images in {source_name}", "concepts", "micro f1", "macro f1", "hits", "false", "missed")
    return ReportTable("By frequency", columns, rows)


def _band_name(low: int, high: int | None) -> str:
    if high == 0:
        return "none"
    return f"{low} or more" if high is None else f"{low} to {high}"


def _by_concept(counts: Mapping[str, sets.Counts], release_names: Mapping[str, str]) -> ReportTable:
    """Returns the counts and the F1 of each concept, the most frequent in the truth first."""
    names = {term.cui: term.name for terms in labels.KINDS.values() for term in terms.values() if term.cui}
    names |= release_names
    rows: list[tuple[Cell, ...]] = []
    for cui, count in sorted(counts.items(), key=lambda item: (-(item[1].hits + item[1].missed), item[0])):
        images = count.hits + count.missed
        f1_of_concept = sets.concept_f1(count)
        rows.append((cui, names.get(cui, ""), images, f1_of_concept, count.hits, count.false, count.missed))
    return ReportTable("By concept", ("CUI", "name", "images", "f1", "hits", "false", "missed"), rows)


def _joined(cuis: frozenset[str]) -> str:
    return ";".join(sorted(cuis))
