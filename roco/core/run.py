"""A run: does what is not done, in this order: parts, table stages, publication, manifest."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roco.base import locks as lock
from roco.base.errors import Busy, CorruptFile, DataError, UsageError
from roco.base.files import full_disk, write_json, write_text
from roco.base.progress import NullProgress, Progress
from roco.core import parts
from roco.core.execute import execute
from roco.core.layout import Layout
from roco.core.manifest import Manifest
from roco.core.pipeline import Pipeline
from roco.core.provenance import recipe_text
from roco.core.retry import forget
from roco.core.table import TablePass

SAVE_EVERY = 10.0
"""Seconds after which the manifest is written again; what is not in it yet is read from footers."""


@dataclass
class Outcome:
    """What one call of `run` did.

    measured: articles or figures newly measured by stage; parts_done: parts passed now; parts_elsewhere: parts that
    another process holds; release: the folder, where one was made or found up to date.
    """

    folder: Path
    measured: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    parts_done: int = 0
    parts_elsewhere: int = 0
    funnel: dict[str, Any] = field(default_factory=dict)
    release: Path | None = None
    superseded: int = 0
    complete: bool = False


def run(
    pipeline: Pipeline,
    folder: str | os.PathLike[str],
    *,
    workers: int | None = None,
    only: tuple[int, int] | None = None,
    retry: str | None = None,
    part_size: int = parts.PART_SIZE,
    progress: Progress | None = None,
    recipe: Mapping[str, Any] | None = None,
) -> Outcome:
    """Does what is not done and returns what was done.

    workers: processes, by default one a core; 0 works in this process. only: (I, N) passes every N-th part from the
    I-th on and stops before the table stages. retry: a reason of a measure, whose rows are measured again.
    """
    if workers is not None and workers < 0:
        raise UsageError(f"there cannot be {workers} workers", "a number from 1 on; one a core by default")
    driver = _Driver(pipeline, Layout(Path(folder)), progress or NullProgress(), part_size, recipe or {})
    workers = (os.cpu_count() or 1) if workers is None else workers
    try:
        return driver.all(workers, retry) if only is None else driver.slice(workers, only, retry)
    except OSError as err:
        raise full_disk(err, Path(err.filename or driver.layout.manifest)) from err


class _Driver:
    def __init__(
        self,
        pipeline: Pipeline,
        layout: Layout,
        progress: Progress,
        part_size: int,
        recipe: Mapping[str, Any],
    ) -> None:
        self.pipeline, self.layout, self.progress = pipeline, layout, progress
        self.part_size, self.recipe = part_size, recipe
        self.outcome = Outcome(layout.root)
        self.seconds: dict[str, float] = defaultdict(float)
        self.saved_at = time.monotonic()
        self.alone = False

    def all(self, workers: int, retry: str | None) -> Outcome:
        with lock.hold(self.layout.root / ".lock"):
            self.alone = True
            self._clear()
            self._open()
            self._save()
            if retry:
                forget(self.pipeline, self.layout, self.parts, retry)
            healed: set[str] = set()
            while not self.outcome.complete:
                try:
                    self._pass_parts(self.parts.names, workers)
                    self._tables(workers)
                    self.outcome.complete = True
                except CorruptFile as err:
                    if not err.path or err.path in healed:
                        raise
                    healed.add(err.path)
                    self._heal(Path(err.path))
            self._save()
            self._sweep()
        return self._finish()

    def slice(self, workers: int, only: tuple[int, int], retry: str | None) -> Outcome:
        i, n = only
        if not 1 <= i <= n:
            raise UsageError(f"--parts {i}/{n} names no slice", "I/N with I from 1 to N, as in --parts 1/4")
        with lock.hold(self.layout.root / ".lock", shared=True), ExitStack() as held:
            self._open()
            mine = [name for k, name in enumerate(self.parts.names) if k % n == i - 1]
            free = [name for name in mine if self._hold_part(held, name)]
            self.outcome.parts_elsewhere = len(mine) - len(free)
            if retry:
                forget(self.pipeline, self.layout, self.parts, retry, free)
            self._pass_parts(free, workers)
        return self._finish()

    # --- steps of a run -------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self.layout.root.mkdir(parents=True, exist_ok=True)
        with lock.hold(self.layout.root / ".plan.lock", wait=True):
            self.parts = parts.plan(self.layout.parts, self.pipeline.source, self.part_size)
            if not len(self.parts.table):
                raise DataError(
                    f"no articles under {self.pipeline.source.path} for a source of kind '{self.pipeline.source.kind}'",
                    "see docs/data-format.md for the layouts, and the path in [source]",
                )
            write_text(self.layout.recipe, recipe_text(self.pipeline, self.recipe))
        self.manifest = Manifest(self.pipeline, self.layout)
        self.outcome.superseded = self.parts.summary["superseded"]

    def _clear(self) -> None:
        """Removes what killed processes began to write; nobody else writes while this run holds its lock."""
        for pattern in (".*.part", "images/.*.part", "measures/*/.*.part", "decisions/.*.part", "decisions/*/.*.part"):
            for path in self.layout.root.glob(pattern):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def _pass_parts(self, names: Sequence[str], workers: int) -> None:
        done = set(self.manifest.done(self.parts, names))
        todo = [name for name in names if name not in done]
        self.progress.start("parts", len(todo))
        jobs = [{"part": name} for name in todo]
        execute(
            self.pipeline,
            self.layout,
            jobs,
            self.parts.articles,
            workers,
            self._part_done,
            self.progress.refresh,
        )

    def _part_done(self, result: Mapping[str, Any]) -> None:
        self.manifest.record(result["part"], result)
        self._count(result)
        self.outcome.parts_done += 1
        self._report(result)
        if self.alone and time.monotonic() - self.saved_at > SAVE_EVERY:
            self._save()

    def _count(self, result: Mapping[str, Any]) -> None:
        for name, n in result["measured"].items():
            self.outcome.measured[name] = self.outcome.measured.get(name, 0) + n
        for name, n in result["seconds"].items():
            self.seconds[name] += n
        self._log({"part": result["part"], "measured": result["measured"], "seconds": result["seconds"]})

    def _report(self, result: Mapping[str, Any]) -> None:
        """Reports one job as done, with the figures that it read or measured and those that it dropped."""
        stages = result.get("funnel", [])
        figures = stages[0]["in"] if stages else sum(result["measured"].values())
        dropped = sum(sum(stage["dropped"].values()) for stage in stages)
        self.progress.count(figures=figures, dropped=dropped)
        self.progress.advance()

    def _tables(self, workers: int) -> None:
        tables = TablePass(self.pipeline, self.layout, self.parts, self.manifest)

        def measure(jobs: Sequence[Mapping[str, Any]]) -> None:
            self.progress.start("measures", len(jobs))
            execute(
                self.pipeline,
                self.layout,
                jobs,
                self.parts.articles,
                workers,
                self._measured,
                self.progress.refresh,
            )

        self.outcome.release = tables.run(measure)

    def _measured(self, result: Mapping[str, Any]) -> None:
        self._count(result)
        self._report(result)

    def _heal(self, path: Path) -> None:
        """Takes a damaged file out, with the decisions of its part, so that both are made again."""
        path.unlink(missing_ok=True)
        self.layout.rows(self.pipeline, path.stem).unlink(missing_ok=True)
        self._log({"damaged": str(path.relative_to(self.layout.root))})

    def _save(self) -> None:
        self.manifest.save(self.parts, self.outcome.complete)
        self.saved_at = time.monotonic()

    def _sweep(self) -> None:
        """Removes decisions of earlier recipes: they are cheap, measures are not and stay."""
        self._clear()  # a worker that died leaves something behind too
        rows = self.layout.rows_folder(self.pipeline)
        tables = {self.layout.table(self.pipeline, s) for s in self.pipeline.table_steps}
        for path in (self.layout.root / "decisions").glob("*"):
            if path != rows and path not in tables:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _finish(self) -> Outcome:
        self.outcome.seconds = {k: round(v, 3) for k, v in sorted(self.seconds.items())}
        self.outcome.funnel = self.manifest.funnel(self.parts)
        if self.outcome.complete:
            write_json(self.layout.funnel, self.outcome.funnel)
        return self.outcome

    def _hold_part(self, held: ExitStack, name: str) -> bool:
        try:
            held.enter_context(lock.hold(self.layout.root / "locks" / name))
        except Busy:
            return False
        return True

    def _log(self, entry: Mapping[str, Any]) -> None:
        self.layout.log.parent.mkdir(parents=True, exist_ok=True)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with self.layout.log.open("a", encoding="utf-8") as fh:
            fh.write(json.dumps({"time": stamp, **entry}) + "\n")
