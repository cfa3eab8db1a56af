"""Brings a run up to date, in this order: parts, table stages, publication, manifest."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from roco.base import locks
from roco.base.errors import Busy, CorruptFile, DataError, UsageError
from roco.base.files import full_disk, write_json, write_text
from roco.base.progress import Progress
from roco.core import parts
from roco.core.execute import Executor
from roco.core.folder import RunFolder
from roco.core.job import Job, JobResult
from roco.core.ledger import Ledger
from roco.core.manifest import Manifest
from roco.core.outcome import Outcome
from roco.core.outside import temporary_files_in
from roco.core.provenance import recipe_text
from roco.core.publications import Publications
from roco.core.recovery import recovered
from roco.core.release_folder import recover
from roco.core.retry import check_reason, forget
from roco.core.run_log import LOG, run_log
from roco.core.step import Step
from roco.core.table_pass import TablePass
from roco.core.unchanged import record_stages

SAVE_EVERY = 10.0
"""Seconds between two writes of the records of parts; those that are lost are read from the footers again."""

_UNFINISHED = (
    *(".*.part", "images/.*.part", "measures/*/.*.part", "decisions/.*.part", "decisions/*/.*.part"),
    "ledger/.*.part",
    "records/*/.*.part",
)
"""Temporary files of killed processes, relative to the run folder."""


class Driver:
    """One call of `Run.do`."""

    def __init__(
        self,
        folder: RunFolder,
        progress: Progress,
        part_size: int,
        recipe: Mapping[str, Any],
        new_ids: bool = False,
    ) -> None:
        self.folder, self.progress, self.part_size, self.recipe = folder, progress, part_size, recipe
        self.new_ids = new_ids
        self.outcome = Outcome(folder.root)
        self.seconds: dict[str, float] = defaultdict(float)
        self.counted: dict[str, int] = defaultdict(int)
        self.saved_at = time.monotonic()

    def run(self, executor: Executor, retry: str | None) -> Outcome:
        """Runs everything; no other process may use the folder meanwhile."""
        self._check(retry)
        with self._in_folder(executor, shared=False), executor:
            recover(self.folder.release)
            self._remove_unfinished()
            self._open(executor)
            # What must not be replaced stops the run now, not after hours.
            Publications(self.folder).current(self.folder.pipeline.publication)
            self.manifest.save(self.parts)
            if retry:
                forget(self.folder, self.parts.names, retry)
            self._run_until_complete(executor)
            self.manifest.save(self.parts, self.outcome.complete)
            self._remove_outdated()
            return self._finish()

    def run_slice(self, executor: Executor, only: tuple[int, int], retry: str | None) -> Outcome:
        """Runs some of the parts, while other processes may run other slices; table stages need a whole run."""
        self._check(retry)
        i, n = only
        if not 1 <= i <= n:
            raise UsageError(f"invalid slice {i}/{n} (--parts)", "write I/N with I from 1 to N, for example 1/4")
        with self._in_folder(executor, shared=True), executor, ExitStack() as held:
            self._open(executor)
            mine = [name for k, name in enumerate(self.parts.names) if k % n == i - 1]
            free = [name for name in mine if self._hold_part(held, name)]
            self.outcome.parts_elsewhere = len(mine) - len(free)
            if retry:
                forget(self.folder, free, retry)
            self._pass_parts(free, executor)
            self._save_records()
            return self._finish()

    @contextmanager
    def _in_folder(self, executor: Executor, shared: bool) -> Iterator[None]:
        """Holds the lock of the run folder and writes its log; errors of the disk get a hint, temporary files stay."""
        with (
            _disk_errors(self.folder),
            locks.hold(self.folder.lock, shared=shared),
            temporary_files_in(self.folder.root),
            run_log(self.folder, self.recipe, executor.pool.label),
        ):
            yield

    # --- before -----------------------------------------------------------------------------------------------------

    def _check(self, retry: str | None) -> None:
        """Checks the options of the user before anything is written."""
        if retry is not None:
            check_reason(self.folder.pipeline, retry)

    def _open(self, executor: Executor) -> None:
        """Lists the source, adds parts for new articles, and records the resolved recipe."""
        self.folder.root.mkdir(parents=True, exist_ok=True)
        source = self.folder.pipeline.source
        self.progress.start(f"listing the articles in {source.path}", None)
        self.manifest = Manifest(self.folder)
        if not self.manifest.is_complete:
            executor.start()
        with locks.hold(self.folder.plan_lock, wait=True):
            recover_parts = partial(recovered, measures=self.folder.root / "measures")
            self.parts = parts.plan(self.folder.parts, source, self.part_size, recover_parts, self.progress)
            if not len(self.parts.table):
                raise DataError(
                    f"no articles under {source.path} for a source of kind '{source.kind}'",
                    "check the path in [source]; docs/data-format.md describes the layouts",
                )
            self._write_recipe(None)
        self.outcome.superseded = self.parts.summary["superseded"]

    def _write_recipe(self, ledger: Ledger | None) -> None:
        """Records the resolved recipe; ledger: what the run grew from."""
        write_text(self.folder.recipe, recipe_text(self.folder.pipeline, self.recipe, ledger))

    def _remove_unfinished(self) -> None:
        """Removes temporary files of killed processes; no other process writes while this run holds its lock."""
        for pattern in _UNFINISHED:
            for path in self.folder.root.glob(pattern):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def _hold_part(self, held: ExitStack, name: str) -> bool:
        try:
            held.enter_context(locks.hold(self.folder.part_lock(name)))
        except Busy:
            return False
        return True

    # --- the run ----------------------------------------------------------------------------------------------------

    def _run_until_complete(self, executor: Executor) -> None:
        """Runs parts and table stages; a corrupt file is removed and recomputed, but only once."""
        removed: set[str] = set()
        while not self.outcome.complete:
            try:
                self._pass_parts(self.parts.names, executor)
                self._run_tables(executor)
                self.outcome.complete = True
            except CorruptFile as err:
                if not err.path or err.path in removed:
                    raise
                removed.add(err.path)
                self._remove_corrupt(Path(err.path))

    def _run_tables(self, executor: Executor) -> None:
        tables = TablePass(self.folder, self.parts, self.manifest, self.progress)
        published = tables.run(lambda step, jobs: self._measure(step, jobs, executor), new_ids=self.new_ids)
        if published is not None:
            self.outcome.release = published.path
            self.outcome.changes, self.outcome.carried = published.changes, published.carried
            self.outcome.only_new = published.only_new
        self._write_recipe(tables.ledger)

    def _pass_parts(self, names: Sequence[str], executor: Executor) -> None:
        """Takes the parts that are not done through the row stages."""
        done = set(self.manifest.done(self.parts, names))
        jobs = [Job(name) for name in names if name not in done]
        record_stages(self.folder)  # also without jobs: the file may have been damaged since
        if jobs:
            total = sum(self.parts.spans[name][1] for name in names)
            self.progress.start("articles", total, sum(self.parts.spans[name][1] for name in done))
            self.counted.clear()
            executor.run(jobs, self.parts.articles, self)
        # The table stages may need the memory that workers hold.
        if not self._late_measures() or any(step.contract.heavy for step in self.folder.pipeline.steps):
            executor.close()

    def _measure(self, step: Step, jobs: Sequence[Job], executor: Executor) -> None:
        """Runs a measure that stands after a table stage, for the figures that are still kept."""
        if jobs:
            self.progress.start(f"figures ({step.name})", sum(len(job.figures) for job in jobs))
            executor.run(jobs, self.parts.articles, self)
        if step == self._late_measures()[-1]:
            executor.close()

    def _late_measures(self) -> list[Step]:
        return [step for step in self.folder.pipeline.table_steps if step.is_measure]

    # --- what the executor reports ----------------------------------------------------------------------------------

    def done(self, job: Job, result: JobResult) -> None:
        """Records the result of a job."""
        for name, n in result.measured.items():
            self.outcome.measured[name] = self.outcome.measured.get(name, 0) + n
        for name, seconds in result.seconds.items():
            self.seconds[name] += seconds
        LOG.info("part %s: %s", result.part, _measured(result.measured))
        times = {"seconds": dict(result.seconds), "cpu": dict(result.cpu)}
        self._log({"part": result.part, "measured": dict(result.measured), **times})
        if result.record is None:
            self.progress.count(figures=len(job.figures))
            self.progress.advance(len(job.figures))
        else:
            funnel = result.record.funnel
            self.manifest.record(result.part, result.record, self.parts)
            self.outcome.parts_done += 1
            self.progress.count(figures=funnel[0].rows_in, dropped=sum(sum(f.dropped.values()) for f in funnel))
            self.advanced(job, self.parts.spans[job.part][1])
        if time.monotonic() - self.saved_at > SAVE_EVERY:
            self._save_records()

    def advanced(self, job: Job, articles: int) -> None:
        """Counts the articles of a part; those that are processed again after a crash are not counted twice."""
        new = articles - self.counted[job.part]
        if new > 0:
            self.counted[job.part] = articles
            self.progress.advance(new)

    def tick(self) -> None:
        self.progress.refresh()

    # --- repair -----------------------------------------------------------------------------------------------------

    def _remove_corrupt(self, path: Path) -> None:
        """Removes a corrupt file and the decisions of its part, so that both are computed again."""
        path.unlink(missing_ok=True)
        self.folder.row_decisions(path.stem).unlink(missing_ok=True)
        LOG.warning("corrupt file, computed again: %s", path)
        self._log({"corrupt": os.path.relpath(path, self.folder.root)})

    # --- after ------------------------------------------------------------------------------------------------------

    def _save_records(self) -> None:
        self.manifest.records.save()
        self.saved_at = time.monotonic()

    def _remove_outdated(self) -> None:
        """Removes the decisions of previous recipes, which are cheap; measures are expensive and are kept."""
        self._remove_unfinished()  # a worker that died may have left some, too
        tables = [self.folder.table_decisions(step) for step in self.folder.pipeline.table_steps]
        current = {self.folder.row_decisions_folder, self.folder.kept_rows, *tables}
        current.add(self.folder.records_folder(self.folder.pipeline.rows_digest))
        for path in (*(self.folder.root / "decisions").glob("*"), *self.folder.records.glob("*")):
            if path not in current:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _finish(self) -> Outcome:
        self.outcome.seconds = {name: round(seconds, 3) for name, seconds in sorted(self.seconds.items())}
        self.outcome.funnel = self.manifest.funnel(self.parts)
        if self.outcome.complete:
            write_json(self.folder.funnel, self.outcome.funnel)
        return self.outcome

    def _log(self, entry: Mapping[str, Any]) -> None:
        self.folder.log.parent.mkdir(parents=True, exist_ok=True)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with self.folder.log.open("a", encoding="utf-8") as fh:
            fh.write(json.dumps({"time": stamp, **entry}) + "\n")


def _measured(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in counts.items()) or "nothing to measure"


@contextmanager
def _disk_errors(folder: RunFolder) -> Iterator[None]:
    """Converts an OSError of the run, such as a full disk or a read-only folder, to an error with a hint."""
    try:
        yield
    except OSError as err:
        raise full_disk(err, Path(err.filename or folder.manifest)) from err
