"""The actor of Ray that starts a worker process on its node and relays messages to it and from it.

It imports the standard library only, because it is sent to nodes where roco may be missing, which it then reports.
"""

from __future__ import annotations

import os
import platform
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

BATCH_SECONDS = 0.2
"""Seconds for which reports of progress are collected, so that several of them are sent together."""

_CAN_WAIT = (b'{"at":', b'{"articles":')
"""How lines that report progress begin."""

LAST_LINES = 30
"""Lines of the worker's standard error that are kept for the report of its end."""


class Relay:
    """A worker process on this node.

    hello: the line with the pipeline, which is sent first. env: variables that are set for the process. folder: the
    working folder of the driver, used if it exists here. Two threads may call it at the same time.
    """

    def __init__(self, hello: bytes, env: Mapping[str, str], folder: str) -> None:
        import ray

        self.name = f"{platform.node()} ({ray.util.get_node_ip_address()})"
        command = [sys.executable, "-m", "roco.core.worker", str(os.getpid())]
        self.child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **env, "ROCO_NODE": self.name},
            cwd=folder if os.path.isdir(folder) else None,  # noqa: PTH112
        )
        self.lines: queue.Queue[bytes | None] = queue.Queue()
        self.errors: deque[str] = deque(maxlen=LAST_LINES)
        self.readers = [threading.Thread(target=read, daemon=True) for read in (self._read, self._read_errors)]
        for thread in self.readers:
            thread.start()
        self.send(hello)

    def node(self) -> str:
        """Returns the name of this node; the driver learns from the answer that the actor has been placed."""
        return self.name

    def send(self, line: bytes) -> None:
        assert self.child.stdin is not None
        try:
            self.child.stdin.write(line)
            self.child.stdin.flush()
        except BrokenPipeError:
            pass  # the process has ended, which `receive` reports

    def receive(self) -> tuple[list[bytes], dict[str, Any] | None]:
        """Waits for lines of the worker process and returns them; after the last one, returns how the process ended."""
        lines: list[bytes] = []
        line = self.lines.get()
        while line is not None:
            lines.append(line)
            if not line.startswith(_CAN_WAIT):
                return lines, None
            try:
                line = self.lines.get(timeout=BATCH_SECONDS)
            except queue.Empty:
                return lines, None
        if lines:
            self.lines.put(None)  # the end is reported by the next call
            return lines, None
        self.readers[1].join()
        return [], {"exit_code": self.child.wait(), "errors": list(self.errors)}

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self.lines.put(line.rstrip(b"\n"))
        self.lines.put(None)

    def _read_errors(self) -> None:
        assert self.child.stderr is not None
        for line in self.child.stderr:
            self.errors.append(line.decode(errors="replace").rstrip())
