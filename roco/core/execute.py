"""Runs jobs in this process, or in the worker processes of a pool; the run survives if a worker dies.

Which job a worker gets, and what follows when one dies or its source fails, is decided here and in `core.job`. How
workers are started and how messages reach them is the matter of a pool, such as `core.local`.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from roco.base import errors
from roco.base.errors import RocoError, SourceUnavailable, StageFailed
from roco.base.json_text import parse_json
from roco.core import part, worker
from roco.core.articles import NO_ARTICLES, Articles
from roco.core.folder import RunFolder
from roco.core.job import MOST_LOST, Culprit, Job, JobResult, Loss
from roco.core.pool import Pool, Process
from roco.core.run_log import LOG

STALL = 900.0
"""Seconds without a message after which a worker counts as dead, and is killed."""

LOADING = 3600.0
"""The same limit while a worker starts or loads a model."""

EARLY_WORKERS = 4
"""Workers that `Executor.start` starts, at most; more are started when the number of jobs is known."""

MOST_UNAVAILABLE_TOGETHER = 4
"""Jobs, for each worker, that may fail one after the other because the source cannot be read: then it is down."""

ArticlesOf = Callable[[str], Articles]
"""Returns the articles of a part; they are added to a job only when it is handed out."""


class Watcher(Protocol):
    """Receives what happens to the jobs of a run."""

    def done(self, job: Job, result: JobResult) -> None:
        """Receives the result of a job."""

    def advanced(self, job: Job, articles: int) -> None:
        """Receives how many articles of the part a row pass has processed so far."""

    def tick(self) -> None:
        """Is called a few times a second."""


@dataclass
class _Worker:
    """A worker of the executor. deadline: when it counts as stalled and is killed, unless it sends a message before."""

    process: Process
    job: Job | None = None
    culprit: Culprit | None = None
    deadline: float = 0.0
    is_starting: bool = True
    is_stalled: bool = False


class Executor:
    """Runs jobs in worker processes, which live until `close`, or in this process if the size of the pool is 0.

    Starting a worker takes about half a second, so `start` starts some before the jobs are known.
    """

    def __init__(self, folder: RunFolder, pool: Pool) -> None:
        self.folder, self.pool = folder, pool
        self.workers: list[_Worker] = []
        self.queue: deque[Job] = deque()
        self.unavailable_together = self.failed_starts = 0
        self.given_up: SourceUnavailable | None = None
        self.articles: ArticlesOf
        self.watcher: Watcher

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
        self.pool.close()

    def start(self) -> None:
        """Starts workers, which import their stages while this process lists the source."""
        for _ in range(min(self.pool.size, EARLY_WORKERS)):
            self._start()

    def run(self, jobs: Iterable[Job], articles: ArticlesOf, watcher: Watcher) -> None:
        """Runs all jobs; the workers stay alive for the next call.

        Raises SourceUnavailable, after all others are done, if the source could not be read for a job.
        """
        self.queue, self.articles, self.watcher = deque(jobs), articles, watcher
        self.given_up, self.unavailable_together, self.failed_starts = None, 0, 0
        if not self.pool.size:
            self._run_here()
        else:
            try:
                self._run_in_workers()
            except BaseException:
                self.close()  # the jobs of the other workers are given up
                raise
        if self.given_up is not None:
            raise self.given_up

    def close(self) -> None:
        """Ends all workers; one without a job has nothing to lose."""
        for w in self.workers:
            w.process.kill()
        for w in list(self.workers):
            self._remove(w)

    # --- jobs -------------------------------------------------------------------------------------------------------

    def _run_here(self) -> None:
        while self.queue:
            job = self.queue.popleft()

            def advanced(articles: int, job: Job = job) -> None:
                self.watcher.advanced(job, articles)
                self.watcher.tick()

            try:
                result = part.do(self.folder, self._with_articles(job), lambda what, stage: None, advanced)
            except SourceUnavailable as err:
                self._try_later(job, err)
            else:
                self._done(job, result)
            self.watcher.tick()

    def _run_in_workers(self) -> None:
        for w in list(self.workers):
            if w.process.has_ended:
                self._remove(w)  # it died while it had no job
        self._assign()
        while self.queue or any(w.job is not None for w in self.workers):
            for process in self.pool.wait(0.25):
                self._read_from(self._worker_of(process))
            self._assign()
            self._kill_stalled()
            self.watcher.tick()

    def _assign(self) -> None:
        """Starts workers as long as jobs are waiting and the pool has room, and gives all free ones a job."""
        n_busy = sum(w.job is not None for w in self.workers)
        while len(self.workers) < min(self.pool.size, n_busy + len(self.queue)):
            self._start()
        for w in self.workers:
            if w.job is None:
                self._next(w)

    def _done(self, job: Job, result: JobResult) -> None:
        self.unavailable_together = self.failed_starts = 0
        self.watcher.done(job, result)

    def _try_later(self, job: Job, error: SourceUnavailable) -> None:
        """Queues a job whose source could not be read after all others; raises the error if the source is down."""
        self.unavailable_together += 1
        if self.unavailable_together >= MOST_UNAVAILABLE_TOGETHER * max(1, self.pool.size):
            raise error
        later = job.after_unavailable()
        if later is None:
            self.given_up = self.given_up or error  # raised when the other jobs are done
        else:
            self.queue.append(later)
            LOG.warning("part %s is tried again later: %s", job.part, error.message)

    def _with_articles(self, job: Job) -> Job:
        return replace(job, articles=self.articles(job.part))

    def _next(self, w: _Worker) -> None:
        """Gives a worker its next job, if there is one and the worker is ready."""
        w.job, w.culprit = None, None
        if not self.queue or not w.process.is_ready:
            return
        w.job = self.queue.popleft()
        w.deadline = time.monotonic() + (LOADING if w.is_starting else STALL)
        w.process.send(json.dumps(self._with_articles(w.job).to_json()).encode() + b"\n")

    def _after_done(self, w: _Worker) -> None:
        """Gives a worker whose job has ended the next one."""
        assert w.job is not None
        if not w.job.one_by_one:
            self._next(w)
            return
        # The memory of this worker is limited, so that it is not used again; `_assign` starts another one.
        w.process.kill()
        self._remove(w)

    def _after_death(self, w: _Worker) -> None:
        self._remove(w)
        loss = w.process.lost
        if w.job is None:
            if not w.process.is_ready and loss is not None:
                self._after_failed_start(loss)
        elif loss is not None:
            LOG.warning("the worker of part %s was lost, and the part is tried again: %s", w.job.part, loss.why)
            self.queue.appendleft(w.job.after_loss(loss))
        else:
            at = f" at {w.culprit.what} ({w.culprit.stage})" if w.culprit is not None else ""
            LOG.warning("a worker died on part %s%s, exit code %s", w.job.part, at, w.process.exit_code)
            self.queue.appendleft(w.job.after_crash(w.culprit, w.process.exit_code, stalled=w.is_stalled))

    def _after_failed_start(self, loss: Loss) -> None:
        """Raises StageFailed if workers end before they can be given a job, again and again; else others start."""
        LOG.warning("a worker was lost while it started: %s", loss.why)
        self.failed_starts += 1
        if self.failed_starts >= MOST_LOST * max(1, self.pool.size):
            hint = "run the same command again when the machines are stable; what is done is kept"
            raise StageFailed(
                f"{self.failed_starts} workers were lost while they started, last because {loss.why}", hint
            )

    # --- processes --------------------------------------------------------------------------------------------------

    def _start(self) -> _Worker:
        worker.check_importable(self.folder)
        w = _Worker(self.pool.start(), deadline=time.monotonic() + LOADING)
        self.workers.append(w)
        return w

    def _worker_of(self, process: Process) -> _Worker:
        return next(w for w in self.workers if w.process is process)

    def _read_from(self, w: _Worker) -> None:
        lines = w.process.receive()
        if lines is None:
            self._after_death(w)
            return
        for line in lines:
            self._receive(w, parse_json(line))

    def _receive(self, w: _Worker, message: Mapping[str, Any]) -> None:
        w.is_starting = False
        if "error" in message:
            error = _error(message)
            if not isinstance(error, SourceUnavailable) or w.job is None:
                raise error
            self._try_later(replace(w.job, articles=NO_ARTICLES), error)
            self._after_done(w)
            return
        if "warning" in message:
            LOG.warning("%s", message["warning"])
            return
        if "done" in message:
            assert w.job is not None
            self._done(w.job, JobResult.of_json(message["done"]))
            self._after_done(w)
        elif "articles" in message:
            assert w.job is not None
            self.watcher.advanced(w.job, message["articles"])
        else:
            w.culprit = Culprit(*message["at"])
            w.deadline = time.monotonic() + (LOADING if w.culprit.is_loading else STALL)

    def _kill_stalled(self) -> None:
        for w in self.workers:
            if time.monotonic() <= w.deadline:
                continue
            if w.job is not None:
                LOG.warning("a worker stalled on part %s and is killed", w.job.part)
                w.is_stalled = True
                w.process.kill()
            elif not w.process.is_ready:
                w.process.kill()

    def _remove(self, w: _Worker) -> None:
        """Forgets a worker that has ended, or that has been killed."""
        self.workers.remove(w)
        w.process.close()


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
