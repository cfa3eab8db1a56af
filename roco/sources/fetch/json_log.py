"""Append-only files of JSON lines."""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from roco.base.files import full_disk
from roco.base.json_text import parse_json


class JsonLog:
    """An append-only file of JSON objects, one per line; a last line that a crash cut off is ignored."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._fd: int | None = None

    def append(self, record: dict[str, Any]) -> None:
        """Appends one line; it survives a kill of the process, and a power failure after `sync`."""
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        line = f"{text}\n".encode(errors="replace")
        with self._lock:
            try:
                if self._fd is None:
                    self._fd = self._open()
                if os.write(self._fd, line) != len(line):
                    os.write(self._fd, b"\n")
                    raise OSError(errno.ENOSPC, "only a part of the line was written")
            except OSError as err:
                raise full_disk(err, self.path) from err

    def sync(self) -> None:
        """Writes all lines to the disk."""
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
        size = os.fstat(fd).st_size
        # End a line that a crash cut off, so that the next one is not appended to it.
        if size and os.pread(fd, 1, size - 1) != b"\n":
            os.write(fd, b"\n")
        return fd


Entry = TypeVar("Entry")


def read_log(path: Path, read: Callable[[dict[str, Any]], Entry | None]) -> Iterator[Entry]:
    """Yields what `read` makes of the records of a log, in order.

    Ignores lines that are not JSON objects, records of which `read` makes None, and those whose values have other names
    or types: `read` raises KeyError, ValueError, TypeError or AttributeError. What they recorded is done again.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for line in file:
            try:
                record = parse_json(line)
                entry = read(record) if isinstance(record, dict) else None
            except (KeyError, ValueError, TypeError, AttributeError):
                continue
            if entry is not None:
                yield entry


def timestamp() -> str:
    """Returns the current time, UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
