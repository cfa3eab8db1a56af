"""Evaluates rankings over a stated pool: recall at k, MRR, median rank and nDCG."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import UsageError, nearest
from roco.evaluate.metrics import intervals, ranks
from roco.evaluate.profiles import DEFAULT, profile
from roco.evaluate.rankings import TASKS, Ranking, read_ranking
from roco.evaluate.report.render import Cell, ReportTable
from roco.evaluate.report.scores import BASELINE, BOUNDS, UPPER_BOUND, Report, Score
from roco.evaluate.truth import Articles, Source, Truth, read_truth

Floats = NDArray[np.float64]
KS = (1, 5, 10)
RELEVANT = 0.5
"""Image to image: an answer is right if it shares at least this much of the concepts (Jaccard)."""


class _Pool(NamedTuple):
    """The images that are ranked, in order. groups: the number of each image's article."""

    ids: tuple[str, ...]
    groups: NDArray[np.int64]
    concepts: list[frozenset[str]]


class _Measured(NamedTuple):
    """The values of each query by name, rank first, and the number of candidates of each query."""

    values: dict[str, Floats]
    pool_sizes: NDArray[np.int64]


def evaluate_retrieval(
    predictions: str | Path,
    truth: Source,
    *,
    task: str = "image-to-text",
    profile_name: str = DEFAULT,
    split: str = "test",
    articles: Articles | None = None,
    pool: int | None = None,
    against: str | Path | None = None,
    relevant: float = RELEVANT,
    ks: Sequence[int] = KS,
    resamples: int = intervals.RESAMPLES,
) -> Report:
    """Scores the rankings of every image of the ground truth against all others of the pool.

    predictions: .npz with the arrays ids, images and texts (vectors, compared by cosine), or CSV
    Query,Candidate,Score, in which unlisted candidates rank last. pool: the number of images of the ground truth that
    are ranked, chosen by the hash of their IDs; None ranks all.

    Between image and text, the right answer has the ID of the query. Between images, all answers of other articles
    are right that share at least `relevant` of the concepts, and nDCG uses the share itself as gain. Candidates of
    the query's own article are excluded, except the right answer.
    """
    if task not in TASKS:
        raise UsageError(f"unknown task '{task}'", nearest(task, TASKS))
    matches_by_id = task != "image-to-image"
    rules = profile(profile_name)
    truth_ = read_truth(truth, "captions" if matches_by_id else "concepts", rules, split=split, articles=articles)
    ids = _choose_pool(truth_.ids, pool)
    groups = intervals.groups_of(truth_.articles_of(ids))
    concepts = [(truth_.concepts or {}).get(id, frozenset()) for id in ids]
    images = _Pool(ids, groups, concepts)
    ranking = read_ranking(Path(predictions), ids, truth_.ids, task)
    inputs = {**truth_.inputs, **ranking.inputs}
    values, pool_sizes = _measure(ranking, images, matches_by_id, relevant, ks)
    names = [name for name in values if name != "rank"]

    compared = {}
    if against is not None:
        other = read_ranking(Path(against), ids, truth_.ids, task)
        inputs |= other.inputs
        other_values = _measure(other, images, matches_by_id, relevant, ks).values
        compared = {name: intervals.compare(values[name], other_values[name], groups) for name in names}

    return Report(
        task=f"retrieval, {task}",
        profile=rules.as_mapping(),
        inputs=inputs,
        scores=tuple(_scores(values, names, groups, resamples)),
        bounds=_bounds(names, pool_sizes, matches_by_id, ks),
        against=compared,
        notes=tuple(_notes(ids, truth_, ranking.description, pool_sizes, relevant, matches_by_id)),
        per_image=_per_image_table(ids, truth_, values, pool_sizes),
    )


def _choose_pool(ids: tuple[str, ...], size: int | None) -> tuple[str, ...]:
    """Returns the images with the lowest hashes of their IDs, in their order, so that every run ranks the same ones."""
    if size is None:
        return ids
    if not 1 < size <= len(ids):
        raise UsageError(f"a pool of {size} images is impossible with {len(ids)} images", f"--pool 2 to {len(ids)}")
    chosen = set(sorted(ids, key=lambda id: hashlib.sha256(id.encode()).digest())[:size])
    return tuple(id for id in ids if id in chosen)


def _measure(ranking: Ranking, images: _Pool, matches_by_id: bool, relevant: float, ks: Sequence[int]) -> _Measured:
    """Computes rank, recall at each k, reciprocal rank and nDCG of every query; NaN if it has no right answer."""
    n = len(images.ids)
    values = {name: np.full(n, np.nan) for name in ("rank", *(f"recall@{k}" for k in ks), "mrr", "ndcg")}
    pool_sizes = np.zeros(n, np.int64)
    concept_matrix = one_hot(images.concepts)
    concept_counts = concept_matrix.sum(1)
    for start, block in ranking.blocks:
        for query, scores in enumerate(block, start):
            excluded = images.groups == images.groups[query]
            if matches_by_id:
                excluded[query] = False
                gains = np.zeros(n)
                gains[query] = 1.0
                right = gains > 0
            else:
                gains = np.where(excluded, 0.0, concept_shares(concept_matrix, concept_counts, query))
                right = gains >= relevant
            pool_sizes[query] = int((~excluded).sum())
            values["rank"][query] = ranks.pessimistic_rank(scores, right, excluded)
            values["ndcg"][query] = ranks.ndcg(scores, gains, excluded)
    for k in ks:
        values[f"recall@{k}"] = ranks.recall_at(values["rank"], k)
    values["mrr"] = ranks.reciprocal(values["rank"])
    return _Measured(values, pool_sizes)


def one_hot(concepts: Sequence[frozenset[str]]) -> NDArray[np.float32]:
    """Returns which image has which concept, shape (images, concepts)."""
    columns = {cui: i for i, cui in enumerate(sorted(frozenset().union(*concepts)))}
    matrix = np.zeros((len(concepts), len(columns)), np.float32)
    for row, cuis in zip(matrix, concepts, strict=True):
        row[[columns[cui] for cui in cuis]] = 1
    return matrix


def concept_shares(matrix: NDArray[np.float32], counts: NDArray[np.float32], image: int) -> Floats:
    """Returns the Jaccard index of one image's concepts with those of each image; 0 of two empty sets.

    counts: the number of concepts of each image. Matrix products are fast enough for ten thousand images, for which
    sets would be intersected a hundred million times.
    """
    shared = (matrix @ matrix[image]).astype(float)
    union = counts + counts[image] - shared
    shares: Floats = np.divide(shared, union, out=np.zeros(len(shared)), where=union > 0)
    return shares


def _scores(values: dict[str, Floats], names: Sequence[str], groups: NDArray[np.int64], resamples: int) -> list[Score]:
    bounds = intervals.of_means(np.stack([values[name] for name in names], axis=1), groups, resamples)
    scores = []
    for name, bound in zip(names, bounds, strict=True):
        defined = values[name][~np.isnan(values[name])]
        mean = float(defined.mean()) if len(defined) else float("nan")
        scores.append(Score(name, mean, len(defined), bound))
    defined_ranks = values["rank"][~np.isnan(values["rank"])]
    median = float(np.median(defined_ranks)) if len(defined_ranks) else float("nan")
    scores.append(Score("median_rank", median, len(defined_ranks)))
    return scores


def _bounds(names: Sequence[str], pool_sizes: NDArray[np.int64], matches_by_id: bool, ks: Sequence[int]) -> ReportTable:
    """Returns what random, constant and perfect rankings score."""
    rows: list[tuple[Cell, ...]] = []
    unknown: list[Cell] = [None] * len(names)
    last_rank = None
    if matches_by_id:
        chance = ranks.by_chance(pool_sizes, tuple(ks))
        expected = (chance.get(name) for name in (*names, "median_rank"))
        rows.append((BASELINE, "a random order (expected value)", *expected))
        # Every candidate ties with the right answer, which therefore ranks last.
        last_rank = float(np.median(pool_sizes))
    rows.append((BASELINE, "the same score for all candidates", *unknown, last_rank))
    rows.append((UPPER_BOUND, "the right answer first", *[1.0] * len(names), 1.0))
    return ReportTable(BOUNDS, ("", "ranking", *names, "median_rank"), rows)


def _notes(
    ids: Sequence[str],
    truth: Truth,
    description: str,
    pool_sizes: NDArray[np.int64],
    relevant: float,
    matches_by_id: bool,
) -> list[str]:
    candidates = f"{pool_sizes.min():,} to {pool_sizes.max():,} candidates per query"
    notes = [
        f"pool: {len(ids):,} of {len(truth.ids):,} images, {candidates}",
        "candidates that tie with the right answer rank before it (pessimistic)",
        description,
    ]
    if not matches_by_id:
        notes.append(
            f"right answers share at least {relevant:g} of the concepts (Jaccard); queries without one do not count"
        )
    if truth.articles is None:
        notes.append(
            "articles are unknown (--articles license_information.csv): no candidates were excluded, and intervals "
            "resample images"
        )
    else:
        notes.append("candidates of the query's own article are excluded")
    return notes


def _per_image_table(
    ids: Sequence[str], truth: Truth, values: dict[str, Floats], pool_sizes: NDArray[np.int64]
) -> ReportTable:
    """Returns one row per query, the highest (worst) rank first."""
    worst_first = sorted(range(len(ids)), key=lambda i: (-np.nan_to_num(values["rank"][i]), ids[i]))
    rows: list[tuple[Cell, ...]] = []
    for i in worst_first:
        numbers = (float(column[i]) for column in values.values())
        rows.append((ids[i], truth.article(ids[i]), *numbers, int(pool_sizes[i])))
    return ReportTable("images", ("ID", "article", *values, "pool"), rows)
