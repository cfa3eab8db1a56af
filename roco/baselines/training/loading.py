"""Batches from worker processes: an interruption reaches the main process only, and a killed worker is an error."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

from torch.utils.data import DataLoader

from roco.base.errors import DataError


def batches(dataset: Any, workers: int, **settings: Any) -> Iterator[Any]:
    """Yields the batches of a DataLoader with these settings; four per worker are prepared in advance.

    Raises DataError if a worker was killed, which the system does when memory is short.
    """
    if workers:
        settings |= {"prefetch_factor": 4, "worker_init_fn": _ignore_interruptions}
    try:
        yield from DataLoader(dataset, num_workers=workers, **settings)
    except RuntimeError as err:
        if "DataLoader worker" not in str(err):
            raise
        what = "a process that decodes images was killed, perhaps because memory is short"
        raise DataError(what, "use fewer workers, and run the same command again") from err


def _ignore_interruptions(worker: int) -> None:
    """Leaves Ctrl-C, which a terminal sends to all processes, to the main process: it ends the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
