"""How jobs are done: in this process, or by a pool of workers that may die without harm.

A worker that dies costs its job one attempt. The job is then done figure by figure in a fresh worker with limits; if
that dies too, what it was at is noted as crashed and the job goes on without it.
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
from dataclasses import dataclass, field
from typing import Any

from roco.base import errors
from roco.base.errors import RocoError, StageFailed
from roco.core import worker
from roco.core.layout import Layout
from roco.core.pipeline import Pipeline

STALL = 900.0
"""Seconds without a sign of life after which a worker counts as dead."""

DEATHS = 200
"""Crashes that one part may hold before the run stops: then it is not the data."""

Done = Callable[[Mapping[str, Any]], None]
Tick = Callable[[], None]

Articles = Callable[[str], list[dict[str, Any]]]
"""Gives the articles of a part; they are added to a job only when it is handed out."""


def execute(
    pipeline: Pipeline,
    layout: Layout,
    jobs: Iterable[Mapping[str, Any]],
    articles: Articles,
    workers: int,
    done: Done,
    tick: Tick,
) -> None:
    """Does all jobs and calls `done` with each result as it comes, `tick` a few times a second.

    workers: 0 does them in this process.
    """
    queue = deque(dict(job) for job in jobs)
    if not queue:
        return
    if workers == 0:
        for job in queue:
            done(worker.do(pipeline, layout, {**job, "articles": articles(job["part"])}, lambda what, stage: None))
            tick()
    else:
        _Pool(pipeline, layout, queue, articles, done, tick).run(min(workers, len(queue)))


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    job: dict[str, Any] | None = None
    at: list[str] = field(default_factory=list)
    heard: float = 0.0
    buffer: bytes = b""


class _Pool:
    def __init__(
        self,
        pipeline: Pipeline,
        layout: Layout,
        queue: deque[dict[str, Any]],
        articles: Articles,
        done: Done,
        tick: Tick,
    ) -> None:
        self.hello = json.dumps(worker.hello(pipeline, layout.root)).encode() + b"\n"
        self.queue, self.articles, self.done, self.tick = queue, articles, done, tick
        self.selector = selectors.DefaultSelector()
        self.workers: list[_Worker] = []
        _importable(pipeline)

    def run(self, n: int) -> None:
        try:
            for _ in range(n):
                self._start()
            while self.workers:
                for key, _ in self.selector.select(timeout=0.25):
                    self._hear(key.data)
                self._end_the_stalled()
                self.tick()
        finally:
            for w in self.workers:
                w.process.kill()
                w.process.wait()
                _close(w)
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

    def _next(self, w: _Worker) -> None:
        """Gives a worker its next job; a worker that has none left, or has been limited, ends."""
        limited = bool(w.job and w.job.get("one_by_one"))
        w.job, w.at, w.heard = None, [], time.monotonic()
        if self.queue and not limited:
            w.job = self.queue.popleft()
            self._send(w, json.dumps({**w.job, "articles": self.articles(w.job["part"])}).encode() + b"\n")
            return
        self._end(w)
        if self.queue:
            self._start()

    def _send(self, w: _Worker, data: bytes) -> None:
        assert w.process.stdin is not None
        try:
            w.process.stdin.write(data)
            w.process.stdin.flush()
        except BrokenPipeError:
            pass  # it died: its output ends, and that is where it is seen

    def _hear(self, w: _Worker) -> None:
        assert w.process.stdout is not None
        data = w.process.stdout.read()
        if data is None:
            return
        if not data:
            self._died(w)
            return
        w.heard = time.monotonic()
        *lines, w.buffer = (w.buffer + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "at" in message:
                w.at = message["at"]
            elif "error" in message:
                raise _error(message)
            else:
                self.done(message["done"])
                self._next(w)

    def _died(self, w: _Worker) -> None:
        job, at = w.job, w.at
        self._end(w)
        if job is None:
            raise StageFailed(
                f"a worker ended with code {w.process.returncode} before its first job",
                "see the lines above for what it said",
            )
        if job.get("one_by_one") and at and at[0] == job["part"]:
            raise StageFailed(
                f"stage '{at[1]}' ends its worker (code {w.process.returncode}) on part {job['part']}",
                "a decision must not end the process; this is an error of the stage and not of the data",
            )
        if job.get("one_by_one") and at:
            crashed = job.setdefault("crashed", {})
            crashed[at[0]] = at[1]
            if len(crashed) > DEATHS:
                raise StageFailed(
                    f"workers died {DEATHS} times on part {job['part']}, last in '{at[1]}'", "see the log"
                )
        elif job.get("one_by_one"):
            raise StageFailed(f"workers die on part {job['part']} before they read it", "is there memory enough?")
        job["one_by_one"] = True
        self.queue.appendleft(job)
        self._start()

    def _end_the_stalled(self) -> None:
        for w in list(self.workers):
            if w.job is not None and time.monotonic() - w.heard > STALL:
                w.process.kill()

    def _end(self, w: _Worker) -> None:
        assert w.process.stdout is not None
        self.selector.unregister(w.process.stdout)
        self.workers.remove(w)
        _close(w)
        try:
            w.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            w.process.kill()
            w.process.wait()


def _close(w: _Worker) -> None:
    for stream in (w.process.stdin, w.process.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def _error(message: Mapping[str, Any]) -> RocoError:
    name, text, hint, path = message["error"]
    kind = getattr(errors, name, RocoError)
    if kind is errors.CorruptFile:
        return errors.CorruptFile(text, hint, path)
    err: RocoError = RocoError(text, hint) if kind is errors.MissingExtra else kind(text, hint)
    err.add_note(message.get("trace", ""))
    return err


def _importable(pipeline: Pipeline) -> None:
    for step in pipeline.steps:
        if type(step.stage).__module__ == "__main__":
            raise errors.UsageError(
                f"stage '{step.name}' is defined in the script itself, where workers cannot import it",
                "put it into a module of its own, or run with workers=0",
            )
