"""All figures of a run after the row pass; columns are read from their files only when they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.base.columns import NONE, taken_by_chunks
from roco.base.errors import CorruptFile, RecipeError, nearest
from roco.core import kept_rows
from roco.core.folder import RunFolder
from roco.core.kept_rows import KeptRows
from roco.core.open_tables import OpenTables, in_threads
from roco.core.origins import writer_of
from roco.core.parts import Parts
from roco.core.rows import align, dropped, kept, tally
from roco.core.stage import put
from roco.core.step import Step

ROWS = pa.schema([("figure_id", pa.string()), ("archive", pa.string()), ("part", pa.string())])
DROPPED = pa.schema([*ROWS, ("stage", pa.string()), ("drop", pa.string()), ("drop_detail", pa.string())])


class Extent(NamedTuple):
    """How many figures of a part the row pass dropped, without superseded ones; first: the smallest figure_id."""

    rows: int
    first: str


class Figures:
    """The kept and the dropped figures of a run, with every column that was measured or decided so far.

    kept: figure_id, archive and part of the figures that are still kept, sorted by figure_id. writer: the step that
    wrote a column last. done: the names of the steps whose verdicts are part of this.
    """

    def __init__(self, folder: RunFolder, parts: Parts, input: str) -> None:
        """input: the digest of the results of the row pass."""
        self.folder, self.parts, self.input = folder, parts, input
        self.writer: dict[str, Step] = {}
        self._tables = OpenTables()
        self._decided: dict[str, pa.Table] = {}
        self._dropped_late: list[pa.Table] = []
        self.done = {step.name for step in folder.pipeline.row_steps}
        for step in folder.pipeline.row_steps:
            self.add_columns(step)
        self._columns = kept_rows.columns_of(folder.pipeline)
        copy = kept_rows.read(folder.kept_rows, input, self._columns)
        self._copied = None if copy is None else KeptRows(copy, self._columns)
        self.kept = self._load() if copy is None else copy.select(ROWS.names)

    def _load(self) -> pa.Table:
        def of_part(part: str) -> pa.Table:
            table = kept(self._read(self.folder.row_decisions(part), ["figure_id", "archive", "drop"]))
            return put(table, "part", pa.array([part] * len(table), pa.string())).select(ROWS.names)

        rows = pa.concat_tables([ROWS.empty_table(), *in_threads(of_part, self.parts.names)]).combine_chunks()
        return rows.take(pc.sort_indices(rows, [("figure_id", "ascending"), ("archive", "ascending")]))

    def copy_kept(self) -> None:
        """Copies the columns that table stages read into one file, unless they are there or are too many.

        Called before the first table stage, by the process that holds the lock of the run.
        """
        if self._copied is not None or len(self.kept) > kept_rows.MOST_COPIED:
            return
        rows = self.kept
        for name, columns in self._columns.items():
            values = self._stored(self.folder.pipeline.step(name), rows, columns)
            for column in columns:
                rows = put(rows, column, values[column])
        kept_rows.write(self.folder.kept_rows, rows, self.input, self._columns)
        self._copied = KeptRows(rows.combine_chunks(), self._columns)

    def add_columns(self, step: Step) -> None:
        """Registers the columns of a step that is done, even if no figure reached it."""
        for column in step.writes:
            self.writer[column] = step

    def apply(self, step: Step, verdict: pa.Table) -> dict[str, int]:
        """Applies the verdict of a table step to the kept figures; returns the number of dropped ones by reason."""
        if not step.is_measure:
            self._decided[step.name] = put(verdict, "archive", self.kept["archive"])
        self.add_columns(step)
        self.done.add(step.name)
        rows = put(put(self.kept, "drop", verdict["drop"]), "drop_detail", verdict["drop_detail"])
        out = dropped(rows)
        self._dropped_late.append(
            put(out, "stage", pa.array([step.name] * len(out), pa.string())).select(DROPPED.names)
        )
        self.kept = kept(rows).select(ROWS.names)
        return tally(out)

    @property
    def n_dropped(self) -> int:
        """Returns the number of dropped figures except superseded ones."""
        return sum(extent.rows for extent in self.extents.values()) + sum(map(len, self._dropped_late))

    @cached_property
    def extents(self) -> dict[str, Extent]:
        """Returns the extent of the dropped figures of each part."""

        def of_part(part: str) -> Extent:
            table = self._read(self.folder.row_decisions(part), ["figure_id", "stage", "drop"])
            ids = _without_superseded(dropped(table))["figure_id"]
            return Extent(len(ids), pc.min(ids).as_py() or "")

        return dict(zip(self.parts.names, in_threads(of_part, self.parts.names), strict=True))

    def dropped_with(self, columns: Sequence[str]) -> pa.Table:
        """Returns the dropped figures whose first named column is not empty: usually a few out of millions.

        The table has figure_id and the columns, sorted by figure_id.
        """
        step = self.writer[columns[0]]
        writes_all = all(self.writer[column] is step for column in columns)
        if not (step.is_measure and step in self.folder.pipeline.row_steps and writes_all):
            rows = with_values(self.gather(self.dropped(), columns[:1]), columns[:1])
            return self.gather(rows, columns).select(["figure_id", *columns])
        late = self.gather(self.dropped_late, columns)
        names = ["figure_id", "part", *columns]

        def of_part(part: str) -> pa.Table:
            table = self._read(self.folder.measure_file(step, part), ["figure_id", *columns])
            table = with_values(table, columns[:1])
            if len(table):
                decided = self._read(self.folder.row_decisions(part), ["figure_id", "stage", "drop"])
                decided = align(table["figure_id"], decided)
                is_dropped = pc.and_(pc.is_valid(decided["drop"]), pc.not_equal(decided["stage"], "source"))
                table = table.filter(pc.fill_null(is_dropped, False))
            return put(table, "part", pa.array([part] * len(table), pa.string())).select(names)

        tables = [with_values(late, columns[:1]).select(names), *in_threads(of_part, self.parts.names)]
        table = pa.concat_tables(tables).combine_chunks()
        # Figures of two packages may have the same id; then neither comes first because its part was created first.
        order = pc.sort_indices(table, [("figure_id", "ascending"), ("part", "ascending")])
        return table.take(order).drop_columns(["part"])

    def dropped(self) -> pa.Table:
        """Returns all dropped figures except superseded ones: the columns DROPPED, sorted by figure_id."""
        early = in_threads(self.dropped_early, self.parts.names)
        table = pa.concat_tables([self.dropped_late, *early]).combine_chunks()
        return table.take(pc.sort_indices(table, [("figure_id", "ascending"), ("archive", "ascending")]))

    def dropped_early(self, part: str) -> pa.Table:
        """Returns the figures of a part that the row pass dropped, except superseded ones: the columns DROPPED."""
        stored = [name for name in DROPPED.names if name != "part"]
        table = _without_superseded(dropped(self._read(self.folder.row_decisions(part), stored)))
        return put(table, "part", pa.array([part] * len(table), pa.string())).select(DROPPED.names)

    @property
    def dropped_late(self) -> pa.Table:
        """Returns the figures that table stages dropped: the columns DROPPED, in no order."""
        return pa.concat_tables([DROPPED.empty_table(), *self._dropped_late])

    def is_decided_late(self, column: str) -> bool:
        """Returns whether a column was written by a decision over all rows, so only figures kept until then have it."""
        return column in self.writer and self.writer[column].name in self._decided

    def gather(self, rows: pa.Table, columns: Sequence[str]) -> pa.Table:
        """Returns the rows with the named columns; null where a column was never computed for a row.

        rows: figure_id and part, in any order; the order is preserved.
        """
        by_step: dict[str, list[str]] = {}
        for column in columns:
            if column in rows.column_names:
                continue
            if column not in self.writer:
                raise self._unknown(column)
            by_step.setdefault(self.writer[column].name, []).append(column)
        for name, names in by_step.items():
            if name in self._decided:
                values = self._of_this_package(rows, self._decided[name].select(["figure_id", "archive", *names]))
            else:
                copied = self._copied.values(name, rows, names) if self._copied is not None else None
                values = self._stored(self.folder.pipeline.step(name), rows, names) if copied is None else copied
            for column in names:
                rows = put(rows, column, values[column])
        return rows.combine_chunks()

    def _unknown(self, column: str) -> RecipeError:
        """Returns the error for a column that no stage has written."""
        pipeline = self.folder.pipeline
        for step in pipeline.steps:
            if column in step.writes:
                message = f"the stage '{step.name}', which writes the column '{column}', has not been run"
                return RecipeError(message, "run the recipe: roco run RECIPE")
        writer = writer_of(column, pipeline.catalogue)
        if writer:
            return RecipeError(f"no stage of this recipe writes the column '{column}'", f"add the stage '{writer}'")
        return RecipeError(f"unknown column '{column}'", nearest(column, self.writer))

    def _of_this_package(self, rows: pa.Table, verdict: pa.Table) -> pa.Table:
        """Decided columns in the order of the rows.

        A figure_id that two packages have was decided for one of them only; the other has nulls.
        """
        values = align(rows["figure_id"], verdict)
        same = pc.fill_null(pc.equal(values["archive"], rows["archive"]), False)
        return values.take(pc.if_else(same, pa.array(np.arange(len(rows))), pa.scalar(None, pa.int64())))

    def _stored(self, step: Step, rows: pa.Table, names: Sequence[str]) -> pa.Table:
        """Returns columns that are stored part by part, in the order of the rows."""
        numbered = put(rows.select(["figure_id", "part"]), "at", pa.array(np.arange(len(rows))))
        types = {name: step.contract.columns[name] for name in names} | {"at": pa.int64()}
        empty = pa.schema(types.items()).empty_table()
        is_late = step.is_measure and step not in self.folder.pipeline.row_steps

        def of_part(found: tuple[str, pa.Table]) -> pa.Table:
            part, some = found
            path = self.folder.measure_file(step, part) if step.is_measure else self.folder.row_decisions(part)
            if is_late and not path.exists():
                return empty  # after a table stage, only parts with kept figures are measured
            values = align(some["figure_id"], self._read(path, ["figure_id", *names])).select(list(names))
            return put(values, "at", some["at"])

        table = pa.concat_tables([empty, *in_threads(of_part, by_part(numbered))], promote_options="permissive")
        at = np.full(len(rows), NONE)
        at[np.asarray(table["at"].combine_chunks())] = np.arange(len(table))
        found: dict[str, pa.ChunkedArray] = {}
        for name in names:  # column by column, each of which may be gigabytes of text
            found[name] = taken_by_chunks(table[name], at)
            table = table.drop_columns([name])
        return pa.table(found)

    def _read(self, path: Path, columns: Sequence[str]) -> pa.Table:
        try:
            return self._tables.read(path, columns)
        except FileNotFoundError as err:
            hint = "run the same command again to recompute it"
            raise CorruptFile(f"missing file: {path}", hint, str(path)) from err


def with_values(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Returns the rows with a value in one of the columns; an empty list or text is none."""
    is_set = np.zeros(len(table), bool)
    for column in columns:
        values = table[column]
        has_value = pc.is_valid(values)
        if pa.types.is_list(values.type):
            has_value = pc.greater(pc.list_value_length(values), 0)
        elif pa.types.is_string(values.type):
            has_value = pc.greater(pc.binary_length(values), 0)
        is_set |= np.asarray(pc.fill_null(has_value, False))
    return table.filter(pa.array(is_set))


def _without_superseded(table: pa.Table) -> pa.Table:
    """Returns the rows without figures of packages that the source no longer lists."""
    return table.filter(pc.not_equal(table["stage"], "source"))


def by_part(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Yields each part with its rows."""
    if not len(rows):
        return
    order = rows.take(pc.sort_indices(rows, [("part", "ascending")])).combine_chunks()
    runs = pc.run_end_encode(order["part"].combine_chunks())
    start = 0
    for part, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        yield part, order.slice(start, end - start)
        start = end
