"""One measure for some rows of a part, asked for behind a stage that needed the whole table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from roco.base.errors import CorruptFile
from roco.core.layout import Layout
from roco.core.part import Beat, Job, PartPass
from roco.core.pipeline import Pipeline
from roco.core.rows import align
from roco.core.stage import put


class MeasureJob(PartPass):
    """Takes one measure for some figures of a part and keeps it; what else is known of them is read, not made."""

    def __init__(
        self, pipeline: Pipeline, layout: Layout, job: Job, beat: Beat, name: str, figures: Sequence[str]
    ) -> None:
        super().__init__(pipeline, layout, job, beat)
        self.step = pipeline.step(name)
        before = pipeline.steps[: pipeline.steps.index(self.step) + 1]
        self._use(tuple(s for s in before if s.is_measure))
        self.figures = figures

    def run(self) -> dict[str, Any]:
        self._load()
        try:
            self._walk(self._rows(), len(self.steps) - 1)
            self._keep(self.step)
            self.pack.commit()
        finally:
            self.opened.close()
            self.pack.abandon()
        return {"part": self.job.part, "measured": dict(self.measured), "seconds": dict(self.seconds)}

    def _rows(self) -> pa.Table:
        ids = pa.array(self.figures, pa.string())
        rows = align(ids, self._stored(self.steps[0].name))
        for column, owner in self.step.reads_from.items():
            if column not in rows.column_names and column not in self.lenders:
                rows = put(rows, column, align(ids, self._stored(owner))[column])
        return rows

    def _stored(self, name: str) -> pa.Table:
        table = self.stored[name]
        if table is None:
            path = self.layout.measure(self.pipeline.step(name), self.job.part)
            raise CorruptFile(f"{path} is not there", "give the same command again: it is made anew", str(path))
        return table


def measure_rows(pipeline: Pipeline, layout: Layout, job: Mapping[str, Any], beat: Beat) -> dict[str, Any]:
    part = Job(job["part"], job["articles"], job.get("one_by_one", False), job.get("crashed", {}))
    return MeasureJob(pipeline, layout, part, beat, job["measure"], job["figures"]).run()
