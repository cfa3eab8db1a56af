"""Measures what a run costs on this machine: the real pass over a sample of the articles, in a temporary folder."""

from __future__ import annotations

import dataclasses
import itertools
import math
import resource
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.progress import Progress
from roco.base.sealed_tables import read_table
from roco.core import part, parts
from roco.core.articles import Articles
from roco.core.cost import Calibration, Cost
from roco.core.counted_source import CountedSource
from roco.core.folder import RunFolder
from roco.core.job import Job, JobResult
from roco.core.pack import PackReader
from roco.core.pipeline import Pipeline
from roco.core.rows import prepare
from roco.core.source import Source, listing_of
from roco.core.store import PACKAGES_OPEN

FEWEST_GROUPS = 8
"""Groups into which a small sample is divided, so that the spread between them can be estimated."""

MOST_ARTICLES = 100_000
"""Articles of a sample, at most."""

EMPTY_PARTS = 3
"""Parts without articles that are written to measure what each part costs, however few articles it has."""

_BOOKKEEPING = "bookkeeping"
"""What is neither reading nor a stage nor writing: joins and checks of tables."""


def listing(source: Source, stored: Path, progress: Progress) -> pa.Table:
    """Returns the listing of a source; if the run has begun, the listing that it stored."""
    known = parts.read(stored).table
    if len(known):
        return known.filter(known["current"])
    progress.start(f"listing the articles in {source.path}", None)
    table = listing_of(source, None, progress)
    if not len(table):
        raise DataError(
            f"no articles under {source.path} for a source of kind '{source.kind}'",
            "check the path in [source]; docs/data-format.md describes the layouts",
        )
    return table


def calibrate(
    pipeline: Pipeline,
    articles: pa.Table,
    seconds: float,
    progress: Progress,
    clock: Callable[[], float] = time.monotonic,
) -> Calibration:
    """Runs all stages that process single figures on articles of a listing, until the seconds have passed.

    The articles are spread evenly over the listing and are processed in groups, each of which is one entry of the
    result. A first group, which is not counted, loads models and fills caches. clock: for tests.
    """
    driver = _peak_memory()
    source = CountedSource(pipeline.source)
    pipeline = Pipeline(source, pipeline.stages, pipeline.catalogue)  # one for all groups: its stages keep their models
    for step in pipeline.steps:
        prepare(step, "its models and vocabularies")
    rows = articles.take(pa.array(spread(len(articles))[:MOST_ARTICLES]))
    size = min(PACKAGES_OPEN, max(1, math.ceil(len(rows) / FEWEST_GROUPS)))
    progress.start("articles of the sample", None)
    with TemporaryDirectory(prefix="roco-plan-") as name:

        def cost(some: pa.Table) -> Cost:
            try:
                return _cost(RunFolder(Path(name) / "run", pipeline), source, some)
            finally:
                shutil.rmtree(Path(name) / "run", ignore_errors=True)

        cost(rows.slice(0, size))
        part = _mean([cost(rows.slice(0, 0)) for _ in range(EMPTY_PARTS)])
        started = clock()
        groups: list[Cost] = []
        while not groups or (clock() - started < seconds and len(groups) * size < len(rows)):
            groups.append(beyond(cost(rows.slice(len(groups) * size, size)), part))
            progress.advance(groups[-1].articles)
        n_together = min(len(groups), PACKAGES_OPEN // size)
        if n_together > 1:
            together = beyond(cost(rows.slice(0, n_together * size)), part)
            groups = as_together(groups, groups[:n_together], together)
        elapsed = clock() - started
    return Calibration(
        first=pipeline.steps[0].name,
        stages=tuple(step.name for step in pipeline.steps if step in pipeline.row_steps or step.is_measure),
        groups=tuple(groups),
        part=part,
        seconds=elapsed,
        worker_bytes=max(_peak_memory(), *(step.contract.heavy for step in pipeline.steps)),
        driver_bytes=driver,
        listing_bytes=articles.nbytes / len(articles),
        is_remote=isinstance(source.path, str),
    )


def spread(n: int) -> NDArray[np.int64]:
    """Returns 0 to n - 1 in an order in which the first k numbers, for any k, are spread evenly over all of them.

    It is the order of the numbers whose bits are reversed: halves, then quarters, then eighths.
    """
    order = np.zeros(1, np.int64)
    while len(order) < n:
        order = np.concatenate([2 * order, 2 * order + 1])
    return order[order < n]


def beyond(cost: Cost, part: Cost) -> Cost:
    """Returns what some articles cost beyond what a part without articles costs."""

    def rest(of: Mapping[str, float], least: Mapping[str, float]) -> dict[str, float]:
        return {name: max(0.0, n - least.get(name, 0.0)) for name, n in of.items()}

    return dataclasses.replace(cost, cpu=rest(cost.cpu, part.cpu), disk=rest(cost.disk, part.disk))


def as_together(groups: Sequence[Cost], some: Sequence[Cost], together: Cost) -> list[Cost]:
    """Returns the groups with the seconds that they would take if more articles were processed at once, as in a run.

    Each call of a stage has a cost of its own, which weighs more in small groups. together: the cost of the articles of
    some of the groups, processed at once.
    """
    factors = {}
    for name, seconds in together.cpu.items():
        apart = sum(group.cpu.get(name, 0.0) for group in some)
        factors[name] = min(1.0, seconds / apart) if apart else 1.0
    return [
        dataclasses.replace(group, cpu={name: n * factors.get(name, 1.0) for name, n in group.cpu.items()})
        for group in groups
    ]


def _cost(folder: RunFolder, source: CountedSource, rows: pa.Table) -> Cost:
    """Processes some articles as one part in a folder of their own; returns what that cost."""
    source.n_bytes = source.n_requests = 0
    name = parts.part_name(rows)
    results = list(_jobs(folder, name, Articles(parts.part_table(rows))))
    first = results[0]
    assert first.record is not None  # of a row pass
    flows = first.record.funnel
    rows_in = {flow.stage: flow.rows_in for flow in flows}
    kept = flows[-1].kept
    # The stages after the first one over the whole table receive at most what the row pass kept.
    rows_in |= {step.name: kept for step in folder.pipeline.table_steps if step.is_measure}
    return Cost(
        articles=len(rows),
        figures=flows[0].kept,
        kept=kept,
        cpu=_by_stage(results),
        rows=rows_in,
        n_bytes=source.n_bytes,
        n_requests=source.n_requests,
        disk=_disk(folder),
        image_bytes=_image_bytes(folder, name),
    )


def _jobs(folder: RunFolder, name: str, articles: Articles) -> Iterator[JobResult]:
    """Runs the row pass, then each measure that a recipe needs after its first stage over the whole table."""
    yield part.do(folder, Job(name, articles=articles), _ignore, _ignore)
    kept = _kept(folder, name)
    for step in folder.pipeline.table_steps:
        if step.is_measure and kept:
            yield part.do(folder, Job(name, step.name, tuple(kept), articles), _ignore, _ignore)


def _kept(folder: RunFolder, name: str) -> list[str]:
    table, _ = read_table(folder.row_decisions(name), ["figure_id", "stage"])
    ids: list[str] = table.filter(pc.is_null(table["stage"]))["figure_id"].to_pylist()
    return ids


def _ignore(*reported: Any) -> None: ...


def _by_stage(results: Sequence[JobResult]) -> dict[str, float]:
    """Returns CPU seconds by stage; what no name accounts for is bookkeeping."""
    total: Counter[str] = Counter()
    for result in results:
        total.update(result.cpu)
    everything = results[0].cpu["all"]
    named = sum(seconds for name, seconds in results[0].cpu.items() if name != "all")
    del total["all"]
    return {**total, _BOOKKEEPING: max(0.0, everything - named)}


def _disk(folder: RunFolder) -> dict[str, int]:
    """Returns the bytes of a run folder by kind: measures, decisions, images."""
    sizes: Counter[str] = Counter()
    for path in folder.root.rglob("*"):
        if path.is_file():
            sizes[path.relative_to(folder.root).parts[0]] += path.stat().st_size
    return dict(sizes)


def _image_bytes(folder: RunFolder, name: str) -> int:
    """Returns the bytes of the original images in the pack of a part."""
    pack = PackReader(folder.pack(name))
    try:
        return sum(pack.size(figure) or 0 for figure in _kept(folder, name))
    finally:
        pack.close()


def _mean(costs: Sequence[Cost]) -> Cost:
    """Returns the mean cost of parts without articles; only seconds and bytes on the disk differ from zero."""

    def mean(field: Callable[[Cost], Mapping[str, float]]) -> dict[str, float]:
        names = dict.fromkeys(itertools.chain.from_iterable(map(field, costs)))
        return {name: sum(field(cost).get(name, 0) for cost in costs) / len(costs) for name in names}

    return Cost(cpu=mean(lambda cost: cost.cpu), disk=mean(lambda cost: cost.disk))


def _peak_memory() -> int:
    """Returns the peak memory of this process, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
