"""Tables of a run that stay open, because table stages read a few columns of every part again and again."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TypeVar

import pyarrow as pa

from roco.base.files import Identity, identity
from roco.base.sealed_tables import SealedTable

BYTES_OPEN = 128 << 20
"""Bytes of files that stay in memory, at most; the least recently used ones are closed first."""

THREADS = min(4, os.cpu_count() or 1)
"""Threads that read files; decoding columns does not hold the lock of the interpreter."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class OpenTables:
    """Reads columns of tables; a file is read and checked once, and again only if it was replaced."""

    def __init__(self) -> None:
        self._open: OrderedDict[Path, tuple[Identity, SealedTable]] = OrderedDict()
        self._n_bytes = 0
        self._lock = Lock()

    def read(self, path: Path, columns: Sequence[str]) -> pa.Table:
        """Returns columns of a table; raises FileNotFoundError, and CorruptFile if any byte has changed."""
        now = identity(path)
        if now is None:
            raise FileNotFoundError(path)
        with self._lock:
            known = self._open.get(path)
            if known is not None:
                self._open.move_to_end(path)
        if known is None or known[0] != now:
            known = (now, SealedTable(path))
            self._keep(path, known)
        return known[1].read(columns)

    def _keep(self, path: Path, opened: tuple[Identity, SealedTable]) -> None:
        with self._lock:
            self._close(path)
            self._open[path] = opened
            self._n_bytes += opened[1].n_bytes
            while self._n_bytes > BYTES_OPEN and len(self._open) > 1:
                self._close(next(iter(self._open)))

    def _close(self, path: Path) -> None:
        if path in self._open:
            self._n_bytes -= self._open.pop(path)[1].n_bytes


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Returns the results of a function that reads files, in the order of the items."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="read") as pool:
        return list(pool.map(function, items))
