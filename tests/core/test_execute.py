"""Workers start before the jobs are known and stay alive; one that sends nothing for too long is killed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from roco.base.errors import StageFailed
from roco.core import execute, parts
from roco.core.articles import NO_ARTICLES
from roco.core.execute import Executor
from roco.core.folder import RunFolder
from roco.core.job import Culprit, Job, JobResult
from roco.core.local import LocalPool
from roco.core.pipeline import Pipeline
from tests.core import fakes
from tests.core.conftest import run
from tests.faults import stages

Make = Callable[..., Pipeline]


class Quiet:
    """A watcher that ignores what it receives."""

    def done(self, job: Job, result: JobResult) -> None: ...

    def advanced(self, job: Job, articles: int) -> None: ...

    def tick(self) -> None: ...


def local(folder: RunFolder, workers: int) -> Executor:
    """An executor with worker processes on this machine."""
    return Executor(folder, LocalPool(folder, workers))


@pytest.fixture
def executor(make: Make, tmp_path: Path) -> Iterator[Executor]:
    """An executor whose workers are killed at the end."""
    with local(RunFolder(tmp_path / "run", make()), 2) as executor:
        executor.watcher, executor.articles = Quiet(), lambda part: NO_ARTICLES
        yield executor


def test_loading_a_model_has_a_budget_of_its_own(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute.time, "monotonic", lambda: 1000.0)
    process: Any = None
    worker = execute._Worker(process)
    executor._receive(worker, {"at": ["", "look"]})
    assert (worker.deadline, worker.culprit) == (1000.0 + execute.LOADING, Culprit("", "look"))
    executor._receive(worker, {"at": ["A/f0/0", "look"]})
    assert (worker.deadline, worker.culprit) == (1000.0 + execute.STALL, Culprit("A/f0/0", "look"))
    assert execute.LOADING > execute.STALL


def test_a_worker_has_the_loading_budget_while_it_starts(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute.time, "monotonic", lambda: 1000.0)
    worker = executor._start()
    executor.queue.append(Job("p"))
    executor._next(worker)
    assert worker.job is not None and worker.deadline == 1000.0 + execute.LOADING
    executor._receive(worker, {"at": ["A/f0/0", "look"]})
    executor.queue.append(Job("q"))
    executor._next(worker)
    assert worker.deadline == 1000.0 + execute.STALL


def processes(executor: Executor) -> list[int]:
    return sorted(w.process.child.pid for w in executor.workers)


def test_workers_started_before_the_jobs_are_known_are_the_ones_that_run_them(
    make: Make, tmp_path: Path, executor: Executor
) -> None:
    folder = executor.folder
    plan = parts.plan(folder.parts, folder.pipeline.source, 7)
    executor.start()
    early = processes(executor)
    assert len(early) == 2
    executor.run([Job(name) for name in plan.names[:3]], plan.articles, Quiet())
    executor.run([Job(name) for name in plan.names[3:]], plan.articles, Quiet())
    assert processes(executor) == early
    assert len(list(folder.row_decisions_folder.glob("*.parquet"))) == len(plan.names)


def test_a_worker_that_died_without_a_job_is_replaced(executor: Executor) -> None:
    folder = executor.folder
    plan = parts.plan(folder.parts, folder.pipeline.source, 7)
    executor.start()
    for w in executor.workers:
        w.process.child.kill()
        w.process.child.wait()
    executor.run([Job(name) for name in plan.names], plan.articles, Quiet())
    assert len(list(folder.row_decisions_folder.glob("*.parquet"))) == len(plan.names)


def test_an_error_of_one_job_ends_all_workers(tmp_path: Path, articles: Path) -> None:
    made = Pipeline(stages.Faulty(path=articles), (fakes.Read(), fakes.Free()), fakes.CATALOGUE)
    with local(RunFolder(tmp_path / "run", made), 2) as executor:
        plan = parts.plan(executor.folder.parts, made.source, 7)
        with pytest.raises(StageFailed):
            executor.run([Job(name) for name in plan.names], plan.articles, Quiet())
        assert executor.workers == []


def test_a_run_with_nothing_to_do_starts_no_worker(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(make(), tmp_path / "run", workers=0)

    def started(self: Executor) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr(Executor, "_start", started)
    assert run(make(), tmp_path / "run", workers=2).complete


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prepared(fakes.Words):
    """Logs when its model is loaded."""

    def prepare(self) -> None:
        fakes.log("prepared")

    def __call__(self, batch: pa.Table) -> pa.Table:
        fakes.log("called")
        return super().__call__(batch)


def test_a_stage_is_prepared_once_for_each_part_and_only_if_it_has_work(
    make: Make, tmp_path: Path, counted: Callable[[], dict[str, int]]
) -> None:
    outcome = run(make(words=Prepared()), tmp_path / "run", workers=0)
    done = counted()
    assert done["prepared"] == outcome.parts_done <= done["called"]
    run(make(words=Prepared(), long=fakes.Long(at_least=3)), tmp_path / "run", workers=0)
    assert counted()["prepared"] == 0
