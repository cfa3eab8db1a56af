"""Runs the stages that need the figures of the whole run, the stages after them, and the publication."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import CorruptFile, DataError
from roco.base.files import digest
from roco.base.progress import NullProgress, Progress
from roco.base.sealed_tables import read_table, write_table
from roco.core.figures import Figures, by_part
from roco.core.finished import FinishedRun
from roco.core.folder import RunFolder
from roco.core.funnel import Flow, reconcile
from roco.core.job import Job
from roco.core.manifest import Manifest
from roco.core.parts import Parts
from roco.core.publications import Current, Publications, Record
from roco.core.publish import Published, publish
from roco.core.rows import align, apply, view, without
from roco.core.run_log import LOG
from roco.core.stage import put
from roco.core.step import Step

RunJobs = Callable[[Step, Sequence[Job]], None]
"""Runs the jobs of a measure, part by part."""


class TablePass:
    """Runs table stages and publishes.

    Stored decisions that are still valid are read, the others are computed. Decisions are valid if their footer has
    the current state: a digest of everything that they depend on, the ledger that the run grows from included.

    ledger: that ledger, and base its digest; None if everything is assigned anew. states: the state after each stage.
    """

    def __init__(self, folder: RunFolder, parts: Parts, manifest: Manifest, progress: Progress | None = None) -> None:
        self.folder, self.pipeline, self.parts, self.manifest = folder, folder.pipeline, parts, manifest
        self.progress = progress or NullProgress()
        self.publications = Publications(folder)
        self._start(None)

    def _start(self, base: str | None) -> None:
        """Forgets all decisions, to decide again on the basis of a ledger."""
        self.base = base
        self.ledger = None if base is None else self.publications.ledger(base)
        self.flows: list[Flow] = []
        self.states: list[str] = []
        self.__dict__.pop("figures", None)

    @cached_property
    def figures(self) -> Figures:
        return Figures(self.folder, self.parts, self.input)

    @cached_property
    def input(self) -> str:
        """Returns the digest of the results of the row pass."""
        return digest([self.pipeline.rows_digest, self.manifest.contents(sorted(self.parts.names))])

    def run(self, run_jobs: RunJobs, *, new_ids: bool = False) -> Published | None:
        """Brings table stages and publication up to date; returns what is published now, None if nothing is.

        The run grows from what it published last: what that assigned stays valid. new_ids: everything is assigned anew.
        """
        stage = self.pipeline.publication
        current = self.publications.current(stage)
        record = current.record if current else None
        if record is not None and new_ids and record.base is not None:
            record = None  # it grew from another one, and must not be repeated
        is_intact = current is not None and current.contents.is_intact
        if stage is not None and current and record and is_intact and self._is_up_to_date(record):
            return self._nothing_to_do(current, record)

        # The same input and recipe give the same decisions on the same basis; any others grow from the last release.
        is_same = record is not None and self._decide_all(record.base, run_jobs, record.states)
        if not is_same:
            base = None if new_ids or current is None else self.publications.restore(current, stage)
            self._decide_all(base, run_jobs)
        self.manifest.table = self.flows
        if stage is None:
            return None
        if is_same and is_intact and current and record:
            return self._nothing_to_do(current, record)
        if not len(self.figures.kept) and current is not None and not current.is_empty:
            return None  # an empty release does not replace one that is not
        funnel = self.manifest.funnel(self.parts, self.flows)
        finished = FinishedRun(self.folder, self.figures, funnel, self.ledger, self.progress)
        finished.check()
        LOG.info("publishing %s", self.folder.release)
        self.progress.start("images of the release", len(self.figures.kept))
        options = self.pipeline.options_of_new
        draft = Record({}, tuple(self.states), self.base, None, tuple(self.flows), options)
        published = publish(finished, stage, self.publications, current, draft)
        if is_same:
            return replace(published, changes=None)
        if record is not None and self.base is not None and published.changes and published.changes.kept:
            published = replace(published, only_new=tuple(record.changed_options(options)))
        return published

    def _nothing_to_do(self, current: Current, record: Record) -> Published:
        self.manifest.table = self.flows = list(record.flow)
        self.publications.refresh(record)
        self.publications.restore(current, self.pipeline.publication)  # while the release is there to read it from
        return Published(self.folder.release)

    def stored(self) -> Figures:
        """Returns the figures after all table stages whose results are stored and up to date."""
        current = self.publications.current(None)
        record = current.record if current else None
        is_same = record is not None and self._apply_stored(record.base, record.states)
        if not is_same:
            self._apply_stored(current.ledger if current else None)
        return self.figures

    def _is_up_to_date(self, record: Record) -> bool:
        """Returns whether nothing has changed since a publication, if that is known without reading any row."""
        if any(step.is_measure for step in self.pipeline.table_steps):
            return False
        self._start(record.base)
        state = self._first_state()
        for step in self.pipeline.table_steps:
            state = digest([state, step.digest])
            self.states.append(state)
        return tuple(self.states) == record.states

    def _first_state(self) -> str:
        return self.input if self.base is None else digest([self.input, self.base])

    def _decide_all(self, base: str | None, run_jobs: RunJobs, expected: Sequence[str] = ()) -> bool:
        """Runs all table stages on the basis of a ledger; returns False as soon as a state is not the expected one."""
        self._start(base)
        if expected and base is not None and self.ledger is None:
            return False  # its file is corrupt, so the decisions cannot be taken again
        if self.pipeline.table_steps:
            self.figures.copy_kept()
        state = self._first_state()
        for number, step in enumerate(self.pipeline.table_steps):
            state = digest([state, step.digest])
            if step.is_measure:
                state = digest([state, self._measure(step, run_jobs)])
            if expected and state not in expected[number : number + 1]:
                return False
            if not step.is_measure:
                self._decide(step, state)
            self.states.append(state)
        return True

    def _apply_stored(self, base: str | None, expected: Sequence[str] = ()) -> bool:
        """Applies the stored decisions that are valid; returns False as soon as a state is not the expected one."""
        self._start(base)
        state = self._first_state()
        for number, step in enumerate(self.pipeline.table_steps):
            state = digest([state, step.digest])
            if step.is_measure:
                if any(len(missing) for _, missing in self._missing(step)):
                    break
                state = digest([state, self._apply_measure(step)])
            if expected and state not in expected[number : number + 1]:
                return False
            if not step.is_measure:
                verdict = self._stored_verdict(step, state)
                if verdict is None:
                    break
                self.figures.apply(step, verdict)
        return True

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
            more: list[Any] = [self.figures.dropped_with(step.contract.dropped)] if step.contract.dropped else []
            if step.contract.takes_ledger:
                more.append(self.ledger)
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


def _check_unique(rows: pa.Table) -> None:
    """Raises DataError if two rows have the same figure_id, because tables are joined on it."""
    ids = rows["figure_id"].combine_chunks()
    repeated = pc.equal(ids[1:], ids[:-1])  # rows are sorted by figure_id
    if pc.any(repeated).as_py():
        figure = ids[1:].filter(repeated)[0].as_py()
        hint = "add the stage 'identity' before the first stage that needs the whole table"
        raise DataError(f"two packages contain the same article: duplicate figure {figure}", hint)
