"""Computes measures for some figures of a part; keeps bytes and lent columns, such as pixels, in memory meanwhile."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.core.job import Job
from roco.core.pack import PackWriter
from roco.core.rows import blank, call, checked, concat, prepare, view
from roco.core.stage import put
from roco.core.step import Step
from roco.core.store import PACKAGES_OPEN, ImageStore

BYTES_AT_ONCE = 192 << 20
"""Bytes of image files in memory at once, at most; a larger image is processed alone."""

LENT_AT_ONCE = 256 << 20
"""Bytes of lent columns, such as decoded pixels, above which fewer figures are processed together."""

MOST_TOGETHER = 16
"""Figures whose lent columns are in memory together, at most."""

_PACKED = "thumbnail"
"""The lent column that is stored in the pack, together with the bytes."""

Beat = Callable[[str, str], None]
"""Reports what is being processed, and by which stage, so that a crash can be attributed to it."""


class Timings:
    """Seconds spent, by name: elapsed seconds, and CPU seconds, which depend little on the load of the machine."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)

    @contextmanager
    def time(self, name: str) -> Iterator[None]:
        started, cpu_started = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - started
            self.cpu[name] += time.process_time() - cpu_started

    def rounded(self) -> list[dict[str, float]]:
        """Returns `seconds` and `cpu`, each sorted by name and rounded to 0.1 ms."""
        return [{name: round(n, 4) for name, n in sorted(kind.items())} for kind in (self.seconds, self.cpu)]


class Measurer:
    """Computes measures for rows that have no stored value.

    Image bytes and lent columns are loaded when a measure reads them, shared by all measures of the rows, and
    released by `release`. A row that crashed a worker before is not tried again. A row whose bytes cannot be read is
    dropped, with the reason of the failure.
    """

    def __init__(self, steps: Sequence[Step], store: ImageStore, job: Job, beat: Beat, timings: Timings) -> None:
        self.store, self.job, self.beat, self.timings = store, job, beat, timings
        self.lenders: dict[str, Step] = {}
        for step in steps:
            if step.is_measure:
                self.lenders.update(dict.fromkeys(step.contract.lends, step))
        # Only columns that some step reads are worth lending.
        reads = set().union(*(step.contract.reads for step in steps))
        self._read_later = reads & self.lenders.keys()
        self._memory: dict[str, dict[str, Any]] = defaultdict(dict)
        self._prepared: set[str] = set()
        self._together = MOST_TOGETHER // 2

    # --- how many rows at once --------------------------------------------------------------------------------------

    def piece(self, step: Step, rows: pa.Table) -> int:
        """Returns how many of the rows may be measured together: all, half of them, or a few."""
        if len(rows) < 2:
            return len(rows)
        lent = [column for column in (*step.contract.lends, *step.contract.reads) if column in self._read_later]
        if any(self._count_missing(column, rows) > self._together for column in lent):
            return self._together
        reads_memory = any(column == "bytes" or column in self.lenders for column in step.contract.reads)
        if reads_memory and self._is_too_much(rows):
            return len(rows) // 2
        return len(rows)

    def _count_missing(self, column: str, rows: pa.Table) -> int:
        memory = self._memory[column]
        return sum(figure not in memory for figure in rows["figure_id"].to_pylist())

    def _is_too_much(self, rows: pa.Table) -> bool:
        n_bytes, packages = self.store.cost(self.job.part, rows)
        return n_bytes > BYTES_AT_ONCE or packages > PACKAGES_OPEN

    # --- measuring --------------------------------------------------------------------------------------------------

    def measure(self, step: Step, rows: pa.Table) -> pa.Table:
        """Computes the columns of a measure for some rows."""
        if not self.job.one_by_one:
            return self._measure(step, rows, self.job.part)
        tables = []
        for i in range(len(rows)):
            row = rows.slice(i, 1)
            figure = row["figure_id"][0].as_py()
            if self.job.crashed.get(figure) == step.name:
                tables.append(_crashed(step, row))
            else:
                tables.append(self._measure(step, row, figure))
        return concat(tables)

    def _measure(self, step: Step, rows: pa.Table, what: str) -> pa.Table:
        if step.name not in self._prepared:
            self.beat("", step.name)  # loading a model is not counted as a stall
            with self.timings.time("load"):
                prepare(step, f"part {self.job.part}")
            self._prepared.add(step.name)
        self.beat(what, step.name)
        in_memory = [column for column in step.contract.reads if column == "bytes" or column in self.lenders]
        for column in in_memory:
            rows = put(rows, column, self._load(column, rows))
        if not in_memory or not self.store.failures:
            return self._call(step, rows)
        # Rows whose bytes cannot be read are dropped here; the stage never receives them.
        failed = pa.array([figure in self.store.failures for figure in rows["figure_id"].to_pylist()], pa.bool_())
        readable = rows.filter(pc.invert(failed))
        tables = [self._unreadable(step, rows.filter(failed))]
        if len(readable):
            tables.append(self._call(step, readable))
        return concat(tables)

    def _call(self, step: Step, rows: pa.Table) -> pa.Table:
        """Calls a measure and checks what it returns; what it lends is kept in memory."""
        batch = view(step, rows)
        where = f"part {self.job.part}"
        with self.timings.time(step.name):
            if not step.contract.lends:
                return checked(step, batch, call(step, where, batch))
            wanted = frozenset(c for c in step.contract.lends if c in self._read_later or c == _PACKED)
            out = call(step, where, batch, wanted)
            table = checked(step, batch, out, wanted)
        self._keep_lent(batch["figure_id"], {column: out[column] for column in wanted})
        return table

    def _keep_lent(self, figures: pa.ChunkedArray, columns: Mapping[str, pa.ChunkedArray]) -> None:
        """Keeps lent columns in memory, and adjusts the number of figures that are processed together to their size."""
        ids = figures.to_pylist()
        for column, values in columns.items():
            self._memory[column].update(zip(ids, values.to_pylist(), strict=True))
        if sum(values.nbytes for values in columns.values()) > LENT_AT_ONCE:
            self._together = max(1, self._together // 2)
        else:
            self._together = min(MOST_TOGETHER, self._together * 2)

    # --- in memory --------------------------------------------------------------------------------------------------

    def _load(self, column: str, rows: pa.Table) -> pa.Array:
        """Returns an in-memory column; for rows that lack it, reads the bytes or calls the lender again."""
        memory = self._memory[column]
        missing = rows.filter(pa.array([figure not in memory for figure in rows["figure_id"].to_pylist()], pa.bool_()))
        if len(missing) and column == "bytes":
            with self.timings.time("read"):
                memory.update(self.store.images(self.job.part, missing))
        elif len(missing):
            self.measure(self.lenders[column], missing)
        kind = pa.large_binary() if column == "bytes" else self.lenders[column].contract.lends[column]
        with self.timings.time("read"):
            return pa.array([memory.get(figure) for figure in rows["figure_id"].to_pylist()], kind)

    def _unreadable(self, step: Step, rows: pa.Table) -> pa.Table:
        """Returns rows of nulls, dropped for the reason that their bytes could not be read."""
        failures = [self.store.failures[figure] for figure in rows["figure_id"].to_pylist()]
        out = blank(rows, step.contract.columns)
        out = put(out, "drop", pa.array([failure.reason for failure in failures], pa.string()))
        return put(out, "drop_detail", pa.array([failure.detail for failure in failures], pa.string()))

    def pack(self, rows: pa.Table, writer: PackWriter) -> None:
        """Adds the rows whose bytes are in memory to a pack."""
        for figure in rows["figure_id"].to_pylist():
            data = self._memory["bytes"].get(figure)
            if data is not None:
                writer.add(figure, data, self._memory[_PACKED].get(figure))

    def release(self) -> None:
        """Releases all bytes and lent columns."""
        self._memory.clear()


def _crashed(step: Step, row: pa.Table) -> pa.Table:
    out = blank(row, step.contract.columns)
    out = put(out, "drop", pa.array(["unreadable"]))
    return put(out, "drop_detail", pa.array(["decoder crashed"]))
