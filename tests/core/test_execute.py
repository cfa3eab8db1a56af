"""A worker that sends nothing for too long is killed; starting it and loading a model have a budget of their own."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from roco.core import execute
from roco.core.folder import RunFolder
from roco.core.job import Culprit
from roco.core.pipeline import Pipeline
from tests.core import fakes
from tests.core.conftest import run

Make = Callable[..., Pipeline]


def pool_of(make: Make, tmp_path: Path) -> execute._Pool:
    return execute._Pool(RunFolder(tmp_path, make()), deque(), lambda part: [], lambda result: None, lambda: None)


def test_loading_a_model_has_a_budget_of_its_own(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute.time, "monotonic", lambda: 1000.0)
    pool = pool_of(make, tmp_path)
    process: Any = None
    worker = execute._Worker(process)
    pool._receive(worker, {"at": ["", "look"]})
    assert (worker.deadline, worker.culprit) == (1000.0 + execute.LOADING, Culprit("", "look"))
    pool._receive(worker, {"at": ["A/f0/0", "look"]})
    assert (worker.deadline, worker.culprit) == (1000.0 + execute.STALL, Culprit("A/f0/0", "look"))
    assert execute.LOADING > execute.STALL


def test_a_worker_has_the_loading_budget_while_it_starts(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from roco.core.job import Job

    pool = execute._Pool(
        RunFolder(tmp_path, make()), deque([Job("p")]), lambda part: [], lambda result: None, lambda: None
    )
    monkeypatch.setattr(execute.time, "monotonic", lambda: 1000.0)
    pool._start()
    [worker] = pool.workers
    try:
        assert worker.job is not None and worker.deadline == 1000.0 + execute.LOADING
    finally:
        worker.process.kill()
        pool._end(worker)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prepared(fakes.Words):
    """Logs when its model is loaded."""

    def prepare(self) -> None:
        fakes.log("prepared")

    def __call__(self, batch: pa.Table) -> pa.Table:
        fakes.log("called")
        return super().__call__(batch)


def test_a_stage_is_prepared_once_before_its_first_batch_and_only_if_it_has_work(
    make: Make, tmp_path: Path, counted: Callable[[], dict[str, int]]
) -> None:
    run(make(words=Prepared()), tmp_path / "run", workers=0, part_size=30)
    done = counted()
    assert done["prepared"] == 1 and done["called"] >= 1
    run(make(words=Prepared(), long=fakes.Long(at_least=3)), tmp_path / "run", workers=0, part_size=30)
    assert counted()["prepared"] == 0
