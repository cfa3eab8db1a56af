"""Runs jobs in this process, or in a pool of worker processes; the run survives if a worker dies.

`Job.after_crash` decides what happens after a crash, so that it does not depend on how jobs are executed.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from roco.base import errors
from roco.base.errors import RocoError
from roco.core import part, worker
from roco.core.folder import RunFolder
from roco.core.job import Culprit, Job, JobResult

STALL = 900.0
"""Seconds without a message after which a worker counts as dead, and is killed."""

LOADING = 3600.0
"""The same limit while a worker starts or loads a model."""

Done = Callable[[JobResult], None]
Tick = Callable[[], None]

Articles = Callable[[str], list[dict[str, Any]]]
"""Returns the articles of a part; they are added to a job only when it is handed out."""


@dataclass(frozen=True)
class Executor:
    """Where jobs run. workers: number of processes; 0 runs the jobs in this process."""

    folder: RunFolder
    workers: int


def execute(executor: Executor, jobs: Iterable[Job], articles: Articles, done: Done, tick: Tick) -> None:
    """Runs all jobs; calls `done` with each result as it comes, and `tick` a few times a second."""
    queue = deque(jobs)
    if not queue:
        return
    if executor.workers:
        _Pool(executor.folder, queue, articles, done, tick).run(min(executor.workers, len(queue)))
        return
    for job in queue:
        done(part.do(executor.folder, _with_articles(job, articles), lambda what, stage: None))
        tick()


def _with_articles(job: Job, articles: Articles) -> Job:
    return replace(job, articles=tuple(articles(job.part)))


@dataclass
class _Worker:
    """A worker process. deadline: when it counts as stalled, unless it sends a message before."""

    process: subprocess.Popen[bytes]
    job: Job | None = None
    culprit: Culprit | None = None
    deadline: float = 0.0
    buffer: bytes = b""


class _Pool:
    def __init__(self, folder: RunFolder, queue: deque[Job], articles: Articles, done: Done, tick: Tick) -> None:
        _check_importable(folder)
        self.hello = json.dumps(worker.hello(folder)).encode() + b"\n"
        self.queue, self.articles, self.done, self.tick = queue, articles, done, tick
        self.selector = selectors.DefaultSelector()
        self.workers: list[_Worker] = []

    def run(self, n: int) -> None:
        try:
            for _ in range(n):
                self._start()
            while self.workers:
                for key, _ in self.selector.select(timeout=0.25):
                    self._read_from(key.data)
                self._kill_stalled()
                self.tick()
        finally:
            for w in self.workers:
                w.process.kill()
                w.process.wait()
                _close_pipes(w)
            self.selector.close()

    def _start(self) -> None:
        env = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "roco.core.worker", str(os.getpid())]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        w = _Worker(process)
        self.workers.append(w)
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        self.selector.register(process.stdout, selectors.EVENT_READ, w)
        self._send(w, self.hello)
        self._next(w)
        w.deadline = time.monotonic() + LOADING  # starting takes longer than an ordinary job

    def _next(self, w: _Worker) -> None:
        """Gives a worker its next job; ends it if no job remains or its memory is limited."""
        is_limited = w.job is not None and w.job.one_by_one
        w.job, w.culprit, w.deadline = None, None, time.monotonic() + STALL
        if self.queue and not is_limited:
            w.job = self.queue.popleft()
            message = _with_articles(w.job, self.articles).to_json()
            self._send(w, json.dumps(message).encode() + b"\n")
            return
        self._end(w)
        if self.queue:
            self._start()

    def _send(self, w: _Worker, data: bytes) -> None:
        assert w.process.stdin is not None
        # If the worker died, its output ends, and `_read_from` handles it.
        with contextlib.suppress(BrokenPipeError):
            w.process.stdin.write(data)
            w.process.stdin.flush()

    def _read_from(self, w: _Worker) -> None:
        assert w.process.stdout is not None
        data = w.process.stdout.read()
        if data is None:
            return
        if not data:
            self._after_death(w)
            return
        *lines, w.buffer = (w.buffer + data).split(b"\n")
        for line in lines:
            self._receive(w, json.loads(line))

    def _receive(self, w: _Worker, message: Mapping[str, Any]) -> None:
        if "error" in message:
            raise _error(message)
        if "done" in message:
            self.done(JobResult.of_json(message["done"]))
            self._next(w)
            return
        w.culprit = Culprit(*message["at"])
        w.deadline = time.monotonic() + (LOADING if w.culprit.is_loading else STALL)

    def _after_death(self, w: _Worker) -> None:
        self._end(w)
        assert w.job is not None  # a worker that has no job left is ended by the driver
        self.queue.appendleft(w.job.after_crash(w.culprit, w.process.returncode))
        self._start()

    def _kill_stalled(self) -> None:
        for w in self.workers:
            if w.job is not None and time.monotonic() > w.deadline:
                w.process.kill()

    def _end(self, w: _Worker) -> None:
        assert w.process.stdout is not None
        self.selector.unregister(w.process.stdout)
        self.workers.remove(w)
        _close_pipes(w)
        try:
            w.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            w.process.kill()
            w.process.wait()


def _close_pipes(w: _Worker) -> None:
    for stream in (w.process.stdin, w.process.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def _error(message: Mapping[str, Any]) -> RocoError:
    """Returns the exception that a worker sent, with its traceback as a note."""
    name, text, hint, path = message["error"]
    kind = getattr(errors, name, RocoError)
    err: RocoError
    if kind is errors.CorruptFile:
        err = errors.CorruptFile(text, hint, path)
    elif kind is errors.MissingExtra:
        err = errors.UsageError(text, hint)  # MissingExtra builds its own message
    else:
        err = kind(text, hint)
    err.add_note(message.get("trace", ""))
    return err


def _check_importable(folder: RunFolder) -> None:
    for step in folder.pipeline.steps:
        if type(step.stage).__module__ == "__main__":
            raise errors.UsageError(
                f"workers cannot import stage '{step.name}': it is defined in the script itself",
                "move it to a module of its own, or run with workers=0",
            )
