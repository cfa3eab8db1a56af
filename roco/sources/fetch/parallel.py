"""Runs one function for many objects on as many threads as there are connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

from roco.sources.fetch.client import BucketClient
from roco.sources.fetch.errors import DownloadFailed

Item = TypeVar("Item")


def run_parallel(client: BucketClient, work: Callable[[Item], None], items: Iterator[Item]) -> None:
    """Calls `work` for every item; only twice as many items as connections are taken from the iterator ahead.

    An item that raises DownloadFailed does not stop the others; the first such error is raised at the end.
    Any other error stops all of them.
    """
    first_error: DownloadFailed | None = None
    n_failed = 0
    with ThreadPoolExecutor(client.connections, thread_name_prefix="fetch") as pool:
        running: set[Future[None]] = set()
        try:
            for item in islice(items, 2 * client.connections):
                running.add(pool.submit(work, item))
            while running:
                done, running = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in done:
                    try:
                        future.result()
                    except DownloadFailed as err:
                        first_error = first_error or err
                        n_failed += 1
                for item in islice(items, len(done)):
                    running.add(pool.submit(work, item))
        except BaseException:
            client.stop.set()
            for future in running:
                future.cancel()
            raise
    if first_error is not None:
        others = f", and {n_failed - 1:,} more" if n_failed > 1 else ""
        raise DownloadFailed(
            f"{first_error.message}{others}", "repeat the command: it downloads only what is still missing"
        )
