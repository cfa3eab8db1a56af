"""Runs the stages that need the figures of the whole run, the stages after them, and the publication."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import CorruptFile, DataError
from roco.base.files import digest, file_digest, read_table, sync_folder, write_table
from roco.base.progress import NullProgress, Progress
from roco.core.contract import Reason
from roco.core.figures import Figures, by_part
from roco.core.folder import RunFolder
from roco.core.funnel import Flow, reconcile
from roco.core.job import Job
from roco.core.manifest import Manifest
from roco.core.parts import Parts
from roco.core.provenance import resolved
from roco.core.rows import align, apply, view, without
from roco.core.run_log import LOG
from roco.core.stage import Publication, put
from roco.core.step import Step
from roco.core.store import ImageStore

RunJobs = Callable[[Step, Sequence[Job]], None]
"""Runs the jobs of a measure, part by part."""


class TablePass:
    """Runs table stages and publishes; a publication receives this object as `stage.Finished`.

    Stored decisions that are still valid are read, the others are computed. Decisions are valid if their footer has
    the current state: a digest of everything that they depend on.
    """

    def __init__(self, folder: RunFolder, parts: Parts, manifest: Manifest, progress: Progress | None = None) -> None:
        self.folder, self.pipeline, self.parts, self.manifest = folder, folder.pipeline, parts, manifest
        self.progress = progress or NullProgress()
        self.flows: list[Flow] = []

    @cached_property
    def figures(self) -> Figures:
        return Figures(self.folder, self.parts)

    @cached_property
    def input(self) -> str:
        """Returns the digest of the results of the row pass."""
        contents = [self.manifest.parts[name].record.content for name in self.parts.names]
        return digest([self.pipeline.rows_digest, contents])

    def run(self, run_jobs: RunJobs) -> Path | None:
        """Brings table stages and publication up to date; returns the published folder, None if no stage publishes."""
        steps = self.pipeline.table_steps
        if not any(step.is_measure for step in steps) and self._is_published(self._state(steps)):
            self.manifest.table = [Flow.of_json(flow) for flow in self.manifest.published["flow"]]
            return self.folder.release
        state = self.input
        for step in steps:
            state = digest([state, step.digest])
            if step.is_measure:
                state = digest([state, self._measure(step, run_jobs)])
            else:
                self._decide(step, state)
        self.manifest.table = self.flows
        if not steps or not isinstance(steps[-1].stage, Publication):
            return None
        return self.folder.release if self._is_published(state) else self._publish(steps[-1].stage, state)

    def stored(self) -> Figures:
        """Returns the figures after all table stages whose results are stored and up to date."""
        state = self.input
        for step in self.pipeline.table_steps:
            state = digest([state, step.digest])
            if step.is_measure:
                if any(len(missing) for _, missing in self._missing(step)):
                    break
                state = digest([state, self._apply_measure(step)])
                continue
            verdict = self._stored_verdict(step, state)
            if verdict is None:
                break
            self.figures.apply(step, verdict)
        return self.figures

    def _state(self, steps: Sequence[Step]) -> str:
        """Returns the state after steps that are all decisions, for which no row has to be read."""
        state = self.input
        for step in steps:
            state = digest([state, step.digest])
        return state

    # --- deciding ---------------------------------------------------------------------------------------------------

    def _decide(self, step: Step, state: str) -> None:
        rows = self.figures.kept
        keeps_packages_apart = "superseded" in step.contract.reasons
        if not keeps_packages_apart:
            _check_unique(rows)
        verdict = self._stored_verdict(step, state)
        if verdict is None:
            self.progress.start(f"stage '{step.name}'", None)
            columns = [column for column in step.reads if column != "figure_id"]
            batch = view(step, self.figures.gather(rows, columns))
            more = [self._dropped(step.contract.dropped)] if step.contract.dropped else []
            verdict = apply(step, "the table", batch, *more)
            if keeps_packages_apart:
                verdict = put(verdict, "archive", rows["archive"])  # two packages may have the same figure_id
            write_table(
                self.folder.table_decisions(step), verdict, {"input": state, "stage": step.name, "digest": step.digest}
            )
        self._count(step, len(rows), self.figures.apply(step, verdict))

    def _stored_verdict(self, step: Step, state: str) -> pa.Table | None:
        try:
            verdict, meta = read_table(self.folder.table_decisions(step))
        except (FileNotFoundError, CorruptFile):
            return None
        return verdict if meta["input"] == state else None

    def _dropped(self, columns: Sequence[str]) -> pa.Table:
        """Returns the dropped figures whose first named column is not empty: usually a few out of millions."""
        rows = self.figures.gather(self.figures.dropped(), columns[:1])
        values = rows[columns[0]]
        is_set = pc.is_valid(values)
        if pa.types.is_list(values.type):
            is_set = pc.fill_null(pc.greater(pc.list_value_length(values), 0), False)
        return self.figures.gather(rows.filter(is_set), columns).select(["figure_id", *columns])

    # --- measuring --------------------------------------------------------------------------------------------------

    def _measure(self, step: Step, run_jobs: RunJobs) -> str:
        """Computes a measure for the kept figures without a stored value; returns a digest of its verdicts."""
        jobs = [
            Job(part, step.name, tuple(missing["figure_id"].to_pylist()))
            for part, missing in self._missing(step)
            if len(missing)
        ]
        run_jobs(step, jobs)
        return self._apply_measure(step)

    def _missing(self, step: Step) -> Iterator[tuple[str, pa.Table]]:
        """Yields, for each part, the kept figures that a measure has no stored value for."""
        for part, rows in by_part(self.figures.kept):
            stored = self._stored_measure(step, part)
            yield part, rows if stored is None else without(rows, stored)

    def _apply_measure(self, step: Step) -> str:
        """Drops the figures that could not be measured; returns a digest of the verdicts."""
        rows = self.figures.kept
        verdicts = [self._verdict(step, part, some) for part, some in by_part(rows)]
        if not verdicts:
            self.figures.add_columns(step)
            self._count(step, len(rows), {})
            return digest([step.digest, []])
        verdict = align(rows["figure_id"], pa.concat_tables(verdicts))
        self._count(step, len(rows), self.figures.apply(step, verdict))
        return digest([step.digest, verdict.to_pydict()])

    def _stored_measure(self, step: Step, part: str) -> pa.Table | None:
        path = self.folder.measure_file(step, part)
        try:
            return read_table(path, ["figure_id", "drop", "drop_detail"])[0]
        except FileNotFoundError:
            return None
        except CorruptFile:
            path.unlink(missing_ok=True)
            return None

    def _verdict(self, step: Step, part: str, rows: pa.Table) -> pa.Table:
        stored = self._stored_measure(step, part)
        if stored is None or len(without(rows, stored)):
            path = self.folder.measure_file(step, part)
            raise CorruptFile(f"missing measures of '{step.name}' for part {part}", "run again", str(path))
        return align(rows["figure_id"], stored)

    def _count(self, step: Step, rows_in: int, dropped: Mapping[str, int]) -> None:
        flow = Flow(step.name, step.kind, rows_in, len(self.figures.kept), dict(dropped))
        self.flows.append(flow)
        LOG.info("stage %s: %s of %s figures kept", step.name, f"{flow.kept:,}", f"{flow.rows_in:,}")
        reconcile([flow], f"stage '{step.name}'")

    # --- publishing -------------------------------------------------------------------------------------------------

    def _is_published(self, state: str) -> bool:
        record, seal = self.manifest.published, _seal(self.folder.release)
        return seal is not None and record.get("input") == state and record.get("seal") == seal

    def _publish(self, stage: Publication, state: str) -> Path:
        """Writes the release to a temporary folder, then replaces the old one."""
        target = self.folder.release
        new = target.with_name(f".{target.name}.part")
        old = target.with_name(f".{target.name}.old")
        if old.exists() and not target.exists():
            old.rename(target)  # a run was killed between the two renames
        for path in (new, old):
            shutil.rmtree(path, ignore_errors=True)
        LOG.info("publishing %s", target)
        self.progress.start("images of the release", len(self.figures.kept))
        stage.publish(self, new)
        self._check_published()
        for path in sorted(new.rglob("*")):
            if path.is_file():
                with path.open("rb") as fh:
                    os.fsync(fh.fileno())
        if target.exists():
            target.rename(old)
        new.rename(target)
        sync_folder(target.parent)
        shutil.rmtree(old, ignore_errors=True)
        flows = [flow.to_json() for flow in self.flows]
        self.manifest.published = {"input": state, "seal": _seal(target), "flow": flows}
        return target

    def _check_published(self) -> None:
        stages = self.funnel["stages"]
        n_dropped = sum(sum(stage["dropped"].values()) for stage in stages)
        n_kept = stages[-1]["kept"] if stages else 0
        if n_dropped != len(self.figures.dropped()) or n_kept != len(self.figures.kept):
            raise DataError("the funnel and the figures of the release differ", "please report this error in roco")

    # --- what a publication reads -----------------------------------------------------------------------------------

    @property
    def funnel(self) -> dict[str, Any]:
        """Returns the funnel of the current input, without superseded articles: it does not depend on previous runs."""
        return self.manifest.funnel(self.parts, self.flows)

    @property
    def recipe(self) -> dict[str, Any]:
        return resolved(self.pipeline)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.figures.writer)

    @property
    def reasons(self) -> Mapping[str, Reason]:
        return self.pipeline.reasons

    def kept(self, columns: Sequence[str]) -> pa.Table:
        return self.figures.gather(self.figures.kept, columns).select(["figure_id", *columns])

    def removed(self, columns: Sequence[str]) -> pa.Table:
        rows = self.figures.gather(self.figures.dropped(), columns)
        return rows.select(list(dict.fromkeys(["figure_id", "stage", "drop", "drop_detail", *columns])))

    def images(self, rows: pa.Table) -> Iterator[bytes]:
        store = ImageStore(self.folder)
        parts = align(rows["figure_id"], self.figures.kept)["part"].to_pylist()
        try:
            for part, row in zip(parts, rows.select(["figure_id", "archive", "file"]).to_pylist(), strict=True):
                data = store.image(part, row["figure_id"], row["archive"], row["file"])
                if data is None:
                    raise _unreadable(row, store)
                self.progress.advance()
                yield data
        finally:
            store.close()


def _unreadable(row: Mapping[str, Any], store: ImageStore) -> DataError:
    detail = store.failures[row["figure_id"]].detail
    hint = f"restore {row['archive']}, or drop the image: roco run RECIPE --retry unreadable"
    return DataError(f"cannot read the image of {row['figure_id']}: {detail}", hint)


def _check_unique(rows: pa.Table) -> None:
    """Raises DataError if two rows have the same figure_id, because tables are joined on it."""
    ids = rows["figure_id"].combine_chunks()
    repeated = pc.equal(ids[1:], ids[:-1])  # rows are sorted by figure_id
    if pc.any(repeated).as_py():
        figure = ids[1:].filter(repeated)[0].as_py()
        hint = "add the stage 'identity' before the first stage that needs the whole table"
        raise DataError(f"two packages contain the same article: duplicate figure {figure}", hint)


def _seal(release: Path) -> str | None:
    """Returns a digest of the checksums of a release and of size and time of its files; None if one is missing.

    The contents of the files are not read: `roco verify` checks them.
    """
    checksums = release / "checksums.sha256"
    try:
        lines = checksums.read_text(encoding="utf-8").splitlines()
        stats = [(release / line.split(maxsplit=1)[1]).stat() for line in lines]
        return digest([file_digest(checksums), [[stat.st_size, stat.st_mtime_ns] for stat in stats]])
    except (OSError, ValueError, IndexError):
        return None
