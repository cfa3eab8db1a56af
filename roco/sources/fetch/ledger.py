"""Receipts: a line for every object that came, never changed, by which a tree is checked without the network."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from roco.base.files import full_disk


class Ledger:
    """An append-only file of JSON lines; a last line that a crash cut is closed and counts for nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._fd: int | None = None

    def add(self, **told: Any) -> None:
        """Appends one line; it is in the system's hands when this returns, and on the disk after `sync`."""
        line = (json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n").encode(errors="replace")
        with self._lock:
            try:
                if self._fd is None:
                    self._fd = self._open()
                if os.write(self._fd, line) != len(line):
                    os.write(self._fd, b"\n")
                    raise OSError(28, "the line is cut")
            except OSError as err:
                raise full_disk(err, self.path) from err

    def sync(self) -> None:
        if self._fd is not None:
            os.fsync(self._fd)

    def close(self) -> None:
        with self._lock:
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        if (size := os.fstat(fd).st_size) and os.pread(fd, 1, size - 1) != b"\n":
            os.write(fd, b"\n")
        return fd


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a ledger, in order; those that are no JSON object are left out."""
    try:
        fh = path.open("rb")
    except FileNotFoundError:
        return
    with fh:
        for line in fh:
            with contextlib.suppress(ValueError):
                if isinstance(told := json.loads(line), dict):
                    yield told


def now() -> str:
    """The time as a receipt says it: UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
