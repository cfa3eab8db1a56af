"""Records what the processes of a run write, pauses one of them, and steps its clock; Python imports it by its name.

ROCO_CHAOS_LOG: a file with one record of fixed length for each call; nothing happens without it.
ROCO_CHAOS_PAUSE: the number of the record, from 1 on, before which its process waits for the file LOG.go; it creates
LOG.paused meanwhile. 0 never waits.
ROCO_CHAOS_CLOCK: a file with the seconds by which the system's clock is wrong; it may change at any time.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any

RECORD = 200
"""Bytes of a record: process, call and path, padded with spaces."""

CALLS = ("replace", "rename", "fsync", "unlink", "link", "rmdir")
"""Functions of `os`, which the methods of Path call, too."""


def install(log: str) -> None:
    """Wraps the calls, the clock, and the random part of pauses between requests."""
    sys.dont_write_bytecode = True
    pause = int(os.environ.get("ROCO_CHAOS_PAUSE", "0"))
    for name in CALLS:
        setattr(os, name, _recorded(getattr(os, name), name, log, pause))
    if "ROCO_CHAOS_CLOCK" in os.environ:
        _step_clock(os.environ["ROCO_CHAOS_CLOCK"])
    # The pause before a request is repeated is drawn with this function: a storm must not take minutes.
    draw = random.random
    random.random = lambda: draw() / 100


def _recorded(call: Callable[..., Any], name: str, log: str, pause: int) -> Callable[..., Any]:
    def recorded(*args: Any, **options: Any) -> Any:
        number = _record(log, name, args)
        if number == pause:
            _wait(log)
        return call(*args, **options)

    return recorded


def _record(log: str, name: str, args: tuple[Any, ...]) -> int:
    """Appends a record and returns its number: appending is atomic and moves the offset after the record."""
    path = args[-1] if name in ("replace", "rename", "link") else args[0]
    if isinstance(path, int):
        path = os.readlink(f"/proc/self/fd/{path}")  # noqa: PTH115
    text = f"{os.getpid()} {name} {os.fspath(path)!s}".encode(errors="replace")[: RECORD - 1]
    fd = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(fd, text.ljust(RECORD - 1) + b"\n")
        return os.lseek(fd, 0, os.SEEK_CUR) // RECORD
    finally:
        os.close(fd)


def _wait(log: str) -> None:
    with open(f"{log}.paused", "w") as fh:  # noqa: PTH123 - pathlib is slow to import
        fh.write(str(os.getpid()))
    while not os.path.exists(f"{log}.go"):  # noqa: PTH110
        time.sleep(0.002)


def _step_clock(file: str) -> None:
    def wrong() -> float:
        try:
            with open(file) as fh:  # noqa: PTH123
                return float(fh.read() or 0)
        except (OSError, ValueError):
            return 0.0

    seconds, nanoseconds, gmtime, localtime = time.time, time.time_ns, time.gmtime, time.localtime
    time.time = lambda: seconds() + wrong()
    time.time_ns = lambda: nanoseconds() + int(wrong() * 1e9)
    time.gmtime = lambda at=None: gmtime(seconds() + wrong() if at is None else at)
    time.localtime = lambda at=None: localtime(seconds() + wrong() if at is None else at)


if os.environ.get("ROCO_CHAOS_LOG"):
    install(os.environ["ROCO_CHAOS_LOG"])
