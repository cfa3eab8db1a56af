"""The scores of rankings, query by query, and what random, constant and perfect rankings score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.evaluate.metrics import ranks
from roco.evaluate.rankings import Ranking
from roco.evaluate.relevance import Bools, Floats, Relevance

RANK = "rank"
"""The rank of the first right answer of each query; its median over the queries is reported."""


class Candidates(NamedTuple):
    """The gains of one query's candidates in some order, and which of them are right answers."""

    gains: Floats
    right: Bools


class RankingScore(NamedTuple):
    """A score of one query. compute: of its candidates in their order. chance: its mean over random orders."""

    name: str
    compute: Callable[[Candidates], float]
    chance: Callable[[ranks.Chance, Candidates], float]


@dataclass(frozen=True)
class RankingScores:
    """The values of each query by score, and those of three reference rankings; NaN where a query does not count.

    pool_sizes, right: the number of candidates, and of right answers, of each query. random, constant, perfect: the
    values of a random order, of equal scores for all candidates, and of the right answers first.
    """

    values: dict[str, Floats]
    random: dict[str, Floats]
    constant: dict[str, Floats]
    perfect: dict[str, Floats]
    pool_sizes: NDArray[np.int64]
    right: NDArray[np.int64]


def scores_for(ks: Sequence[int], has_gains: bool) -> tuple[RankingScore, ...]:
    """Returns the scores of a task; has_gains: whether answers are right to a degree, as by shared concepts."""
    scores = [
        RankingScore(RANK, lambda ordered: ranks.first_rank(ordered.right), lambda chance, _: chance.median_rank),
        *(_recall(k) for k in ks),
        RankingScore("mrr", lambda ordered: 1 / ranks.first_rank(ordered.right), lambda chance, _: chance.mrr),
        RankingScore("ndcg", lambda ordered: ranks.ndcg(ordered.gains), _ndcg_by_chance),
    ]
    if has_gains:
        scores.append(RankingScore("map", lambda ordered: ranks.average_precision(ordered.right), _map_by_chance))
        scores += [_precision(k) for k in ks]
        scores += [_jaccard(k) for k in ks]
    return tuple(scores)


def measure(ranking: Ranking, relevance: Relevance, n: int, scores: Sequence[RankingScore]) -> RankingScores:
    """Computes all scores of every query; n: the number of queries."""
    measured = RankingScores(
        values=_empty(scores, n),
        random=_empty(scores, n),
        constant=_empty(scores, n),
        perfect=_empty(scores, n),
        pool_sizes=np.zeros(n, np.int64),
        right=np.zeros(n, np.int64),
    )
    for start, block in ranking.blocks:
        for query, similarities in enumerate(block, start):
            gains, excluded = relevance.judge(query)
            ascending = np.sort(gains[~excluded])
            pool = Candidates(ascending, ascending >= relevance.threshold)
            measured.pool_sizes[query] = len(ascending)
            measured.right[query] = pool.right.sum()
            by_ranking = ranks.ranked(similarities, gains, excluded)
            for values, order in (
                (measured.values, by_ranking),
                (measured.constant, ascending),  # of candidates that tie, the lowest gain comes first
                (measured.perfect, ascending[::-1]),
            ):
                ordered = Candidates(order, order >= relevance.threshold)
                for score in scores:
                    values[score.name][query] = score.compute(ordered)
            if not pool.gains.any():
                continue
            chance = ranks.by_chance(len(ascending), int(pool.right.sum()))
            for score in scores:
                # A score is defined for a query if the perfect ranking has it.
                if not np.isnan(measured.perfect[score.name][query]):
                    measured.random[score.name][query] = score.chance(chance, pool)
    return measured


def _empty(scores: Sequence[RankingScore], n: int) -> dict[str, Floats]:
    return {score.name: np.full(n, np.nan) for score in scores}


def _recall(k: int) -> RankingScore:
    def compute(ordered: Candidates) -> float:
        return float(ordered.right[:k].any()) if ordered.right.any() else float("nan")

    def by_chance(chance: ranks.Chance, pool: Candidates) -> float:
        return float(chance.recall[:k][-1])

    return RankingScore(f"recall@{k}", compute, by_chance)


def _precision(k: int) -> RankingScore:
    def by_chance(_: ranks.Chance, pool: Candidates) -> float:
        return float(pool.right.mean()) * min(k, len(pool.right)) / k

    return RankingScore(f"precision@{k}", lambda ordered: ranks.precision_at(ordered.right, k), by_chance)


def _jaccard(k: int) -> RankingScore:
    def by_chance(_: ranks.Chance, pool: Candidates) -> float:
        return float(pool.gains.mean()) * min(k, len(pool.gains)) / k

    return RankingScore(f"jaccard@{k}", lambda ordered: ranks.mean_gain(ordered.gains, k), by_chance)


def _map_by_chance(chance: ranks.Chance, _: Candidates) -> float:
    return chance.average_precision


def _ndcg_by_chance(chance: ranks.Chance, pool: Candidates) -> float:
    return float(pool.gains.sum()) * chance.discount / ranks.dcg(pool.gains[::-1])
