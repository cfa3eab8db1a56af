"""Kills the process at a chosen one of the calls that put something in place; Python loads this by its name.

ROCO_FAULT_COUNT: a file that grows by one byte with each call of any process of the run; nothing happens without it.
ROCO_FAULT_AT: the call, from 1 on, before which the process ends; 0 only counts.
ROCO_FAULT_IN: `worker` or `driver`, where only the calls of one of the two count.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

CALLS = ("replace", "rename", "fsync")
"""Names in `os`; the methods of Path end there too."""


def install() -> None:
    """Wraps the calls, if this process is one of those that are asked for."""
    where = os.environ.get("ROCO_FAULT_IN")
    here = "worker" if "roco.core.worker" in sys.orig_argv else "driver"
    if where in (None, "", here):
        for name in CALLS:
            setattr(os, name, _counted(getattr(os, name)))


def _counted(call: Callable[..., Any]) -> Callable[..., Any]:
    def counted(*args: Any, **options: Any) -> Any:
        if _number() == int(os.environ.get("ROCO_FAULT_AT", "0")):
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **options)

    return counted


def _number() -> int:
    """Which call this is over all processes: appending is atomic, and leaves the offset behind one's own byte."""
    fd = os.open(os.environ["ROCO_FAULT_COUNT"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(fd, b".")
        return os.lseek(fd, 0, os.SEEK_CUR)
    finally:
        os.close(fd)


if os.environ.get("ROCO_FAULT_COUNT"):
    install()
