"""Locks of folders: one process alone, or several together. A killed process releases its locks."""

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
    """Holds the lock file `path` while the block runs, alone or shared with other processes.

    Raises Busy if other processes hold it, unless `wait` is true.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(fd, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise Busy(
                f"{path.parent} is in use by {_holder(fd)}",
                "wait until it is done, or divide the work: --parts 1/2 here and --parts 2/2 there",
            ) from err
        # The file names its holder, for the error message of other processes; a previous holder is erased.
        os.ftruncate(fd, 0)
        if not shared:
            os.pwrite(fd, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Holds an existing folder alone while the block runs, without a file in it; raises Busy if it is held."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise Busy(f"{folder} is in use by another process", "wait until it is done") from err
        yield
    finally:
        os.close(fd)


def _holder(fd: int) -> str:
    return os.pread(fd, 200, 0).decode(errors="replace").strip() or "processes with --parts"
