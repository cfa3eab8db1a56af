"""Starts workers as processes on this machine; messages are lines of JSON in their pipes."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Sequence

from roco.core import worker
from roco.core.folder import RunFolder
from roco.core.job import Loss


class LocalProcess:
    """A worker process on this machine."""

    is_ready = True
    """It can be sent jobs at once: they wait in its pipe while it imports the stages."""

    lost: Loss | None = None

    def __init__(self, selector: selectors.BaseSelector) -> None:
        env = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "roco.core.worker", str(os.getpid())]
        # Ctrl+C reaches the worker as well: it is blocked until the worker ignores it, which takes some imports.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        assert self.child.stdin is not None and self.child.stdout is not None
        self.requests, self.answers = self.child.stdin, self.child.stdout
        self.selector, self.rest = selector, b""
        os.set_blocking(self.answers.fileno(), False)
        selector.register(self.answers, selectors.EVENT_READ, self)

    @property
    def has_ended(self) -> bool:
        return self.child.poll() is not None

    @property
    def exit_code(self) -> int | None:
        return self.child.returncode

    def send(self, line: bytes) -> None:
        # If the process died, its output ends, and `receive` returns None.
        with contextlib.suppress(BrokenPipeError):
            self.requests.write(line)
            self.requests.flush()

    def receive(self) -> Sequence[bytes] | None:
        data = self.answers.read()
        if data is None:
            return ()
        if not data:
            return None
        *lines, self.rest = (self.rest + data).split(b"\n")
        return lines

    def kill(self) -> None:
        self.child.kill()

    def close(self) -> None:
        self.selector.unregister(self.answers)
        for stream in (self.requests, self.answers):
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        try:
            self.child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class LocalPool:
    """Worker processes on this machine, which live until they are closed."""

    def __init__(self, folder: RunFolder, workers: int) -> None:
        self.folder, self.size = folder, workers
        self.selector = selectors.DefaultSelector()

    @property
    def label(self) -> str:
        return f"{self.size} workers"

    def start(self) -> LocalProcess:
        process = LocalProcess(self.selector)
        process.send(json.dumps(worker.hello(self.folder)).encode() + b"\n")
        return process

    def wait(self, seconds: float) -> list[LocalProcess]:
        return [key.data for key, _ in self.selector.select(timeout=seconds)]

    def close(self) -> None:
        self.selector.close()
