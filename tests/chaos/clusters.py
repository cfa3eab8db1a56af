"""A Ray cluster for the iterations whose workers run on Ray, if it is installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.process import search_path
from tests.core.test_ray import Nodes

NO_RAY = "workers on Ray: pip install '.[ray]'"


@contextmanager
def cluster() -> Iterator[Nodes | None]:
    """Yields a cluster of two nodes to which RAY_ADDRESS refers; None without Ray."""
    if importlib.util.find_spec("ray") is None:
        yield None
        return
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "RAY_DISABLE_MEMORY_MONITOR": "1"}
    os.environ["PYTHONPATH"] = search_path()  # workers inherit it from their node, not from the driver
    folder = Path(f"/tmp/roco-chaos-ray-{os.getpid()}")  # paths of sockets must be short
    nodes = Nodes(folder)
    try:
        nodes.add()
        os.environ["RAY_ADDRESS"] = nodes.cluster.address
        yield nodes
    finally:
        nodes.cluster.shutdown()
        os.environ.pop("RAY_ADDRESS", None)
        shutil.rmtree(folder, ignore_errors=True)
