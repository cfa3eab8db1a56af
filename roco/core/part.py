"""The pass over one part: articles are read once, images decoded once, and only missing measures are computed.

Order of writing: pack, measures, decisions. A part is done when its decisions exist, so a kill at any moment loses
only the parts that are being processed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.files import digest
from roco.base.sealed_tables import write_table
from roco.base.table_digest import table_digest
from roco.core.articles import Articles
from roco.core.folder import RunFolder
from roco.core.funnel import Flow, reconcile
from roco.core.job import Job, JobResult, PartRecord, input_digest
from roco.core.measures import PartMeasures
from roco.core.measuring import Beat, Measurer, Timings
from roco.core.pack import PackWriter
from roco.core.reading import ArticleReader
from roco.core.rows import align, apply, blank, concat, dropped, kept, tally, view
from roco.core.stage import put
from roco.core.step import Step
from roco.core.store import ImageStore
from roco.core.unchanged import SOURCE, Unchanged, unchanged

Advanced = Callable[[int], None]
"""Reports how many articles of a part have been processed so far."""


def do(folder: RunFolder, job: Job, beat: Beat, advanced: Advanced) -> JobResult:
    """Does one job: the row pass over a part, or one measure for some of its figures."""
    if job.measure is not None:
        return measure_figures(folder, job, beat)
    return pass_part(folder, job, beat, advanced)


def pass_part(folder: RunFolder, job: Job, beat: Beat, advanced: Advanced) -> JobResult:
    """Takes the figures of a part through all row stages and writes measures, pack and decisions."""
    part = PartPass(folder, job, beat, folder.pipeline.row_steps)
    with part.timings.time("all"):
        try:
            before = part.unchanged()
            if before is not None:
                kept_rows = [part.walk(part.take_over(before), before.first)]
            else:
                kept_rows = part.read_and_walk(advanced)
            record = part.commit(kept_rows)
        finally:
            part.close()
    return part.result(record)


def measure_figures(folder: RunFolder, job: Job, beat: Beat) -> JobResult:
    """Computes one measure, needed after a table stage, for the figures that are still kept."""
    step = folder.pipeline.step(job.measure or "")
    steps = folder.pipeline.steps[: folder.pipeline.steps.index(step) + 1]
    measures = tuple(s for s in steps if s.is_measure)
    part = PartPass(folder, job, beat, measures)
    try:
        ids = pa.array(job.figures, pa.string())
        rows = align(ids, part.measures.stored(measures[0]))
        for column, writer in _columns_for(step, part.measurer.lenders).items():
            if column not in rows.column_names:
                values = part.measures.stored(folder.pipeline.step(writer))
                rows = put(rows, column, align(ids, values)[column])
        part.walk(rows, first=len(measures) - 1)  # the other measures only lend or were stored before
        part.pack.commit()
        part.measures.write(step)
    finally:
        part.close()
    return part.result(None)


def _columns_for(step: Step, lenders: Mapping[str, Step]) -> dict[str, str]:
    """Returns the stored columns that a measure, or one that lends to it, reads, with the steps that wrote them."""
    columns: dict[str, str] = {}
    for column, writer in step.reads_from.items():
        if column in lenders:
            columns |= _columns_for(lenders[column], lenders)
        else:
            columns[column] = writer
    return columns


class PartPass:
    """The state of one pass over a part: measures, images, the funnel, dropped rows.

    flows: the funnel, by stage. measured: number of newly measured articles or figures, by stage. counts: those of
    `extract`, if they are taken over.
    """

    def __init__(self, folder: RunFolder, job: Job, beat: Beat, steps: Sequence[Step]) -> None:
        self.folder, self.job, self.beat, self.steps = folder, job, beat, steps
        self.timings = Timings()
        self.store = ImageStore(folder)
        self.measures = PartMeasures(folder, job.part, steps)
        self.measurer = Measurer(steps, self.store, job, beat, self.timings)
        self.reader = ArticleReader(folder, job, self.store, self.measures, self.timings, beat)
        self.pack = PackWriter(folder.pack(job.part))
        self.flows = {step.name: Flow(step.name, step.kind) for step in steps}
        self.dropped: list[pa.Table] = []
        self.measured: dict[str, int] = defaultdict(int)
        self.counts: Mapping[str, int] | None = None

    # --- from articles to figures -----------------------------------------------------------------------------------

    def read_and_walk(self, advanced: Advanced) -> list[pa.Table]:
        """Takes the articles through all steps; returns the kept rows."""
        kept_rows, n_articles = [], 0
        for articles in self.reader.groups():
            rows = self.extract(articles)
            kept_rows.append(self.walk(rows, first=1))  # step 0 is the extraction
            self.store.close_packages()
            n_articles += len(articles)
            advanced(n_articles)
        return kept_rows

    def extract(self, articles: Articles) -> pa.Table:
        """Returns the figures of some articles: stored ones, and those of articles that have not been read yet."""
        step = self.steps[0]
        tables = self.measures.figures_of(articles.places)
        unread = self.reader.unread(articles) if self.reader.has_unread(articles) else []
        if unread:
            tables.append(self.measures.add(step, self.reader.extract(unread)))
            self.measured[step.name] += len(unread)
        empty = pa.table({"figure_id": pa.array([], pa.string())})
        rows = concat(tables) if tables else blank(empty, step.contract.columns)
        rows = self._without_superseded(rows, articles)
        return self._settle(step, rows, rows)

    def _without_superseded(self, rows: pa.Table, articles: Articles) -> pa.Table:
        """Drops the figures of articles that the source no longer lists in this version."""
        if not articles.unlisted:
            return rows
        old = {article["place"]: article["digest"] for article in articles if not article["current"]}
        is_old = pc.is_in(rows["archive"], value_set=pa.array(list(old), pa.string()))
        superseded = rows.filter(is_old)
        details = [f"previous version ({old[place][:8]})" for place in superseded["archive"].to_pylist()]
        superseded = put(superseded, "drop", pa.array(["superseded"] * len(superseded), pa.string()))
        self._set_aside(SOURCE, put(superseded, "drop_detail", pa.array(details, pa.string())))
        return rows.filter(pc.invert(is_old))

    # --- what a previous recipe has decided -------------------------------------------------------------------------

    def unchanged(self) -> Unchanged | None:
        """Returns the stored decisions of a previous recipe that are still valid; None if figures must be read."""
        if self.job.one_by_one or self.reader.has_unread(self.job.articles):
            return None
        return unchanged(self.folder, self.job.part, self._unlisted(), self.measures.contents)

    def take_over(self, before: Unchanged) -> pa.Table:
        """Takes over funnel and dropped figures; returns the others, with what the steps before wrote."""
        done = self.steps[: before.first]
        # A measure that lends may be called again, for the measures that read what it lends.
        lenders = [step for step in done if step.is_measure and step.contract.lends]
        self.measures.expect([*self.steps[before.first :], *lenders])
        self.flows.update((flow.stage, flow) for flow in before.flows)
        self.counts = before.counts
        self.dropped.append(before.dropped)
        rows = before.rows
        decided = set(rows.column_names)
        for step in done:
            if step.is_measure:
                values = self.measures.values(step, rows, [])
                rows = _with_columns(rows, values.drop_columns([c for c in values.column_names if c in decided]))
        return rows

    def _unlisted(self) -> list[str]:
        return self.job.articles.unlisted

    # --- through the stages -----------------------------------------------------------------------------------------

    def walk(self, rows: pa.Table, first: int) -> pa.Table:
        """Runs the steps from position `first` on, in pieces that fit into memory; returns the kept rows."""
        for i in range(first, len(self.steps)):
            step = self.steps[i]
            if not step.is_measure:
                rows = self._decide(step, rows)
                continue
            missing = self.measures.missing(step, rows)
            piece = self.measurer.piece(step, missing)
            if piece < len(missing):
                # Each slice goes through all remaining steps before the next one, so that memory is released between.
                slices = [rows.slice(k, piece) for k in range(0, len(rows), piece)]
                return concat([self.walk(some, i) for some in slices])
            rows = self._measure(step, rows, missing)
        with self.timings.time("pack"):
            self.measurer.pack(rows, self.pack)
        self.measurer.release()
        return rows

    def _measure(self, step: Step, rows: pa.Table, missing: pa.Table) -> pa.Table:
        new = []
        if len(missing):
            table = self.measurer.measure(step, missing)
            self.measured[step.name] += len(table)
            new.append(self.measures.add(step, table))
        values = self.measures.values(step, rows, new)
        return self._settle(step, _with_columns(rows, values), values)

    def _decide(self, step: Step, rows: pa.Table) -> pa.Table:
        self.beat(self.job.part, step.name)
        with self.timings.time(step.name):
            verdict = apply(step, f"part {self.job.part}", view(step, rows))
        rows = _with_columns(rows, verdict)
        return self._settle(step, rows, rows)

    def _settle(self, step: Step, rows: pa.Table, verdict: pa.Table) -> pa.Table:
        """Adds a step to the funnel, stores the dropped rows and returns the kept ones."""
        self._set_aside(step.name, dropped(rows))
        rest = kept(rows)
        self.flows[step.name].add(len(rows), len(rest), tally(verdict))
        return rest

    def _set_aside(self, stage: str, rows: pa.Table) -> None:
        if len(rows):
            columns = [column for column in self._decided_columns() if column in rows.column_names]
            rows = rows.select(["figure_id", "archive", "drop", "drop_detail", *columns])
            self.dropped.append(put(rows, "stage", pa.array([stage] * len(rows), pa.string())))

    def _decided_columns(self) -> dict[str, pa.DataType]:
        columns: dict[str, pa.DataType] = {}
        for step in self.steps:
            if not step.is_measure:
                columns.update(step.contract.columns)
        return columns

    # --- writing ----------------------------------------------------------------------------------------------------

    def commit(self, kept_rows: Sequence[pa.Table]) -> PartRecord:
        """Writes the pack, then measures, then the decisions; returns what their footer records.

        The pack is first: what is measured is not read again, so that after a kill its images would never be packed.
        """
        self.beat(self.job.part, "commit")
        with self.timings.time("pack"):
            self.pack.commit()
        with self.timings.time("write"):
            for step in self.measures.steps:
                self.measures.write(step)
        with self.timings.time("write"):
            table = self._decisions([*kept_rows, *self.dropped])
            record = self._record(table)
            meta = {**record.to_json(), "measures": self.measures.contents}
            # A file that a power failure cuts does not match its seal, and is computed again from the measures.
            write_table(self.folder.row_decisions(self.job.part), table, meta, durable=False)
        return record

    def _decisions(self, tables: Sequence[pa.Table]) -> pa.Table:
        """Returns one row for each figure: stage and reason if it was dropped, and the columns that decisions wrote."""
        rows = concat(tables) if tables else pa.table({"figure_id": pa.array([], pa.string())})
        types = self._decided_columns()
        names = ["figure_id", "archive", "stage", "drop", "drop_detail", *types]
        for name in names:
            if name not in rows.column_names:
                rows = put(rows, name, pa.nulls(len(rows), types.get(name, pa.string())))
        rows = rows.select(names)
        return rows.take(pc.sort_indices(rows, [("figure_id", "ascending")]))

    def _record(self, table: pa.Table) -> PartRecord:
        funnel = tuple(self.flows.values())
        reconcile(funnel, f"part {self.job.part}")
        unlisted = self._unlisted()
        counts = self.measures.totals(self.job.articles.listed) if self.counts is None else self.counts
        flows = [flow.to_json() for flow in funnel]
        return PartRecord(
            input=input_digest(self.folder.pipeline.rows_digest, self.job.part, unlisted),
            content=digest([self.measures.contents, flows, counts, unlisted, table_digest(table)]),
            funnel=funnel,
            counts=counts,
        )

    def result(self, record: PartRecord | None) -> JobResult:
        seconds, cpu = self.timings.rounded()
        return JobResult(self.job.part, dict(self.measured), seconds, record, cpu)

    def close(self) -> None:
        self.store.close()
        self.pack.close()


def _with_columns(rows: pa.Table, values: pa.Table) -> pa.Table:
    for name in values.column_names:
        if name != "figure_id":
            rows = put(rows, name, values[name])
    return rows
