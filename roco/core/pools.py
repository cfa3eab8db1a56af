"""The ways to run workers, by name: `local` on this machine, `ray` on a Ray cluster."""

from __future__ import annotations

import os

from roco.base.errors import UsageError, nearest
from roco.core.folder import RunFolder
from roco.core.local import LocalPool
from roco.core.pipeline import Pipeline
from roco.core.pool import Pool
from roco.core.ray import RayPool

EXECUTORS = ("local", "ray")


def pool_of(executor: str, folder: RunFolder, workers: int | None) -> Pool:
    """Returns the pool of an executor, before anything is started or written; workers: None is its default number.

    Raises UsageError for an unknown executor or an invalid number, MissingExtra if Ray is not installed.
    """
    if workers is not None and workers < 0:
        raise UsageError(f"invalid number of workers: {workers}", "use 1 or more; the default is one per core")
    if executor not in EXECUTORS:
        raise UsageError(f"unknown executor '{executor}' (--executor)", nearest(executor, EXECUTORS))
    if executor == "ray":
        return RayPool(folder, workers)
    return LocalPool(folder, workers_for(folder.pipeline) if workers is None else workers)


def workers_for(pipeline: Pipeline) -> int:
    """Returns one worker per core, or fewer if the memory does not suffice for the heaviest stage."""
    cores = len(os.sched_getaffinity(0))
    heaviest = max(step.contract.heavy for step in pipeline.steps)
    if not heaviest:
        return cores
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cores, memory // heaviest))
