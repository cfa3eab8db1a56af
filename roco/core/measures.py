"""The measures of one part: one file per measure; only the needed columns are read, files are written as a whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import CorruptFile
from roco.base.files import digest
from roco.base.sealed_tables import SealedTable, read_table, write_table
from roco.base.table_digest import table_digest
from roco.core.folder import RunFolder
from roco.core.rows import align, blank, concat, without
from roco.core.step import Step


class PartMeasures:
    """The stored values of the measures of one part, and those that this pass adds.

    counts: the counts of `extract` by place, for every article read so far. contents: the digest of the values of each
    measure, None if nothing is stored.
    """

    def __init__(self, folder: RunFolder, part: str, steps: Sequence[Step]) -> None:
        self.folder, self.part = folder, part
        self.steps = [step for step in steps if step.is_measure]
        self.extract = steps[0]
        self.counts: dict[str, dict[str, int]] = {}
        self.contents: dict[str, Any] = {}
        self._files: dict[str, SealedTable | None] = {}
        self._stored: dict[str, pa.Table] = {}
        self._new: dict[str, list[pa.Table]] = defaultdict(list)
        self.expect(steps)
        for step in self.steps:
            self._open(step)

    def expect(self, readers: Sequence[Step]) -> None:
        """Announces the steps that will read measures: other columns than theirs are not decoded."""
        self._columns = {step.name: _columns_in_use(step, readers, step is self.extract) for step in self.steps}

    def _open(self, step: Step) -> None:
        path = self.folder.measure_file(step, self.part)
        self._files[step.name], self.contents[step.name] = None, None
        try:
            file = SealedTable(path)
            meta = file.meta
        except FileNotFoundError:
            return
        except CorruptFile:
            path.unlink(missing_ok=True)  # a missing file is computed again
            return
        self._files[step.name], self.contents[step.name] = file, meta["content"]
        if step is self.extract:
            self.counts = meta["articles"]

    def _values(self, step: Step) -> pa.Table | None:
        """Returns the stored values of a measure, the columns in use alone; None if nothing is stored."""
        file = self._files[step.name]
        if file is not None and step.name not in self._stored:
            self._stored[step.name] = file.read(self._columns[step.name])
        return self._stored.get(step.name)

    @cached_property
    def owner(self) -> dict[str, str]:
        """Returns the place of each figure that was extracted so far, by figure_id."""
        table = self._values(self.extract)
        if table is None:
            return {}
        return dict(zip(table["figure_id"].to_pylist(), table["archive"].to_pylist(), strict=True))

    def stored(self, step: Step) -> pa.Table:
        """Returns the stored values of a measure; raises CorruptFile if its file is missing."""
        table = self._values(step)
        if table is None:
            path = self.folder.measure_file(step, self.part)
            raise CorruptFile(f"missing measure file: {path}", "run the same command again to recompute it", str(path))
        return table

    def figures_of(self, places: Sequence[str]) -> list[pa.Table]:
        """Returns the stored figures of some articles."""
        table = self._values(self.extract)
        if table is None:
            return []
        return [table.filter(pc.is_in(table["archive"], value_set=pa.array(places, pa.string())))]

    def missing(self, step: Step, rows: pa.Table) -> pa.Table:
        """Returns the rows for which a measure has no stored value."""
        table = self._values(step)
        return rows if table is None else without(rows, table)

    def add(self, step: Step, table: pa.Table) -> pa.Table:
        """Adds newly computed rows; returns their columns that are in use."""
        self._new[step.name].append(table)
        return table.select(self._columns[step.name])

    def values(self, step: Step, rows: pa.Table, new: Sequence[pa.Table]) -> pa.Table:
        """Returns the values of a measure for some rows, in their order: stored ones and those in `new`."""
        table = self._values(step)
        tables = [*([] if table is None else [table]), *new]
        if not tables:  # no row reached this step, but later steps need the columns
            tables = [blank(rows, step.contract.columns).select(self._columns[step.name])]
        return align(rows["figure_id"], concat(tables))

    def write(self, step: Step) -> None:
        """Writes the new values of a measure together with the stored ones."""
        path = self.folder.measure_file(step, self.part)
        is_stored = self._files[step.name] is not None
        tables = self._new[step.name]
        if not tables and is_stored:
            return
        if not tables:
            # No figure reached this step. An empty file records that, because a missing file counts as corrupt.
            tables = [blank(pa.table({"figure_id": pa.array([], pa.string())}), step.contract.columns)]
        table = concat([read_table(path)[0], *tables] if is_stored else tables)
        table = table.take(pc.sort_indices(table, [("figure_id", "ascending")]))
        meta: dict[str, Any] = {"stage": step.name, "digest": step.digest}
        if step is self.extract:
            meta["articles"] = self.counts
        meta |= described(table, meta)
        write_table(path, table, meta)
        self.contents[step.name] = meta["content"]

    def totals(self, places: Sequence[str]) -> Mapping[str, int]:
        """Returns the counts of `extract`, added up over some articles."""
        totals: dict[str, int] = defaultdict(int)
        for place in places:
            for name, n in self.counts.get(place, {}).items():
                totals[name] += n
        return dict(sorted(totals.items()))


def _columns_in_use(step: Step, readers: Sequence[Step], is_extract: bool) -> list[str]:
    """Returns the columns of a measure that one of the readers or the engine reads."""
    used: set[str] = set()
    for reader in readers:
        used.update(column for column, writer in reader.reads_from.items() if writer == step.name)
    if is_extract:
        used |= {"archive", "file"}
    return ["figure_id", "drop", "drop_detail", *sorted(used & set(step.writes))]


def described(table: pa.Table, meta: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the footer of a measure states of its content: the values, and the counts of `extract`."""
    return {"rows": len(table), "content": digest([table_digest(table), meta.get("articles")])}
