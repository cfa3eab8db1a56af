"""The pass over one part: articles are read once, images decoded once, and only missing measures are computed.

Order of writing: measures, pack, decisions. A part is done when its decisions exist, so a kill at any moment loses
only the parts that are being processed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import StageFailed
from roco.base.files import digest, write_table
from roco.base.schema import ARTICLES
from roco.core.folder import RunFolder
from roco.core.funnel import Flow, reconcile
from roco.core.job import Article, Job, JobResult, PartRecord
from roco.core.measures import PartMeasures, table_digest
from roco.core.measuring import Beat, Measurer, Timings
from roco.core.pack import PackWriter
from roco.core.pipeline import Pipeline
from roco.core.rows import align, apply, blank, call, checked, concat, dropped, kept, tally, view
from roco.core.source import origin
from roco.core.stage import Extraction, put
from roco.core.step import Step
from roco.core.store import PACKAGES_OPEN, ImageStore, article_row

Advanced = Callable[[int], None]
"""Reports how many articles of a part have been processed so far."""


def do(folder: RunFolder, job: Job, beat: Beat, advanced: Advanced) -> JobResult:
    """Does one job: the row pass over a part, or one measure for some of its figures."""
    if job.measure is not None:
        return measure_figures(folder, job, beat)
    return pass_part(folder, job, beat, advanced)


def expected_input(pipeline: Pipeline, part: str, unlisted: Sequence[str]) -> str:
    """Returns the digest of everything that determines the decisions on a part, which are valid if their footer has it.

    unlisted: the articles of the part that the source no longer lists, in order.
    """
    return digest([pipeline.rows_digest, part, list(unlisted)])


def pass_part(folder: RunFolder, job: Job, beat: Beat, advanced: Advanced) -> JobResult:
    """Takes the figures of a part through all row stages and writes measures, pack and decisions."""
    part = PartPass(folder, job, beat, folder.pipeline.row_steps)
    with part.timings.time("all"):
        try:
            kept_rows, n_articles = [], 0
            for articles in part.article_groups():
                rows = part.extract(articles)
                kept_rows.append(part.walk(rows, first=1))  # step 0 is the extraction
                part.store.close_packages()
                n_articles += len(articles)
                advanced(n_articles)
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
        part.measures.write(step)
        part.pack.commit()
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

    flows: the funnel, by stage. measured: number of newly measured articles or figures, by stage.
    """

    def __init__(self, folder: RunFolder, job: Job, beat: Beat, steps: Sequence[Step]) -> None:
        self.folder, self.job, self.beat, self.steps = folder, job, beat, steps
        self.timings = Timings()
        self.store = ImageStore(folder)
        self.measures = PartMeasures(folder, job.part, steps)
        self.measurer = Measurer(steps, self.store, job, beat, self.timings)
        self.pack = PackWriter(folder.pack(job.part))
        self.flows = {step.name: Flow(step.name, step.kind) for step in steps}
        self.dropped: list[pa.Table] = []
        self.measured: dict[str, int] = defaultdict(int)

    # --- from articles to figures -----------------------------------------------------------------------------------

    def article_groups(self) -> list[Sequence[Article]]:
        """Returns the articles in groups that are processed together: few if packages must be read, else all."""
        articles = self.job.articles
        if self.job.one_by_one:
            size = 1
        elif self._unread(articles):
            size = PACKAGES_OPEN
        else:
            size = max(1, len(articles))
        return [articles[i : i + size] for i in range(0, len(articles), size)]

    def _unread(self, articles: Sequence[Article]) -> list[Article]:
        return [a for a in articles if a["current"] and a["place"] not in self.measures.counts]

    def extract(self, articles: Sequence[Article]) -> pa.Table:
        """Returns the figures of some articles: stored ones, and those of articles that have not been read yet."""
        step = self.steps[0]
        tables = self.measures.figures_of([article["place"] for article in articles])
        unread = self._unread(articles)
        if unread:
            tables.append(self.measures.add(step, self._extract(step, unread)))
        empty = pa.table({"figure_id": pa.array([], pa.string())})
        rows = concat(tables) if tables else blank(empty, step.contract.columns)
        rows = self._without_superseded(rows, articles)
        return self._settle(step, rows, rows)

    def _extract(self, step: Step, articles: Sequence[Article]) -> pa.Table:
        readable = []
        self.store.expect_articles(articles)
        for article in articles:
            if self.job.crashed.get(article["place"]) == step.name:
                kind = origin(self.folder.pipeline.source, article["place"])
                readable.append(article_row(article, kind, "reader crashed"))
                continue
            self.beat(article["place"], step.name)
            with self.timings.time("read"):
                readable += self.store.articles(article)
        batch = pa.Table.from_pylist(readable, schema=ARTICLES)
        with self.timings.time(step.name):
            out = call(step, f"part {self.job.part}", batch)
            if not isinstance(out, Extraction):
                hint = "a stage of scope 'article' returns roco.core.stage.Extraction(figures, counts)"
                raise StageFailed(f"stage '{step.name}' returned a {type(out).__name__}, not an Extraction", hint)
            figures = checked(step, batch, out.figures).replace_schema_metadata(None)
        foreign = pc.invert(pc.is_in(figures["archive"], value_set=batch["place"].combine_chunks()))
        if pc.any(foreign).as_py():
            hint = "set `archive` to `place`"
            raise StageFailed(f"stage '{step.name}' returned figures of an archive that it did not receive", hint)
        for article in articles:
            self.measures.counts[article["place"]] = dict(out.counts.get(article["place"], {}))
        self.measured[step.name] += len(articles)
        return self._with_unique_ids(figures)

    def _with_unique_ids(self, figures: pa.Table) -> pa.Table:
        """Appends a suffix to a figure_id that another package already has: both may contain the same article."""
        ids = figures["figure_id"].to_pylist()
        places = figures["archive"].to_pylist()
        owner = self.measures.owner
        for i, (figure, place) in enumerate(zip(ids, places, strict=True)):
            if owner.setdefault(figure, place) != place:
                ids[i] = f"{figure}~{digest(place)[:6]}"
                owner[ids[i]] = place
        return put(figures, "figure_id", pa.array(ids, pa.string()))

    def _without_superseded(self, rows: pa.Table, articles: Sequence[Article]) -> pa.Table:
        """Drops the figures of articles that the source no longer lists in this version."""
        old = {article["place"]: article["digest"] for article in articles if not article["current"]}
        if not old:
            return rows
        is_old = pc.is_in(rows["archive"], value_set=pa.array(list(old), pa.string()))
        superseded = rows.filter(is_old)
        details = [f"previous version ({old[place][:8]})" for place in superseded["archive"].to_pylist()]
        superseded = put(superseded, "drop", pa.array(["superseded"] * len(superseded), pa.string()))
        self._set_aside("source", put(superseded, "drop_detail", pa.array(details, pa.string())))
        return rows.filter(pc.invert(is_old))

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
        """Writes measures, then the pack, then the decisions; returns what their footer records."""
        self.beat(self.job.part, "commit")
        with self.timings.time("write"):
            for step in self.measures.steps:
                self.measures.write(step)
        with self.timings.time("pack"):
            self.pack.commit()
        with self.timings.time("write"):
            table = self._decisions([*kept_rows, *self.dropped])
            record = self._record(table)
            write_table(self.folder.row_decisions(self.job.part), table, record.to_json())
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
        current = [article["place"] for article in self.job.articles if article["current"]]
        unlisted = [article["article"] for article in self.job.articles if not article["current"]]
        counts = self.measures.totals(current)
        flows = [flow.to_json() for flow in funnel]
        return PartRecord(
            input=expected_input(self.folder.pipeline, self.job.part, unlisted),
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
