"""Locks of a run folder: one driver alone, or several slices together; a killed process holds none."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from roco.base.errors import Busy


@contextlib.contextmanager
def hold(path: Path, *, shared: bool = False, wait: bool = False) -> Iterator[None]:
    """Holds a lock file while the block runs; raises Busy where others hold it and `wait` is false."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(fd, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise Busy(
                f"{path.parent} is in use by {_holder(fd)}",
                "wait until it is done, or share the work: --parts 1/2 here and --parts 2/2 there",
            ) from err
        os.ftruncate(fd, 0)  # whoever stands in it holds it no more
        if not shared:
            os.pwrite(fd, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        os.close(fd)


def _holder(fd: int) -> str:
    return os.pread(fd, 200, 0).decode(errors="replace").strip() or "slices (--parts) of it"
