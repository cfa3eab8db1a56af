"""Starts workers on the nodes of a Ray cluster: an actor starts each process and relays its messages.

Ray places and starts actors, and nothing else: no rows and no images pass through its object store.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

from roco.base.errors import MissingExtra, UsageError
from roco.core import nodes, relay, worker
from roco.core.cluster import Demand, connected, demand_of, resources_of
from roco.core.folder import RunFolder
from roco.core.job import Loss
from roco.core.run_log import LOG

PLACEMENT_TIMEOUT = 10.0
"""Seconds after which a worker that Ray has not placed on a node yet is reported."""

RECOUNT_INTERVAL = 5.0
"""Seconds between two counts of how many workers the cluster has room for."""

KILL_TIMEOUT = 10.0
"""Seconds to wait for the end of an actor that was killed."""

KILLED = -9
"""The exit code of a process that the executor killed."""


class RayProcess:
    """A worker process on a node of the cluster, through the actor that started it."""

    def __init__(self, actor: Any) -> None:
        self.actor, self.started = actor, time.monotonic()
        self.node = ""  # until it is placed
        self.is_ready = self.has_ended = self.is_killed = self.is_closed = False
        self.exit_code: int | None = None
        self.lost: Loss | None = None
        self.pending = actor.node.remote()

    def send(self, line: bytes) -> None:
        self.actor.send.remote(line)  # if the actor has ended, `receive` returns None

    def receive(self) -> Sequence[bytes] | None:
        """Returns the messages of the answer for which the pool has waited.

        Raises UsageError if the process could not start because of what its node lacks.
        """
        import ray

        try:
            answer = ray.get(self.pending)
        except ray.exceptions.RayError as err:
            self._after_error(err)
            return None
        if not self.node:
            self.node, lines, end = answer, [], None
        else:
            lines, end = answer
        if end is not None:
            self._after_end(end["exit_code"], end["errors"])
            return None
        self.pending = self.actor.receive.remote()
        if worker.READY in lines:
            self.is_ready = True
            lines.remove(worker.READY)
        messages: list[bytes] = lines
        return messages

    def _after_end(self, exit_code: int, errors: Sequence[str]) -> None:
        """Records how the process ended, and prints the last lines of its standard error."""
        self.has_ended, self.exit_code = True, exit_code
        for line in errors:
            print(f"{self.node}: {line}", file=sys.stderr)
        if self.is_ready:
            return
        if exit_code > 0:
            why = errors[-1] if errors else "no message"
            raise UsageError(
                f"a worker cannot start on node {self.node} (exit code {exit_code}): {why}",
                "install roco and its extras there as on this machine, in the Python that runs Ray",
            )
        self.lost = Loss(f"its process on node {self.node} ended with exit code {exit_code}")

    def _after_error(self, error: Exception) -> None:
        """Records why the actor ended; the exit code is known only where the executor killed it."""
        import ray

        self.has_ended = True
        if self.is_killed:
            self.exit_code = KILLED
            if self.node and not self.is_ready:
                self.lost = Loss(f"node {self.node}: its process did not start in time")
            return
        # The last line of Ray's message has the cause; those before it describe the actor.
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        where = f"node {self.node}: " if self.node else ""
        out_of_memory = isinstance(error, ray.exceptions.OutOfMemoryError)
        why = lines[0] if out_of_memory else lines[-1]
        self.lost = Loss(f"{where}{why}", out_of_memory)

    def kill(self) -> None:
        import ray

        self.is_killed = True
        ray.kill(self.actor)

    def close(self) -> None:
        import ray

        self.is_closed = True
        if self.is_killed and not self.has_ended:
            ray.wait([self.pending], timeout=KILL_TIMEOUT)
        ray.kill(self.actor)  # it may outlive its process, and would go on occupying its node


class RayPool:
    """Worker processes on a Ray cluster: the one of RAY_ADDRESS, or one on this machine for this run.

    workers: how many; by default as many as the cluster has room for, also when it grows or shrinks.
    """

    def __init__(self, folder: RunFolder, workers: int | None) -> None:
        if workers == 0:
            raise UsageError("invalid number of workers: 0 (--executor ray)", "use 1 or more, or --executor local")
        if importlib.util.find_spec("ray") is None:
            raise MissingExtra("ray", "ray")
        self.folder, self.workers = folder, workers
        self.processes: list[RayProcess] = []
        self.open = ExitStack()
        self.counted, self.counted_at = 0, -RECOUNT_INTERVAL
        self.reported: str | None = None

    @property
    def label(self) -> str:
        return "workers on Ray" if self.workers is None else f"{self.workers} workers on Ray"

    @property
    def size(self) -> int:
        """Returns how many workers may run; at least 1, so that a cluster without nodes adds one."""
        if self.workers is not None:
            return self.workers
        if time.monotonic() - self.counted_at > RECOUNT_INTERVAL:
            self.counted, self.counted_at = self.demand.room(self.ray.nodes()), time.monotonic()
        return max(1, self.counted)

    @cached_property
    def ray(self) -> Any:
        """The module `ray`, connected to the cluster."""
        return self.open.enter_context(connected(self.workers))

    @cached_property
    def demand(self) -> Demand:
        """What one worker asks the cluster for."""
        return demand_of(self.folder.pipeline, self.ray.nodes())

    @cached_property
    def _hello(self) -> dict[str, Any]:
        token = self.open.enter_context(nodes.token_file(self.folder.root))
        return {**worker.hello(self.folder), "expected": nodes.expected(self.folder, token)}

    @cached_property
    def _actor(self) -> Any:
        """The class of actors; it is sent with its code, so that a node without roco can report that."""
        self.ray.cloudpickle.register_pickle_by_value(relay)
        return self.ray.remote(relay.Relay).options(
            **self.demand.options(), max_restarts=0, max_task_retries=0, max_concurrency=2, scheduling_strategy="SPREAD"
        )

    def start(self) -> RayProcess:
        env = {name: value for name, value in os.environ.items() if name.startswith("ROCO_")}
        env |= {"OMP_NUM_THREADS": "1"} | ({} if self.demand.gpus else {"CUDA_VISIBLE_DEVICES": ""})
        process = RayProcess(self._actor.remote(json.dumps(self._hello).encode() + b"\n", env, str(Path.cwd())))
        self.processes.append(process)
        return process

    def wait(self, seconds: float) -> list[RayProcess]:
        self.processes = [process for process in self.processes if not process.is_closed]
        answers = {process.pending: process for process in self.processes}
        if not answers:
            time.sleep(seconds)
            return []
        ready, _ = self.ray.wait(list(answers), timeout=seconds)
        if ready:
            ready, _ = self.ray.wait(list(answers), num_returns=len(answers), timeout=0)
        self._report_unplaced()
        return [answers[ref] for ref in ready]

    def _report_unplaced(self) -> None:
        """Logs that workers wait for room, when their number or what they ask for has changed."""
        now = time.monotonic()
        n_waiting = sum(not process.node and now - process.started > PLACEMENT_TIMEOUT for process in self.processes)
        if not n_waiting:
            self.reported = None
            return
        waiting = f"{n_waiting} of {len(self.processes)} workers wait for room on the Ray cluster"
        if self.reported != waiting:
            self.reported = waiting
            resources = resources_of(self.ray.nodes(), self.ray.available_resources())
            LOG.warning("%s: each asks for %s; %s", waiting, self.demand, resources)

    def close(self) -> None:
        self.open.close()
