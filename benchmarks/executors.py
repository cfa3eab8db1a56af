"""Compares the local pool with a Ray cluster on this machine, each with one and with two workers, in turn.

`python -m benchmarks.executors 5` runs only this, five times each; a second number composes fewer articles.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.corpora import BENCH, composed
from benchmarks.runs import recipe
from roco.core import parts
from roco.core.execute import Executor
from roco.core.job import Job, JobResult
from roco.core.pools import pool_of
from roco.recipes.load import load_recipe

CONFIGURATIONS = [("local", 1), ("local", 2), ("ray", 1), ("ray", 2)]

N_PARTS = 10
"""Parts of the corpus: two with which workers start, and eight that are timed."""

N_FIRST = 2


class Clock:
    """A watcher that records when the first part was done, and how long a worker took for it."""

    def __init__(self) -> None:
        self.first: tuple[float, float] | None = None

    def done(self, job: Job, result: JobResult) -> None:
        self.first = self.first or (time.perf_counter(), result.seconds["all"])

    def advanced(self, job: Job, articles: int) -> None: ...

    def tick(self) -> None: ...


def once(source: Path, articles: int, executor: str, workers: int) -> tuple[float, float]:
    """Returns seconds until workers have started, and seconds of the row pass over the other parts.

    Workers have started when the first part is done, less the time that its worker took for it. For Ray, this contains
    the start of the cluster.
    """
    folder = BENCH / f"executor-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    run = load_recipe(recipe(source, folder)).open()
    plan = parts.plan(run.files.parts, run.pipeline.source, articles // N_PARTS)
    jobs, clock = [Job(name) for name in plan.names], Clock()
    started = time.perf_counter()
    with Executor(run.files, pool_of(executor, run.files, workers)) as pool:
        pool.start()
        pool.run(jobs[:N_FIRST], plan.articles, clock)
        assert clock.first is not None
        start = clock.first[0] - clock.first[1] - started
        timed = time.perf_counter()
        pool.run(jobs[N_FIRST:], plan.articles, clock)
        seconds = time.perf_counter() - timed
    shutil.rmtree(folder)
    return start, seconds


def executors(repeats: int, articles: int = 2000) -> list[str]:
    """Returns the section of docs/benchmarks.md; configurations alternate, so that noise affects all equally."""
    source = composed(articles)
    results: dict[tuple[str, int], list[tuple[float, float]]] = {one: [] for one in CONFIGURATIONS}
    load = os.getloadavg()[0]
    for _ in range(repeats):
        for executor, workers in CONFIGURATIONS:
            results[executor, workers].append(once(source, articles, executor, workers))
    return list(_lines(results, articles, load))


def _lines(results: dict[tuple[str, int], list[tuple[float, float]]], articles: int, load: float) -> Iterator[str]:
    times = {one: [seconds for _, seconds in runs] for one, runs in results.items()}
    yield from ("", "## Executors: local processes and Ray", "")
    yield f"The row pass over {N_PARTS - N_FIRST} parts of {articles // N_PARTS} composed articles, recipe `rocov2`, on"
    yield "one machine: `python -m benchmarks.executors`. Workers have started before; how long that took, for Ray with"
    yield f"the start of a cluster, is in a column of its own. The load of the machine before was {load:.1f}."
    yield from ("", "| executor | workers | seconds | start in seconds | single runs |", "|---|---|---|---|---|")
    for (executor, workers), runs in results.items():
        single = ", ".join(f"{seconds:.1f}" for seconds in times[executor, workers])
        start = statistics.median(start for start, _ in runs)
        yield f"| {executor} | {workers} | {statistics.median(times[executor, workers]):.1f} | {start:.1f} | {single} |"
    yield ""
    efficiency = {name: _ratio(times[name, 1], times[name, 2]) / 2 for name in ("local", "ray")}
    yield f"Efficiency of the second worker: {efficiency['local']:.2f} local, {efficiency['ray']:.2f} on Ray."
    slower = [_ratio(times["ray", n], times["local", n]) for n in (1, 2)]
    yield f"Ray takes {slower[0]:.2f} times as long with one worker, {slower[1]:.2f} times with two."
    yield "Targets: 0.90, and at most 1.10."
    yield "These are medians over runs that follow each other."


def _ratio(some: list[float], others: list[float]) -> float:
    """Returns the median quotient of runs that follow each other: a change of the machine's speed hardly affects it."""
    return statistics.median(a / b for a, b in zip(some, others, strict=True))


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    print("\n".join(executors(*(numbers or [3]))))
