"""The ways to run workers are chosen by name; a cluster is asked for what the heaviest stage needs."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import MissingExtra, StageFailed, UsageError
from roco.core.articles import NO_ARTICLES
from roco.core.cluster import MOST_ON_A_GPU, Demand, demand_of
from roco.core.execute import Executor
from roco.core.folder import RunFolder
from roco.core.job import MOST_LOST, Job, Loss
from roco.core.pipeline import Pipeline
from roco.core.pools import pool_of
from tests.core import fakes
from tests.core.conftest import run
from tests.core.test_execute import Quiet

Make = Callable[..., Pipeline]


def node(alive: bool = True, **resources: float) -> dict[str, Any]:
    return {"Alive": alive, "Resources": resources}


class Large(fakes.Words):
    heavy = 4 << 30


class Network(fakes.Words):
    gpu = True


def test_an_unknown_executor_is_answered_with_the_nearest_name_before_anything_is_written(
    make: Make, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"unknown executor 'rey' \(--executor\)\n  did you mean 'ray'\?"):
        run(make(), tmp_path / "run", executor="rey")
    assert not (tmp_path / "run").exists()


def test_without_the_extra_the_error_has_its_pip_line(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"ray is not installed\n  pip install '\.\[ray\]'"):
        run(make(), tmp_path / "run", executor="ray")


def test_ray_needs_at_least_one_worker(make: Make, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"invalid number of workers: 0 \(--executor ray\)"):
        pool_of("ray", RunFolder(tmp_path, make()), 0)


def test_a_worker_asks_for_the_memory_of_its_heaviest_stage(make: Make) -> None:
    asked = demand_of(make(words=Large()), [node(CPU=8, memory=10 << 30)])
    assert asked.options() == {"num_cpus": 1, "memory": 4 << 30}
    assert str(asked) == "1 CPU, 4.0 GiB of memory"
    assert asked.room([node(CPU=8, memory=10 << 30), node(CPU=1, memory=64 << 30)]) == 2 + 1
    assert asked.room([node(alive=False, CPU=8, memory=64 << 30)]) == 0


def test_without_heavy_stages_there_is_a_worker_for_each_cpu(make: Make) -> None:
    assert demand_of(make(), [node(CPU=2)]) == Demand()
    assert Demand().room([node(CPU=2), node(CPU=3.5), node(memory=1 << 30)]) == 5


def test_a_gpu_is_asked_for_only_if_a_stage_uses_one_and_a_node_has_one(make: Make) -> None:
    with_gpu, without = node(CPU=8, GPU=1), node(CPU=64)
    assert demand_of(make(), [with_gpu]).gpus == 0
    assert demand_of(make(words=Network()), [without]).gpus == 0
    assert demand_of(make(words=Network()), [with_gpu, without]).gpus > 0


@pytest.mark.parametrize(("cpus", "gpus", "workers"), [(8, 1, 8), (8, 2, 8), (3, 1, 3), (2, 4, 2), (6, 4, 6)])
def test_workers_share_gpus_so_that_all_cpus_of_a_node_are_used(make: Make, cpus: int, gpus: int, workers: int) -> None:
    nodes = [node(CPU=cpus, GPU=gpus)]
    assert demand_of(make(words=Network()), nodes).room([*nodes, node(CPU=64)]) == workers


def test_few_workers_share_one_gpu(make: Make) -> None:
    nodes = [node(CPU=64, GPU=1)]
    assert demand_of(make(words=Network()), nodes).room(nodes) == MOST_ON_A_GPU


def test_the_embedding_is_computed_on_a_gpu_where_there_is_one() -> None:
    from roco.stages.embed import Embed

    assert Embed().contract.gpu


def test_a_lost_worker_blames_no_figure_and_its_job_is_tried_a_limited_number_of_times() -> None:
    job = Job("p", crashed={"A/f0/0": "look"})
    for _ in range(MOST_LOST - 1):
        job = job.after_loss(Loss("node7: it was switched off"))
    assert job == Job("p", crashed={"A/f0/0": "look"}, lost=MOST_LOST - 1)
    with pytest.raises(StageFailed, match=r"lost 5 times, last because node7: it was switched off\n  .*same command"):
        job.after_loss(Loss("node7: it was switched off"))


def test_a_job_whose_worker_ran_out_of_memory_is_repeated_one_by_one() -> None:
    job = Job("p").after_loss(Loss("no memory", out_of_memory=True))
    assert job.one_by_one and not job.crashed
    assert dataclasses.replace(job, lost=0) == Job("p", one_by_one=True)


class Lost:
    """A process that is lost before it is ready."""

    is_ready, has_ended, exit_code, lost = False, True, None, Loss("node7: it was switched off")

    def send(self, line: bytes) -> None: ...

    def receive(self) -> None: ...

    def kill(self) -> None: ...

    def close(self) -> None: ...


class LosingPool:
    """A pool of which each process is lost."""

    label, size = "two workers", 2

    def __init__(self) -> None:
        self.processes: list[Lost] = []

    def start(self) -> Lost:
        self.processes.append(Lost())
        return self.processes[-1]

    def wait(self, seconds: float) -> list[Lost]:
        ended, self.processes = self.processes, []
        return ended

    def close(self) -> None: ...


def test_a_run_of_which_all_workers_are_lost_while_they_start_stops(make: Make, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run", make())
    with (
        Executor(folder, LosingPool()) as executor,
        pytest.raises(StageFailed, match="10 workers were lost while they started, last because node7"),
    ):
        executor.run([Job("p"), Job("q")], lambda part: NO_ARTICLES, Quiet())


@pytest.mark.slow
@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1"])
def test_a_cluster_that_does_not_answer_is_named(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    pytest.importorskip("ray", reason="pip install '.[ray]'")
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(UsageError, match=f"cannot connect to the Ray cluster at {address}: .*refused"):
        run(make(), tmp_path / "run", executor="ray")


def test_a_ray_that_cannot_be_imported_is_one_error(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ray.py").write_text("import a_library_that_is_missing")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(UsageError, match=r"cannot be imported \(ModuleNotFoundError") as error:
        run(make(), tmp_path / "run", executor="ray")
    assert error.value.hint.startswith("repair it: pip install")
