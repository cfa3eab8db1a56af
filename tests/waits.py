"""Waits for events, never for a time: no test depends on the clock or on the load of the machine."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

PATIENCE = 600.0
"""Seconds after which a test counts as hung: many times what any step takes on a loaded machine."""

CPU_SECONDS = 60.0
"""CPU time that a linear algorithm never needs for the input of a test, and a quadratic one always exceeds."""


def wait_until(reached: Callable[[], Any], what: str = "the awaited event", patience: float = PATIENCE) -> None:
    """Waits until `reached` returns something true; fails when a test must count as hung."""
    end = time.monotonic() + patience
    while not reached():
        assert time.monotonic() < end, f"{what} did not happen in {patience:.0f} s"
        time.sleep(0.01)


def killed_when(process: subprocess.Popen[Any], reached: Callable[[], Any]) -> bool:
    """Kills a process as soon as `reached` returns something true; returns False where the process ended before."""
    wait_until(lambda: process.poll() is not None or reached())
    running = process.poll() is None
    process.kill()
    process.communicate()
    return running and process.returncode == -signal.SIGKILL


@contextlib.contextmanager
def cpu_limit(seconds: float = CPU_SECONDS) -> Iterator[None]:
    """Fails a block that uses more CPU time than `seconds`; time in which other processes run does not count."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"more than {seconds:.0f} s of CPU time were used")

    previous = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)
