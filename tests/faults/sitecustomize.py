"""Kills the process at a chosen call that renames or syncs a file; Python imports this module by its name.

ROCO_FAULT_COUNT: a file that grows by one byte with each call of any process of the run; nothing happens without it.
ROCO_FAULT_AT: the call, from 1 on, before which the process ends; 0 only counts.
ROCO_FAULT_IN: `worker` or `driver`, to count only the calls of one of them.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

CALLS = ("replace", "rename", "fsync")
"""Functions of `os`; the methods of Path call them, too."""


def install() -> None:
    """Wraps the calls if ROCO_FAULT_IN selects this process."""
    sys.dont_write_bytecode = True  # storing it renames files, which would be counted where no cache exists yet
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
    """Returns the number of this call over all processes: appending is atomic and moves the offset after the byte."""
    fd = os.open(os.environ["ROCO_FAULT_COUNT"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(fd, b".")
        return os.lseek(fd, 0, os.SEEK_CUR)
    finally:
        os.close(fd)


if os.environ.get("ROCO_FAULT_COUNT"):
    install()
