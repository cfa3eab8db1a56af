"""Baselines and upper bounds for the scores of captions: captions that ignore the image, and the best one of train."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from roco.base import bootstrap
from roco.evaluate.caption_metrics import METRIC_OF, SLOW
from roco.evaluate.caption_pairs import CaptionPairs, MetricResult
from roco.evaluate.caption_retrieval import central_caption, nearest_captions
from roco.evaluate.report.render import Cell, ReportTable
from roco.evaluate.report.scores import BASELINE, BOUNDS, UPPER_BOUND
from roco.evaluate.truth import Truth

SAMPLE = 200  # captions on which slow metrics are computed


def caption_bounds(pairs: CaptionPairs, truth: Truth, train: Truth | None, scores: Sequence[str]) -> ReportTable:
    """Returns what trivial captions score (baselines), and what the best captions of train score (upper bound).

    scores: the columns. CLIPScore is omitted: it compares with the image, not with the truth. train: the source of
    the constant caption; without it, the ground truth, and no upper bound.
    """
    names = [name for name in scores if name != "clipscore"]
    rng = np.random.default_rng(bootstrap.SEED)
    order = rng.permutation(len(pairs.ids))
    sample = sorted(rng.choice(len(pairs.ids), min(SAMPLE, len(pairs.ids)), replace=False).tolist())

    # Each image gets the caption of the next one in a random order, never its own.
    shuffled = list(pairs.predictions)
    for i, other in zip(order, np.roll(order, 1), strict=True):
        shuffled[i] = pairs.predictions[other]
    source = train or truth
    constant = central_caption(source.captions_of(source.ids))
    origin = "train" if train else "the ground truth"
    rows = [
        (BASELINE, "captions of other images (shuffled)", *_values(pairs, shuffled, sample, names)),
        (
            BASELINE,
            f"the same caption for all images (from {origin})",
            *_values(pairs, [constant] * len(pairs.ids), sample, names),
        ),
    ]
    if train is None:
        unknown: list[Cell] = [None] * len(names)
        rows.append((UPPER_BOUND, "the nearest caption of train (add --train)", *unknown))
    else:
        nearest = nearest_captions(
            pairs.clean_truth,
            truth.articles_of(tuple(pairs.ids)),
            train.captions_of(train.ids),
            train.articles_of(train.ids),
        )
        rows.append((UPPER_BOUND, "the nearest caption of train", *_values(pairs, nearest, sample, names)))

    title = BOUNDS
    slow = [name for name in names if METRIC_OF[name].cost == SLOW]
    if slow and len(sample) < len(pairs.ids):
        title += f" ({', '.join(slow)}: on {len(sample)} captions)"
    return ReportTable(title, ("", "prediction", *names), rows)


def _values(pairs: CaptionPairs, captions: Sequence[str], sample: Sequence[int], names: Sequence[str]) -> list[Cell]:
    """Returns the scores of other captions for the same images; slow metrics are computed on the sample only."""
    whole = replace(pairs, predictions=captions, one_by_one=False)
    part = replace(
        whole,
        ids=[whole.ids[i] for i in sample],
        truth=[whole.truth[i] for i in sample],
        predictions=[captions[i] for i in sample],
    )
    results: dict[str, MetricResult] = {}
    values: list[Cell] = []
    for name in names:
        metric = METRIC_OF[name]
        if metric.name not in results:
            results[metric.name] = metric.compute(part if metric.cost == SLOW else whole)
        values.append(results[metric.name].scores[name].value)
    return values
