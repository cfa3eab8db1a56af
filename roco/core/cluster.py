"""Connects to a Ray cluster, or starts one on this machine, and counts the workers that it has room for."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from roco.base.errors import UsageError
from roco.base.install import pip_line
from roco.core.pipeline import Pipeline
from roco.core.run_log import LOG

STORE = 80 << 20
"""Bytes of the object store of a cluster that is started for a run: close to the minimum of Ray; none is used."""

MOST_ON_A_GPU = 16
"""Workers that share one GPU, at most; each holds a network and a context of the device in its memory."""

CONNECT_TIMEOUT = 20.0
"""Seconds to wait for an answer of the head node."""

Nodes = Sequence[Mapping[str, Any]]
"""What `ray.nodes()` returns."""


@dataclass(frozen=True)
class Demand:
    """What one worker asks for, besides one CPU. memory: bytes, or 0. gpus: a share of a GPU, or 0."""

    memory: int = 0
    gpus: float = 0.0

    def options(self) -> dict[str, Any]:
        """Returns the options of an actor that asks for it."""
        options: dict[str, Any] = {"num_cpus": 1}
        if self.memory:
            options["memory"] = self.memory
        if self.gpus:
            options["num_gpus"] = self.gpus
        return options

    def room(self, nodes: Nodes) -> int:
        """Returns how many workers fit on the nodes that are alive, if nothing else runs there."""
        return sum(self._fits(node["Resources"]) for node in nodes if node["Alive"])

    def _fits(self, resources: Mapping[str, float]) -> int:
        fits = [resources.get("CPU", 0)]
        if self.memory:
            fits.append(resources.get("memory", 0) / self.memory)
        if self.gpus:
            fits.append(resources.get("GPU", 0) / self.gpus + 1e-6)
        return int(min(fits))

    def __str__(self) -> str:
        return _amounts(1, self.memory, self.gpus)


def demand_of(pipeline: Pipeline, nodes: Nodes) -> Demand:
    """Returns what a worker for a pipeline asks for: the memory of its heaviest stage, and a share of a GPU.

    A GPU is asked for if a stage can use one and a node has one. Then all workers run on such nodes, so that all
    scores of the run come from one kind of device. The share lets the node with the most CPUs per GPU use all of them.
    """
    contracts = [step.contract for step in pipeline.steps]
    memory = max(contract.heavy for contract in contracts)
    with_gpu = [node["Resources"] for node in nodes if node["Alive"] and node["Resources"].get("GPU", 0) >= 1]
    if not with_gpu or not any(contract.gpu for contract in contracts):
        return Demand(memory)
    cpus_of_one = max(resources.get("CPU", 1) / resources["GPU"] for resources in with_gpu)
    return Demand(memory, round(1 / min(MOST_ON_A_GPU, max(1, cpus_of_one)) - 5e-5, 4))


def resources_of(nodes: Nodes, available: Mapping[str, float]) -> str:
    """Returns the resources of a cluster as text: in total, and how much of them is free."""
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    has = [sum(resources.get(name, 0) for resources in alive) for name in ("CPU", "memory", "GPU")]
    free = [available.get(name, 0) for name in ("CPU", "memory", "GPU")]
    return f"its nodes ({len(alive)}) have {_amounts(*has)}, of which {_amounts(*free)} are free"


def _amounts(cpus: float, memory: float, gpus: float) -> str:
    parts = [f"{cpus:g} CPU{'' if cpus == 1 else 's'}"]
    if memory:
        parts.append(f"{memory / (1 << 30):.1f} GiB of memory")
    if gpus:
        parts.append(f"{gpus:g} GPU{'s' if gpus > 1 else ''}")
    return ", ".join(parts)


@contextmanager
def connected(workers: int | None) -> Iterator[Any]:
    """Yields the module `ray`, connected to the cluster of RAY_ADDRESS, or else to a new one on this machine.

    If the caller is connected to Ray already, that connection is used and left open. workers: a new cluster has a CPU
    for each. Raises UsageError if Ray cannot be imported, or if the cluster cannot be reached or runs another version
    of Ray or Python.
    """
    address = os.environ.get("RAY_ADDRESS")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # what Ray will do anyway; otherwise it warns
    if not address:
        # Other users of this machine must not run code through the cluster; Ray would write a token to the home folder.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    ray = _module()
    if ray.is_initialized():
        yield ray
        return
    logging.getLogger("ray").setLevel(logging.ERROR)
    options: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
    with ExitStack() as stack:
        stack.enter_context(_errors_of_nodes_logged())
        on_sigterm = signal.getsignal(signal.SIGTERM)
        if not address:
            folder = tempfile.TemporaryDirectory(prefix="roco-ray-", dir=_short_folder(), ignore_cleanup_errors=True)
            options |= {"_temp_dir": stack.enter_context(folder), "include_dashboard": False}
            options |= {"num_cpus": max(len(os.sched_getaffinity(0)), workers or 0), "object_store_memory": STORE}
        try:
            if address:
                _reach(address)
            ray.init(address or "local", **options)
        except SystemExit:
            raise KeyboardInterrupt from None  # Ray's handler of SIGTERM ends the process, with 15 and no message
        except Exception as err:  # Ray raises many, some of them bare
            raise _not_connected(address, err) from err
        if _sets_signals(on_sigterm):
            signal.signal(signal.SIGTERM, on_sigterm)  # Ray's handler would end the process with 15 and no message
        stack.callback(_shut_down, ray)
        yield ray


def _shut_down(ray: Any) -> None:
    """Ends Ray. A SIGTERM meanwhile waits until then: Ray resets it, so that it would end the process at once.

    It is reset in C++, at any moment, so that the handler is set again and again while another thread ends Ray.
    """
    handler = signal.getsignal(signal.SIGTERM)
    if not _sets_signals(handler):
        ray.shutdown()
        return
    received: list[int] = []
    ending = threading.Thread(target=ray.shutdown, name="shut down Ray")
    ending.start()
    while ending.is_alive():
        signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
        ending.join(0.01)
    signal.signal(signal.SIGTERM, handler)
    if received:
        signal.raise_signal(signal.SIGTERM)


def _sets_signals(handler: Any) -> bool:
    """Returns whether this thread can set a handler, and had set it: None stands for one that was not set in Python."""
    return handler is not None and threading.current_thread() is threading.main_thread()


def _module() -> Any:
    """Imports Ray; raises UsageError if it is installed and cannot be imported."""
    try:
        import ray
    except Exception as err:  # a library that it needs is missing, or of another version
        message = f"ray is installed but cannot be imported ({type(err).__name__}: {_first_line(err)})"
        raise UsageError(message, f"repair it: {pip_line('ray')}") from err
    return ray


def _reach(address: str) -> None:
    """Raises OSError if nothing answers at `HOST:PORT`, also after `ray://`: Ray itself would wait for a minute."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit() and "://" not in host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_TIMEOUT).close()


def _not_connected(address: str | None, error: Exception) -> UsageError:
    why = _first_line(error) or type(error).__name__
    if address:
        hint = "check RAY_ADDRESS, and that all nodes have the versions of Ray and Python of this machine"
        return UsageError(f"cannot connect to the Ray cluster at {address}: {why}", hint)
    hint = "run the command again: on a busy machine, Ray may not start in time; or use --executor local"
    return UsageError(f"cannot start Ray on this machine: {why}", hint)


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "")


def _short_folder() -> str:
    """Returns a folder for Ray's sockets, whose paths may have 107 characters."""
    folder = os.environ.get("TMPDIR", "/tmp")
    return folder if len(folder) <= 24 else "/tmp"


@contextmanager
def _errors_of_nodes_logged() -> Iterator[None]:
    """Writes what Ray reports about its nodes to the log of the run; by default, Ray prints it to stdout."""
    from ray._private import worker as of_ray

    def log(data: Mapping[str, Any], ignore_prefix: bool) -> None:
        for line in data["lines"]:
            LOG.info("Ray: %s", " ".join(line.split()))

    # There is no public way to do this; if the function gets another name, Ray prints as it does by default.
    before = getattr(of_ray, "print_to_stdstream", None)
    of_ray.print_to_stdstream = log
    try:
        yield
    finally:
        of_ray.print_to_stdstream = before
