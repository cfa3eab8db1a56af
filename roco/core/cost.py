"""What a run costs: measured on groups of articles, and projected to a corpus and a number of machines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from roco.base import bootstrap
from roco.base.bootstrap import Interval
from roco.core.parts import sizes

Floats = NDArray[np.float64]

OF_ARTICLES = ("read", "bookkeeping", "write")
"""Work besides the stages that grows with the articles; `pack` grows with the kept figures."""

FEWEST_FOR_RANGE = 4
"""Groups of articles from which a range is estimated, at least."""

HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What the pass over some articles cost.

    figures: kept by extraction; kept: by all stages of single figures. cpu: CPU seconds by stage, and for `read`,
    `pack`, `write` and `bookkeeping`. rows: figures that each stage received. n_bytes, n_requests: of the source. disk:
    bytes in the run folder by kind. image_bytes: of the kept original images.
    """

    articles: int = 0
    figures: int = 0
    kept: int = 0
    cpu: Mapping[str, float] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    n_bytes: int = 0
    n_requests: int = 0
    disk: Mapping[str, float] = field(default_factory=dict)
    image_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The cost of groups of articles on this machine.

    first: the stage that reads articles. stages: all that process single figures, in order. part: the cost of a part
    without articles, which the costs of the groups do not contain. seconds: that the groups took. worker_bytes,
    driver_bytes: memory. listing_bytes: of one article, in the driver's memory. is_remote: the source is a bucket.
    """

    first: str
    stages: Sequence[str]
    groups: Sequence[Cost]
    part: Cost
    seconds: float
    worker_bytes: int
    driver_bytes: int
    listing_bytes: float
    is_remote: bool

    @property
    def articles(self) -> int:
        return sum(group.articles for group in self.groups)

    @property
    def figures(self) -> int:
        return sum(group.figures for group in self.groups)

    @property
    def rows(self) -> dict[str, int]:
        """Returns the figures of the sample that each stage received, and under `pack` those that were kept."""
        rows = {stage: sum(group.rows.get(stage, 0) for group in self.groups) for stage in self.stages}
        return {**rows, "pack": sum(group.kept for group in self.groups)}


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """The articles and figures to plan for.

    rows: figures that each stage receives, of as many as `rows_of`, for example in a previous run; by default, as
    in the sample.
    """

    articles: int
    figures: float
    rows: Mapping[str, int] | None = None
    rows_of: int = 0


@dataclass(frozen=True, kw_only=True)
class Machines:
    """The machines of a run, and what the source delivers to all of them; price: of a core for an hour."""

    machines: int = 1
    cores: int = 1
    price: float = 0.0
    bits_per_second: float = math.inf
    requests_per_second: float = math.inf

    @property
    def workers(self) -> int:
        return self.machines * self.cores


@dataclass(frozen=True)
class StageCost:
    """Core-hours of a stage. units: articles or figures; n: how many; seconds: for each; None if none was measured."""

    stage: str
    units: str
    n: float
    seconds: float | None
    hours: float


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run over a corpus takes.

    hours: core-hours; low, high: their range, None if the sample has too few groups; hours_without_filters: if no
    figure were dropped before the last stage. parts: their number. n_bytes, n_requests: of the source. disk: bytes by
    kind. hours_by_limit: from the start to the end, by what limits them. total_price: for all cores in that time.
    """

    stages: Sequence[StageCost]
    hours: float
    low: float | None
    high: float | None
    hours_without_filters: float
    parts: int
    n_bytes: float
    n_requests: float
    disk: Mapping[str, float]
    worker_bytes: float
    driver_bytes: float
    hours_by_limit: Mapping[str, float]
    total_price: float

    @property
    def elapsed_hours(self) -> float:
        return max(self.hours_by_limit.values())

    @property
    def limit(self) -> str:
        """Returns what takes longest: computing, network or requests."""
        return max(self.hours_by_limit, key=lambda name: self.hours_by_limit[name])


def estimate(calibration: Calibration, corpus: Corpus, machines: Machines) -> Plan:
    """Projects the measured costs to a corpus."""
    n_parts = sum(1 for _ in sizes(corpus.articles))
    stages = stage_costs(calibration, corpus, n_parts)
    hours = sum(stage.hours for stage in stages)
    bound = _bound(calibration, corpus, n_parts, hours)
    sample = calibration
    per_article = corpus.articles / sample.articles
    n_bytes = per_article * sum(group.n_bytes for group in sample.groups)
    n_requests = per_article * sum(group.n_requests for group in sample.groups)
    hours_by_limit = {
        "computing": max(hours / machines.workers, hours / n_parts),  # a part is not divided between workers
        "network": 8 * n_bytes / machines.bits_per_second / HOUR,
        "requests": n_requests / machines.requests_per_second / HOUR if sample.is_remote else 0.0,
    }
    return Plan(
        stages=stages,
        hours=hours,
        low=bound.low if bound else None,
        high=bound.high if bound else None,
        hours_without_filters=sum(_hours_without_filters(stage, corpus) for stage in stages),
        parts=n_parts,
        n_bytes=n_bytes,
        n_requests=n_requests,
        disk=_disk(sample, corpus, n_parts),
        worker_bytes=sample.worker_bytes,
        driver_bytes=sample.driver_bytes + 2 * sample.listing_bytes * corpus.articles,  # before and after an update
        hours_by_limit=hours_by_limit,
        total_price=machines.workers * max(hours_by_limit.values()) * machines.price,
    )


# --- core-hours -------------------------------------------------------------------------------------------------------


def stage_costs(calibration: Calibration, corpus: Corpus, n_parts: int) -> list[StageCost]:
    """Returns the cost of each stage, in the order of the pass."""
    names = ("read", *calibration.stages, "pack", "write", "bookkeeping")
    totals = {name: sum(group.cpu.get(name, 0.0) for group in calibration.groups) for name in names}
    costs = []
    for name in names:
        measured = calibration.articles if _is_of_articles(calibration, name) else calibration.rows[name]
        n = corpus.articles if _is_of_articles(calibration, name) else _rows(calibration, corpus, name)
        seconds = totals[name] / measured if measured else None
        hours = (n * (seconds or 0.0) + n_parts * calibration.part.cpu.get(name, 0.0)) / HOUR
        units = "articles" if _is_of_articles(calibration, name) else "figures"
        costs.append(StageCost(name, units, n, seconds, hours))
    return costs


def _is_of_articles(calibration: Calibration, name: str) -> bool:
    return name in OF_ARTICLES or name == calibration.first


def _rows(calibration: Calibration, corpus: Corpus, name: str) -> float:
    """Returns how many figures of the corpus reach a stage."""
    given = corpus.rows is not None and name in corpus.rows
    rows, of = (corpus.rows or {}, corpus.rows_of) if given else (calibration.rows, calibration.figures)
    return corpus.figures * rows[name] / of if of else 0.0


def _hours_without_filters(stage: StageCost, corpus: Corpus) -> float:
    """Returns the core-hours of a stage that receives every figure."""
    if stage.units == "articles" or stage.stage == "pack":
        return stage.hours
    return corpus.figures * (stage.seconds or 0.0) / HOUR


def _bound(calibration: Calibration, corpus: Corpus, n_parts: int, hours: float) -> Interval | None:
    """Returns the 95 % interval of the core-hours over resamples of the groups."""
    groups = calibration.groups
    if len(groups) < FEWEST_FOR_RANGE:
        return None
    drawn = bootstrap.weights(len(groups)).astype(np.float64)
    n_figures = drawn @ np.array([group.figures for group in groups], np.float64)
    n_articles = drawn @ np.array([group.articles for group in groups], np.float64)
    seconds = np.full(len(drawn), sum(calibration.part.cpu.values()) * n_parts)
    for name in ("read", *calibration.stages, "pack", "write", "bookkeeping"):
        cost = drawn @ np.array([group.cpu.get(name, 0.0) for group in groups])
        if _is_of_articles(calibration, name):
            seconds += _ratio(cost, n_articles) * corpus.articles
        elif corpus.rows is not None and name in corpus.rows:
            rows = drawn @ np.array([_rows_of(group, name) for group in groups], np.float64)
            seconds += _ratio(cost, rows) * _rows(calibration, corpus, name)
        else:  # how many figures reach a stage differs between the resamples, too
            seconds += _ratio(cost, n_figures) * corpus.figures
    return bootstrap.containing(bootstrap.interval(seconds / HOUR), hours)


def _rows_of(group: Cost, name: str) -> int:
    return group.kept if name == "pack" else group.rows.get(name, 0)


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


# --- disk -------------------------------------------------------------------------------------------------------------


def _disk(calibration: Calibration, corpus: Corpus, n_parts: int) -> dict[str, float]:
    """Returns the bytes of a run folder by kind; the release has at most all images that the single stages keep."""
    kept = calibration.rows["pack"]
    n_kept = _rows(calibration, corpus, "pack")
    n_of = {"images": (kept, n_kept)}
    disk = {}
    for kind in ("measures", "decisions", "images"):
        each = calibration.part.disk.get(kind, 0.0)
        total = sum(group.disk.get(kind, 0.0) for group in calibration.groups)
        measured, n = n_of.get(kind, (calibration.figures, corpus.figures))
        disk[kind] = n_parts * each + (total / measured * n if measured else 0.0)
    image_bytes = sum(group.image_bytes for group in calibration.groups)
    disk["release"] = image_bytes / kept * n_kept if kept else 0.0
    return disk
