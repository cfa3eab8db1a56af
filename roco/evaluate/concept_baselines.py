"""Baselines and upper bounds for the scores of concepts: what trivial and what ideal predictions would score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from roco.base import bootstrap
from roco.evaluate.concept_scores import MODALITY_LABELS, ConceptPairs, CuiSets, f1, score, secondary_f1
from roco.evaluate.metrics import sets
from roco.evaluate.report.render import Cell, ReportTable
from roco.evaluate.report.scores import BASELINE, BOUNDS, UPPER_BOUND
from roco.evaluate.truth import Truth

SHUFFLES = 10
MAX_CONSTANT = 10  # concepts of the constant prediction


def concept_bounds(pairs: ConceptPairs, truth: Truth, train: Truth | None) -> ReportTable:
    """Returns the scores of trivial predictions (baselines) and of partly perfect ones (upper bounds)."""
    rows: list[tuple[Cell, ...]] = []
    rng = np.random.default_rng(bootstrap.SEED)
    orders = [rng.permutation(len(pairs.ids)) for _ in range(SHUFFLES)]
    shuffled = [[pairs.predictions[i] for i in order] for order in orders]
    rows.append(_row(BASELINE, f"predictions of other images (mean of {SHUFFLES} shuffles)", shuffled, pairs))

    source = train or truth
    constant = best_constant(source.concepts_of(tuple(source.concepts or ())))
    origin = "train" if train else "the ground truth"
    name = f"the same {len(constant)} concepts for all images (from {origin})"
    rows.append(_row(BASELINE, name, [[constant] * len(pairs.ids)], pairs))

    labelled = pairs.truth if pairs.manual is None else pairs.manual
    true_modalities = [cuis & MODALITY_LABELS.keys() for cuis in labelled]
    rows.append(_row(UPPER_BOUND, "the true modality and nothing else", [true_modalities], pairs))
    if pairs.manual is not None:
        rows.append(_row(UPPER_BOUND, "the manual concepts and nothing else", [pairs.manual], pairs))
    return ReportTable(BOUNDS, ("", "prediction", "f1", "secondary_f1"), rows)


def best_constant(truth: Sequence[frozenset[str]]) -> frozenset[str]:
    """Returns the most frequent concepts that, predicted for every image, have the highest mean F1.

    Tries the 1 to MAX_CONSTANT most frequent ones; equally frequent concepts are ordered by CUI.
    """
    counts = Counter(cui for cuis in truth for cui in cuis)
    most_frequent = sorted(counts, key=lambda cui: (-counts[cui], cui))
    best, best_f1 = frozenset[str](), -1.0
    for size in range(1, min(MAX_CONSTANT, len(most_frequent)) + 1):
        candidate = frozenset(most_frequent[:size])
        mean_f1 = float(sets.f1(sets.overlap(truth, [candidate] * len(truth))).mean())
        if mean_f1 > best_f1:
            best, best_f1 = candidate, mean_f1
    return best


def _row(kind: str, name: str, runs: Sequence[CuiSets], pairs: ConceptPairs) -> tuple[Cell, ...]:
    """Returns the mean F1 over the runs, and the mean secondary F1 over the images of all runs."""
    predicted = [replace(pairs, predictions=predictions) for predictions in runs]
    mean_f1 = float(np.mean([score("f1", f1(run), run) for run in predicted]))
    mean_secondary = None
    if pairs.manual is not None:
        values = np.concatenate([secondary_f1(run) for run in predicted])
        if not np.isnan(values).all():
            mean_secondary = float(np.nanmean(values))
    return (kind, name, mean_f1, mean_secondary)
