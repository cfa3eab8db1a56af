"""Evaluates rankings over a stated pool: recall at k, MRR, median rank, nDCG, and of concepts MAP and others."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from roco.base import bootstrap
from roco.base.errors import UsageError, nearest
from roco.evaluate.profiles import DEFAULT, profile
from roco.evaluate.ranking_scores import RANK, RankingScores, measure, scores_for
from roco.evaluate.rankings import BY_CONCEPTS, TASKS, Predictions, Ranking, ranking_of
from roco.evaluate.relevance import Floats, Relevance, SameCaption, SharedConcepts
from roco.evaluate.report.render import Cell, ReportTable
from roco.evaluate.report.scores import BASELINE, BOUNDS, UPPER_BOUND, NotComputed, Report, Score
from roco.evaluate.truth import Articles, Source, Truth, read_truth

KS = (1, 5, 10)
RELEVANT = 0.5
"""Of tasks by concepts: an answer is right if it shares at least this much of the concepts (Jaccard)."""
MEDIAN_RANK = "median_rank"


def evaluate_retrieval(
    predictions: Predictions,
    truth: Source,
    *,
    task: str = "image-to-text",
    profile_name: str = DEFAULT,
    split: str = "test",
    articles: Articles | None = None,
    pool: int | None = None,
    against: Predictions | None = None,
    relevant: float = RELEVANT,
    ks: Sequence[int] = KS,
    resamples: int = bootstrap.RESAMPLES,
) -> Report:
    """Scores the rankings of every image of the ground truth against all others of the pool.

    predictions: .npz with the arrays ids, images and texts (vectors, compared by cosine), CSV Query,Candidate,Score, in
    which unlisted candidates rank last, or a ranker such as that of an index. pool: the number of images of the ground
    truth that are ranked, chosen by the hash of their IDs; None ranks all.

    Between image and text, all images with the same caption are right answers, as the query's own image.
    Between images, between captions and from concepts to images, all answers of other articles are right that share at
    least `relevant` of the concepts; nDCG and mean Jaccard use the share itself as gain. Candidates of the query's own
    article are excluded, except right answers between image and text.
    """
    if task not in TASKS:
        raise UsageError(f"unknown task '{task}'", nearest(task, TASKS))
    if not 0 < relevant <= 1:
        raise UsageError(f"invalid share of concepts: relevant = {relevant:g}", "use a number above 0, up to 1")
    by_concepts = task in BY_CONCEPTS
    rules = profile(profile_name)
    kind = "concepts" if by_concepts else "captions"
    truth_ = read_truth(truth, kind, rules, has_compat=False, split=split, articles=articles)
    ids = _choose_pool(truth_.ids, pool)
    groups = bootstrap.groups_of(truth_.articles_of(ids))
    relevance: Relevance
    if by_concepts:
        relevance = SharedConcepts(truth_.concepts_of(ids), groups, relevant)
    else:
        relevance = SameCaption(truth_.captions_of(ids), groups)
    scores = scores_for(ks, has_gains=by_concepts)
    ranking = ranking_of(predictions, ids, truth_.ids, task)
    inputs = {**truth_.inputs, **ranking.inputs}
    measured = measure(ranking, relevance, len(ids), scores)
    names = [score.name for score in scores if score.name != RANK]

    compared = {}
    if against is not None:
        other = ranking_of(against, ids, truth_.ids, task)
        inputs |= other.inputs
        other_values = measure(other, relevance, len(ids), scores).values
        compared = {name: bootstrap.compare(measured.values[name], other_values[name], groups) for name in names}

    return Report(
        task=f"retrieval, {task}",
        profile=rules.as_mapping(),
        inputs=inputs,
        scores=tuple(_scores(measured.values, names, groups, resamples)),
        not_computed=_not_computed(measured, names),
        bounds=_bounds(measured, names),
        against=compared,
        models=ranking.models,
        notes=tuple(_notes(ids, truth_, ranking, measured, relevance)),
        per_image=_per_image_table(ids, truth_, measured),
    )


def _choose_pool(ids: tuple[str, ...], size: int | None) -> tuple[str, ...]:
    """Returns the images with the lowest hashes of their IDs, in their order, so that every run ranks the same ones."""
    if size is None:
        return ids
    if not 1 < size <= len(ids):
        raise UsageError(f"a pool of {size} images is impossible with {len(ids)} images", f"--pool 2 to {len(ids)}")
    chosen = set(sorted(ids, key=lambda id: hashlib.sha256(id.encode()).digest())[:size])
    return tuple(id for id in ids if id in chosen)


def _scores(
    values: Mapping[str, Floats], names: Sequence[str], groups: NDArray[np.int64], resamples: int
) -> list[Score]:
    bounds = bootstrap.of_means(np.stack([values[name] for name in names], axis=1), groups, resamples)
    scores = []
    for name, bound in zip(names, bounds, strict=True):
        scores.append(Score(name, _mean(values[name]), _count(values[name]), bound))
    scores.append(Score(MEDIAN_RANK, _median(values[RANK]), _count(values[RANK])))
    return scores


def _not_computed(measured: RankingScores, names: Sequence[str]) -> tuple[NotComputed, ...]:
    """Returns the scores that no query has, and the reason."""
    reason = "no query has a right answer in the pool"
    return tuple(NotComputed(name, reason) for name in names if not _count(measured.values[name]))


def _bounds(measured: RankingScores, names: Sequence[str]) -> ReportTable:
    """Returns what random, constant and perfect rankings score."""
    rows: list[tuple[Cell, ...]] = []
    for kind, ranking, values in (
        (BASELINE, "a random order (expected value)", measured.random),
        (BASELINE, "the same score for all candidates", measured.constant),
        (UPPER_BOUND, "the right answers first", measured.perfect),
    ):
        rows.append((kind, ranking, *(_mean(values[name]) for name in names), _median(values[RANK])))
    return ReportTable(BOUNDS, ("", "ranking", *names, MEDIAN_RANK), rows)


def _notes(
    ids: Sequence[str], truth: Truth, ranking: Ranking, measured: RankingScores, relevance: Relevance
) -> list[str]:
    sizes = measured.pool_sizes
    candidates = f"{sizes.min():,} to {sizes.max():,} candidates per query"
    notes = [
        f"pool: {len(ids):,} of {len(truth.ids):,} images, {candidates}",
        "candidates that tie with a right answer rank before it (pessimistic)",
        ranking.description,
    ]
    if isinstance(relevance, SameCaption):
        several = int((measured.right > 1).sum())
        notes.append(
            f"images with the same caption (in any case and white space) are all right answers: {several:,} of "
            f"{len(ids):,} queries have several; recall counts queries with any right answer among the first k"
        )
        empty = int((measured.right == 0).sum())
        if empty:
            notes.append(f"{empty:,} queries do not count: their caption is empty")
    else:
        notes.append(
            f"right answers share at least {relevance.threshold:g} of the concepts (Jaccard); "
            f"{int((measured.right == 0).sum()):,} of {len(ids):,} queries have none and do not count, except in nDCG "
            "and Jaccard if an answer shares any concept"
        )
    if truth.articles is None:
        notes.append(
            "articles are unknown (--articles license_information.csv): no candidates were excluded, and intervals "
            "resample images"
        )
    else:
        notes.append("candidates of the query's own article are excluded")
    return [*notes, *ranking.notes]


def _per_image_table(ids: Sequence[str], truth: Truth, measured: RankingScores) -> ReportTable:
    """Returns one row per query, the highest (worst) rank first."""
    worst_first = sorted(range(len(ids)), key=lambda i: (-np.nan_to_num(measured.values[RANK][i]), ids[i]))
    rows: list[tuple[Cell, ...]] = []
    for i in worst_first:
        numbers = (float(column[i]) for column in measured.values.values())
        rows.append((ids[i], truth.article(ids[i]), *numbers, int(measured.right[i]), int(measured.pool_sizes[i])))
    return ReportTable("images", ("ID", "article", *measured.values, "right", "pool"), rows)


def _count(values: Floats) -> int:
    return int((~np.isnan(values)).sum())


def _mean(values: Floats) -> float:
    """Returns the mean over the queries that count; NaN if none does."""
    return float(values[~np.isnan(values)].mean()) if _count(values) else float("nan")


def _median(values: Floats) -> float:
    return float(np.median(values[~np.isnan(values)])) if _count(values) else float("nan")
