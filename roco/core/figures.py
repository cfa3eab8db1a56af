"""All figures of a run behind the row pass: columns are gathered from where each was kept, only when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import CorruptFile, RecipeError, nearest
from roco.base.files import read_table
from roco.core.layout import Layout
from roco.core.parts import Parts
from roco.core.pipeline import Pipeline, Step
from roco.core.rows import align, alive, concat, gone
from roco.core.stage import put

ROWS = pa.schema([("figure_id", pa.string()), ("archive", pa.string()), ("part", pa.string())])
LEFT = pa.schema([*ROWS, ("stage", pa.string()), ("drop", pa.string()), ("drop_detail", pa.string())])


class Figures:
    """The figures that are in, and those that left, with any column that was measured or decided so far.

    now: figure_id, archive, part of the figures that are in, sorted by figure_id.
    """

    def __init__(self, pipeline: Pipeline, layout: Layout, parts: Parts) -> None:
        self.pipeline, self.layout, self.parts = pipeline, layout, parts
        self.decided: dict[str, pa.Table] = {}
        self.left: list[pa.Table] = []
        self.owner: dict[str, Step] = {}
        self.types: dict[str, pa.DataType] = {}
        for step in pipeline.row_steps:
            self.own(step)
        self.now = self._load()

    def _load(self) -> pa.Table:
        kept = [ROWS.empty_table()]
        for part in self.parts.names:
            kept.append(alive(self._part(part)).select(ROWS.names))
        rows = pa.concat_tables(kept).combine_chunks()
        return rows.take(pc.sort_indices(rows, [("figure_id", "ascending"), ("archive", "ascending")]))

    def _part(self, part: str) -> pa.Table:
        table = self._read(self.layout.rows(self.pipeline, part), [n for n in LEFT.names if n != "part"])
        return put(table, "part", pa.array([part] * len(table), pa.string()))

    def own(self, step: Step) -> None:
        """Takes note of the columns of a step that has been done, be it for no figure at all."""
        for column in step.writes:
            self.owner[column] = step
            self.types[column] = step.contract.columns[column]

    def take(self, step: Step, decided: pa.Table) -> dict[str, int]:
        """Takes over what a step decided of all figures that are in; returns how many left for which reason."""
        if not step.is_measure:
            self.decided[step.name] = decided
        self.own(step)
        rows = put(put(self.now, "drop", decided["drop"]), "drop_detail", decided["drop_detail"])
        out = gone(rows)
        self.left.append(put(out, "stage", pa.array([step.name] * len(out), pa.string())).select(LEFT.names))
        self.now = alive(rows).select(ROWS.names)
        counts = pc.value_counts(out["drop"].combine_chunks()).to_pylist()
        return dict(sorted((str(c["values"]), int(c["counts"])) for c in counts))

    def gather(self, rows: pa.Table, columns: Sequence[str]) -> pa.Table:
        """The rows with the named columns; null where a column was never taken for a row.

        rows: figure_id and part, in any order, which is kept.
        """
        wanted: dict[str, list[str]] = {}
        for column in columns:
            if column not in rows.column_names:
                if column not in self.owner:
                    raise RecipeError(f"there is no column '{column}'", nearest(column, self.owner))
                wanted.setdefault(self.owner[column].name, []).append(column)
        for name, names in wanted.items():
            step = self.pipeline.step(name)
            if name in self.decided:
                values = align(rows["figure_id"], self.decided[name].select(["figure_id", *names]))
            else:
                values = self._stored(step, rows, names)
            for column in names:
                rows = put(rows, column, values[column])
        return rows.combine_chunks()

    def _stored(self, step: Step, rows: pa.Table, names: Sequence[str]) -> pa.Table:
        at = put(rows.select(["figure_id", "part"]), "at", pa.array(range(len(rows)), pa.int64()))
        empty = pa.table({n: pa.array([], self.types[n]) for n in names} | {"at": pa.array([], pa.int64())})
        found = [empty]
        path: Callable[[str], Path] = (
            (lambda part: self.layout.measure(step, part))
            if step.is_measure
            else (lambda part: self.layout.rows(self.pipeline, part))
        )
        for part, some in by_part(at):
            if step.is_measure and step not in self.pipeline.row_steps and not path(part).exists():
                continue  # behind a table stage only parts with figures that are still in are measured
            table = self._read(path(part), ["figure_id", *names])
            values = align(some["figure_id"], table).select(list(names))
            found.append(put(values, "at", some["at"]))
        table = concat(found)
        return table.take(pc.index_in(at["at"], value_set=table["at"].combine_chunks()))

    def _read(self, path: Path, columns: Sequence[str]) -> pa.Table:
        try:
            return read_table(path, columns)[0]
        except FileNotFoundError as err:
            raise CorruptFile(f"{path} is gone", "give the same command again: it is made anew", str(path)) from err

    def gone(self) -> pa.Table:
        """All figures that left, superseded ones aside: LEFT, sorted by figure_id."""
        early = (gone(self._part(part)).select(LEFT.names) for part in self.parts.names)
        early = (table.filter(pc.not_equal(table["stage"], "source")) for table in early)
        table = pa.concat_tables([LEFT.empty_table(), *early, *self.left]).combine_chunks()
        return table.take(pc.sort_indices(table, [("figure_id", "ascending"), ("archive", "ascending")]))


def by_part(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """The rows of each part together."""
    if not len(rows):
        return
    order = rows.take(pc.sort_indices(rows, [("part", "ascending")])).combine_chunks()
    runs = pc.run_end_encode(order["part"].combine_chunks())
    start = 0
    for part, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        yield part, order.slice(start, end - start)
        start = end
