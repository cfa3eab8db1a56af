"""Evaluates predicted concepts: scores with intervals, baselines, breakdowns and a comparison with a second system."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roco.base import bootstrap
from roco.evaluate.concept_baselines import concept_bounds
from roco.evaluate.concept_breakdowns import breakdowns, per_image_table
from roco.evaluate.concept_scores import CONCEPT_METRICS, ConceptPairs, Floats, pair, per_image, score
from roco.evaluate.metrics import sets
from roco.evaluate.predictions import read_concepts
from roco.evaluate.profiles import DEFAULT, profile
from roco.evaluate.report.scores import NO_ARTICLES, NotComputed, Report, Score
from roco.evaluate.truth import Articles, Source, Truth, read_truth


def evaluate_concepts(
    predictions: Source,
    truth: Source,
    *,
    manual: Source | None = None,
    profile_name: str = DEFAULT,
    compat: bool = False,
    split: str = "test",
    articles: Articles | None = None,
    train: Source | None = None,
    against: Source | None = None,
    resamples: int = bootstrap.RESAMPLES,
) -> Report:
    """Scores predicted concepts against a release, a CSV file or a mapping of image IDs to CUIs.

    What the official scripts would silently mis-score raises InvalidSubmission; compat reads and scores it as they
    do. train: the source of concept frequencies and of the constant baseline; without it, the ground truth itself.
    """
    rules = profile(profile_name)
    truth_ = read_truth(truth, "concepts", rules, compat=compat, manual=manual, articles=articles, split=split)
    predicted = read_concepts(predictions, rules, truth_, compat)
    inputs = {**truth_.inputs, **predicted.inputs}
    pairs = pair(predicted.concepts, truth_, rules)
    values = per_image(pairs)
    groups = bootstrap.groups_of(truth_.articles_of(pairs.ids))

    compared = {}
    if against is not None:
        other = read_concepts(against, rules, truth_, compat)
        inputs |= other.inputs
        # The other system's images are put in the same order: they are compared image by image.
        other_values = per_image(pair({id: other.concepts[id] for id in pairs.ids}, truth_, rules))
        compared = {name: bootstrap.compare(values[name], other_values[name], groups) for name in values}

    train_truth = None
    if train is not None:
        train_truth = read_truth(train, "concepts", rules, compat=compat, split="train")
        inputs |= train_truth.inputs

    return Report(
        task="concepts",
        profile=rules.as_mapping(),
        compat=compat,
        inputs=inputs,
        scores=(*_mean_scores(pairs, values, groups, resamples), *_pooled_scores(pairs, groups, resamples)),
        not_computed=_without_manual(pairs),
        bounds=concept_bounds(pairs, truth_, train_truth),
        breakdowns=breakdowns(pairs, truth_, train_truth),
        against=compared,
        notes=_notes(pairs, truth_, compat),
        per_image=per_image_table(pairs, truth_, values),
    )


def _notes(pairs: ConceptPairs, truth: Truth, compat: bool) -> tuple[str, ...]:
    notes = []
    without = sum(not cuis for cuis in pairs.truth)
    if without and not compat:
        notes.append(
            f"{without:,} images have no concept in the ground truth and score 0 whatever is predicted; the official "
            "scripts count an empty cell as correct there"
        )
    if truth.articles is None:
        notes.append(NO_ARTICLES)
    return tuple(notes)


def _mean_scores(
    pairs: ConceptPairs, values: dict[str, Floats], groups: NDArray[np.int64], resamples: int
) -> list[Score]:
    """Returns the scores that are means over images, with intervals."""
    notes = {metric.name: metric.note for metric in CONCEPT_METRICS}
    bounds = bootstrap.of_means(np.stack(list(values.values()), axis=1), groups, resamples)
    scores = []
    for (name, of_images), bound in zip(values.items(), bounds, strict=True):
        counted = int((~np.isnan(of_images)).sum())
        value = score(name, of_images, pairs)
        if bound is not None and counted:
            # The official scripts also divide by images that have no value, such as further rows of manual concepts.
            bound = bound.scaled(value, sets.mean(of_images[~np.isnan(of_images)]))
        scores.append(Score(name, value, counted, bound, notes[name]))
    return scores


def _pooled_scores(pairs: ConceptPairs, groups: NDArray[np.int64], resamples: int) -> list[Score]:
    """Returns micro F1, over all pairs of image and concept, and macro F1, over concepts."""
    sizes = pairs.sizes
    # 2·hits and the number of true and predicted concepts: F1 of a resample is the ratio of their sums.
    terms = np.stack([2.0 * sizes.both, sizes.truth + sizes.predicted], axis=1).astype(float)
    micro_interval = bootstrap.of_sums(terms, groups, _ratio_of_sums, resamples)
    true_concepts = []
    for counts in sets.by_concept(pairs.truth, pairs.predictions).values():
        if counts.hits + counts.missed:
            true_concepts.append(counts)
    return [
        Score("micro_f1", sets.micro_f1(sizes), len(pairs.ids), micro_interval, "additional"),
        Score(
            "macro_f1",
            sets.macro_f1(true_concepts),
            len(pairs.ids),
            None,
            "additional: mean over the concepts of the ground truth",
        ),
    ]


def _ratio_of_sums(sums: Floats) -> Floats:
    ratio: Floats = sums[:, 0] / np.maximum(sums[:, 1], 1.0)
    return ratio


def _without_manual(pairs: ConceptPairs) -> tuple[NotComputed, ...]:
    if pairs.manual is not None:
        return ()
    reason = "the ground truth has no manual concepts; --manual CSV adds them"
    return tuple(NotComputed(metric.name, reason) for metric in CONCEPT_METRICS if metric.needs_manual)
