"""Backs up the label log of a server from time to time, in a thread of its own."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

from roco.base.errors import RocoError
from roco.curate.log import Log

EVERY = 300.0  # seconds

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def backed_up(log: Log | None, *, every: float = EVERY, wait: Callable[[float], bool] | None = None) -> Iterator[None]:
    """Backs a log up during the block, if it has changed; the one at the end is that of `Log.close`.

    wait: waits for some seconds, and returns whether the block has ended. A backup that fails is reported, and tried
    again; labels are written to the log whatever becomes of its backup.
    """
    if log is None:
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=_repeat, args=(log, every, wait or ended.wait), name="backup", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _repeat(log: Log, every: float, wait: Callable[[float], bool]) -> None:
    while not wait(every):
        try:
            log.back_up()
        except RocoError as err:
            logger.warning("the label log is not backed up: %s\n%s", err.message, err.hint)
