"""A run: one pipeline in one folder. `Run` is the only class that callers need."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.base.errors import DataError, UsageError
from roco.base.progress import NullProgress, Progress
from roco.core import calibrate, parts
from roco.core.cost import Calibration
from roco.core.drive import Driver
from roco.core.dropped import check_names, dropped
from roco.core.execute import Executor
from roco.core.figures import DROPPED, Figures
from roco.core.folder import RunFolder
from roco.core.manifest import Manifest
from roco.core.outcome import Outcome
from roco.core.pipeline import Pipeline
from roco.core.pools import pool_of
from roco.core.preview import preview
from roco.core.show import show
from roco.core.stage import put
from roco.core.status import status
from roco.core.store import ImageStore
from roco.core.table_pass import TablePass


@dataclass(frozen=True)
class Run:
    """One pipeline in one folder: `Run(pipeline, "runs/first").do()` runs it, the other methods read it.

    recipe: what recipe.toml records under [run], such as the name of the recipe.
    """

    pipeline: Pipeline
    folder: str | os.PathLike[str]
    recipe: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def files(self) -> RunFolder:
        """Returns the paths of the run folder."""
        return RunFolder(Path(self.folder).absolute(), self.pipeline)

    @cached_property
    def store(self) -> ImageStore:
        """Returns the reader of images; its packs and packages stay open until `close`."""
        return ImageStore(self.files)

    def do(
        self,
        *,
        workers: int | None = None,
        executor: str = "local",
        only: tuple[int, int] | None = None,
        retry: str | None = None,
        new_ids: bool = False,
        part_size: int = parts.PART_SIZE,
        progress: Progress | None = None,
    ) -> Outcome:
        """Runs whatever is missing or out of date; returns what was done.

        workers: number of processes, by default one per core, fewer for heavy stages; 0 uses this process alone.
        executor: "local", or "ray" for workers on a Ray cluster, by default as many as it has room for.
        only: (I, N) processes every N-th part, starting with the I-th, and stops before the table stages.
        retry: a reason; the rows that a measure dropped for it are measured again. new_ids: assigns all ids and splits
        anew, instead of growing from the release in the folder. Raises UsageError for new_ids with only, and DataError
        if the folder `release` contains something that the run cannot grow from or must not replace.
        """
        if new_ids and only is not None:
            raise UsageError("a slice assigns no ids (--new-ids with --parts)", "use --new-ids in the run that follows")
        driver = Driver(self.files, progress or NullProgress(), part_size, self.recipe, new_ids)
        work = Executor(self.files, pool_of(executor, self.files, workers))
        return driver.run(work, retry) if only is None else driver.run_slice(work, only, retry)

    def preview(self) -> dict[str, Any]:
        """Returns what `do` would do: new, changed and removed articles, parts to process, out-of-date stages."""
        return preview(self.files)

    def articles(self, progress: Progress | None = None) -> pa.Table:
        """Returns the current articles (`schema.LISTING`): those that the run has listed, or else lists them now."""
        return calibrate.listing(self.pipeline.source, self.files.parts, progress or NullProgress())

    def calibrate(self, seconds: float = 60.0, progress: Progress | None = None) -> Calibration:
        """Measures what articles and figures cost on this machine, on a sample that takes about so many seconds.

        The sample is processed in a temporary folder; the run folder does not change. `core.cost.estimate` projects the
        costs to a corpus.
        """
        progress = progress or NullProgress()
        return calibrate.calibrate(self.pipeline, self.articles(progress), seconds, progress)

    def status(self) -> dict[str, Any]:
        """Returns the funnel, the parts done, and the out-of-date stages with the cause."""
        return status(self.files)

    def show(self, figure: str) -> list[dict[str, Any]]:
        """Returns the traces of all figures that a name refers to: a figure_id, a released file, a PMCID and others.

        Each trace has the steps and, under `stale`, why what it shows is out of date: see `core.show`.
        """
        return show(self.files, figure)

    # --- figures and images -----------------------------------------------------------------------------------------

    def figures(self, columns: Sequence[str] = (), where: Any = None) -> pa.Table:
        """Returns all figures, kept and dropped, with the named columns; null where a column was never computed.

        The table begins with figure_id, archive, part, and stage, drop and drop_detail, which are null for kept
        figures. where: a pyarrow.compute expression over these and the named columns. Raises DataError if nothing has
        been run, RecipeError for a column that no stage has written yet.
        """
        figures = self._decided()
        kept = figures.kept
        for name in DROPPED.names:
            if name not in kept.column_names:
                kept = put(kept, name, pa.nulls(len(kept), pa.string()))
        rows = pa.concat_tables([kept.select(DROPPED.names), figures.dropped()])
        table = figures.gather(rows, columns).sort_by([("figure_id", "ascending"), ("archive", "ascending")])
        return table if where is None else table.filter(where)

    def is_decided(self, stage: str) -> bool:
        """Returns whether `figures` contains what a stage dropped; False if its results are missing or out of date.

        Raises as `figures` does.
        """
        return stage in self._decided().done

    def written(self) -> frozenset[str]:
        """Returns the columns that `figures` can contain: those that some stage has written. Raises as `figures`."""
        return frozenset(self._decided().writer)

    def columns(self, rows: pa.Table, columns: Sequence[str]) -> pa.Table:
        """Returns some rows of `figures` with further columns, which are read for the parts of these rows alone.

        rows: with figure_id, archive and part, in any order; the order is preserved. Raises as `figures` does.
        """
        return self._decided().gather(rows, columns)

    def dropped(
        self, stage: str | None = None, reason: str | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """Returns the dropped figures: figure_id, archive, part, stage, drop, drop_detail, and the named columns.

        stage, reason: only those that this stage dropped, or that were dropped for this reason. columns: by default
        those by which people recognize a figure, such as the caption. The rows are sorted by stage, reason and
        figure_id. Raises DataError if nothing has been run, UsageError for an unknown stage or reason.
        """
        check_names(self.pipeline, stage, reason)
        return dropped(self._decided(), stage, reason, columns)

    def image(self, row: Mapping[str, Any]) -> bytes:
        """Returns the original bytes of a figure; row: figure_id, part, archive and file. Raises DataError."""
        data = self.store.image(row["part"], row["figure_id"], row["archive"], row["file"])
        if data is None:
            detail = self.store.failures[row["figure_id"]].detail
            raise DataError(f"cannot read the image of {row['figure_id']}: {detail}", f"restore {row['archive']}")
        return data

    def thumbnail(self, row: Mapping[str, Any]) -> bytes | None:
        """Returns a JPEG of at most 280 px a side; None for a figure that was dropped before its image was stored."""
        return self.store.thumbnail(row["part"], row["figure_id"])

    def close(self) -> None:
        """Closes the packs and packages that reading images opened."""
        self.store.close()

    def _decided(self) -> Figures:
        """Returns the figures with all decisions that are stored and up to date."""
        plan = parts.read(self.files.parts)
        if not len(plan.table):
            raise DataError(f"nothing has been run in {self.files.root} yet", "run the recipe first: roco run RECIPE")
        manifest = Manifest(self.files)
        if len(manifest.done(plan)) < len(plan.names):
            raise DataError(f"the run in {self.files.root} is not up to date", "run the recipe: roco run RECIPE")
        return TablePass(self.files, plan, manifest).stored()


__all__ = ["Outcome", "Run"]
