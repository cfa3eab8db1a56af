"""Evaluates predicted captions: scores by ImageCLEF's rules of each year, baselines, and comparison of two systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base import bootstrap
from roco.base.errors import InvalidSubmission, RocoError, UsageError, nearest
from roco.base.terminal import quoted
from roco.evaluate.caption_baselines import caption_bounds
from roco.evaluate.caption_files import read_columns
from roco.evaluate.caption_metrics import METRIC_OF
from roco.evaluate.caption_pairs import CaptionPairs, MetricResult, MetricScores, Models
from roco.evaluate.predictions import read_captions
from roco.evaluate.profiles import DEFAULT, Profile, profile
from roco.evaluate.report.render import Cell, ReportTable
from roco.evaluate.report.scores import NO_ARTICLES, NotComputed, Report, Score
from roco.evaluate.truth import Articles, Source, Truth, read_truth

Floats = NDArray[np.float64]
OwnMetric = Callable[[str, str], float]
"""A metric of the user: (prediction, truth) -> number."""


class _Computed(NamedTuple):
    """The scores of all metrics, those that could not be computed, and the models and token weights that were used."""

    scores: dict[str, MetricScores]
    not_computed: list[NotComputed]
    models: dict[str, str]
    token_weights: Mapping[str, float] | None


def evaluate_captions(
    predictions: Source,
    truth: Source,
    *,
    profile_name: str = DEFAULT,
    compat: bool = False,
    split: str = "test",
    articles: Articles | None = None,
    train: Source | None = None,
    against: Source | None = None,
    metrics: Sequence[str] | None = None,
    models: Models | None = None,
    columns: Sequence[Path] = (),
    own: Mapping[str, OwnMetric] | None = None,
    resamples: int = bootstrap.RESAMPLES,
) -> Report:
    """Scores predicted captions against a release, a CSV file or a mapping of image IDs to captions.

    metrics: names of METRIC_OF, each of which must be computable; None computes all and lists the others with the
    reason. columns: CSV files with ID and one number per caption and further metric. own: functions of (prediction,
    truth) by name. compat: as in `evaluate_concepts`.
    """
    rules, models = profile(profile_name), models or Models()
    for name in metrics or ():
        if name not in METRIC_OF:
            raise UsageError(f"unknown metric '{name}'", nearest(name, METRIC_OF))
    truth_ = read_truth(truth, "captions", rules, compat=compat, articles=articles, split=split)
    predicted = read_captions(predictions, rules, truth_, compat)
    inputs = {**truth_.inputs, **predicted.inputs}
    pairs = _pair(predicted.captions, truth_, rules, models, compat)
    _refuse_empty_pairs(pairs, compat)

    computed = _compute(pairs, metrics)
    results = dict(computed.scores)
    for path in columns:
        own_columns = read_columns(path, pairs.ids, computed.scores)
        inputs |= own_columns.inputs
        results |= {name: _own_scores(values) for name, values in own_columns.values.items()}
    for name, metric in (own or {}).items():
        values = [metric(caption, true) for caption, true in zip(pairs.predictions, pairs.truth, strict=True)]
        results[name] = _own_scores(np.array(values, float))

    groups = bootstrap.groups_of(truth_.articles_of(tuple(pairs.ids)))
    composites, missing_composites = _composites(results, rules, groups, resamples)
    notes = []
    compared = {}
    if against is not None:
        other = read_captions(against, rules, truth_, compat)
        inputs |= other.inputs
        ordered = {id: other.captions[id] for id in pairs.ids}
        other_scores = _compute(_pair(ordered, truth_, rules, models, compat), metrics).scores
        for name, scores in results.items():
            if name in other_scores:
                compared[name] = bootstrap.compare(scores.each, other_scores[name].each, groups)
        notes.append("corpus-level scores (BLEU, METEOR) are compared by their values per caption")
    if truth_.articles is None:
        notes.append(NO_ARTICLES)

    train_truth = None
    if train is not None:
        train_truth = read_truth(train, "captions", rules, compat=compat, split="train")
        inputs |= train_truth.inputs

    return Report(
        task="captions",
        profile=rules.as_mapping(),
        compat=compat,
        inputs=inputs,
        scores=(*_scores(results, groups, resamples), *composites),
        # A column provided by the user replaces a score that could not be computed.
        not_computed=(*(m for m in computed.not_computed if m.name not in results), *missing_composites),
        bounds=caption_bounds(pairs, truth_, train_truth, tuple(computed.scores)),
        against=compared,
        models=computed.models,
        notes=tuple(notes),
        per_image=_per_image_table(pairs, truth_, results),
        token_weights=computed.token_weights,
        libraries=_libraries(results),
    )


def _pair(
    predictions: Mapping[str, str], truth: Truth, rules: Profile, models: Models, one_by_one: bool
) -> CaptionPairs:
    ids = tuple(predictions)
    return CaptionPairs(
        ids=ids,
        truth=truth.captions_of(ids),
        predictions=list(predictions.values()),
        all_truth=truth.captions_of(truth.ids),
        rules=rules,
        models=models,
        one_by_one=one_by_one,
    )


def _refuse_empty_pairs(pairs: CaptionPairs, compat: bool) -> None:
    """Raises InvalidSubmission for pairs of captions that are both empty after preprocessing.

    The script of 2023 stops at every such pair. The later ones score it 1 if both captions were empty before, and
    otherwise 0; only compat reproduces the 0.
    """
    script_stops = pairs.rules.both_empty == "fails"
    if compat and not script_stops:
        return
    emptied = []
    for id, true, predicted, empty_before in zip(
        pairs.ids, pairs.clean_truth, pairs.clean_predictions, pairs.both_empty, strict=True
    ):
        nothing_left = not true and not predicted
        if nothing_left and (script_stops or not empty_before):
            emptied.append(id)
    if not emptied:
        return
    what = f"both captions of {quoted(emptied[0])} are empty after preprocessing"
    remedy = "the official script stops here" if script_stops else "the official scripts score such a pair 0: --compat"
    raise InvalidSubmission(what, remedy, (("", 0, what, remedy),))


def _compute(pairs: CaptionPairs, wanted: Sequence[str] | None) -> _Computed:
    """Computes the wanted scores, or all; an error of a wanted one is raised, of the others it is listed."""
    results: dict[str, MetricResult] = {}
    errors: dict[str, RocoError] = {}
    computed = _Computed({}, [], {}, None)
    for name in wanted or METRIC_OF:
        metric = METRIC_OF[name]
        if metric.name not in results and metric.name not in errors:
            try:
                results[metric.name] = metric.compute(pairs)
            except RocoError as err:
                if wanted:
                    raise
                errors[metric.name] = err
        if metric.name in errors:
            error = errors[metric.name]
            reason = f"{error.message}; {error.hint}" if error.hint else error.message
            computed.not_computed.append(NotComputed(name, reason))
            continue
        result = results[metric.name]
        computed.scores[name] = result.scores[name]
        if result.model:
            computed.models[metric.name] = result.model
        if result.token_weights is not None:
            computed = computed._replace(token_weights=result.token_weights)
    return computed


def _own_scores(values: Floats) -> MetricScores:
    return MetricScores(float(np.mean(values)), values, note="own metric")


def _scores(results: Mapping[str, MetricScores], groups: NDArray[np.int64], resamples: int) -> list[Score]:
    """Returns every score with its interval, of the corpus value where it can be computed from sums."""
    scores = []
    for name, result in results.items():
        if result.sums is not None and result.of_sums is not None:
            interval = bootstrap.of_sums(result.sums, groups, result.of_sums, resamples)
        else:
            interval = bootstrap.of_means(result.each[:, None], groups, resamples)[0]
        scores.append(Score(name, result.value, len(result.each), interval, result.note))
    return scores


def _composites(
    results: Mapping[str, MetricScores], rules: Profile, groups: NDArray[np.int64], resamples: int
) -> tuple[list[Score], list[NotComputed]]:
    """Returns relevance, factuality and overall of 2025 and 2026, as far as their parts were computed."""
    scores: list[Score] = []
    missing_scores: list[NotComputed] = []
    per_caption: list[Floats] = []
    for name, parts in (("relevance", rules.relevance), ("factuality", rules.factuality)):
        missing = [part for part in parts if part not in results]
        if missing:
            reason = f"mean of {', '.join(parts)}; missing: {', '.join(missing)} (--column adds them)"
            missing_scores.append(NotComputed(name, reason))
        elif parts:
            each = np.mean([results[part].each for part in parts], axis=0)
            value = float(np.mean([results[part].value for part in parts]))
            interval = bootstrap.of_means(each[:, None], groups, resamples)[0]
            scores.append(Score(name, value, len(groups), interval, f"mean of {', '.join(parts)}"))
            per_caption.append(each)
    if len(scores) == 2:
        relevance, factuality = scores
        each = np.mean(per_caption, axis=0)
        interval = bootstrap.of_means(each[:, None], groups, resamples)[0]
        value = (relevance.value + factuality.value) / 2
        scores.append(Score("overall", value, len(groups), interval, "mean of relevance and factuality"))
    return scores, missing_scores


def _libraries(results: Mapping[str, MetricScores]) -> tuple[str, ...]:
    """Returns the names of the libraries that computed the scores, sorted."""
    names = set()
    for name in results:
        if name in METRIC_OF:
            names |= {library.name for library in METRIC_OF[name].libraries}
    return tuple(sorted(names))


def _per_image_table(pairs: CaptionPairs, truth: Truth, results: Mapping[str, MetricScores]) -> ReportTable:
    """Returns one row per image, the lowest value of the first score first; scores without values are omitted."""
    columns = {name: result.each for name, result in results.items() if not np.isnan(result.each).all()}
    rows: list[tuple[Cell, ...]] = []
    for i, id in enumerate(pairs.ids):
        values = (float(each[i]) for each in columns.values())
        rows.append((id, truth.article(id), *values, pairs.truth[i], pairs.predictions[i]))
    first_score = 2  # the column after ID and article
    rows.sort(key=lambda row: (row[first_score] if columns else 0, row[0]))
    return ReportTable("images", ("ID", "article", *columns, "truth", "prediction"), rows)
