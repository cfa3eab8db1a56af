"""Small joins on figure_id, and the checks of what a stage hands back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import RocoError, StageFailed
from roco.base.schema import COLUMNS, DROP
from roco.core.pipeline import Step
from roco.core.stage import put


def concat(tables: Sequence[pa.Table]) -> pa.Table:
    """One table of several, columns that one lacks being null there."""
    return pa.concat_tables(tables, promote_options="permissive").combine_chunks()


def alive(table: pa.Table) -> pa.Table:
    return table.filter(pc.is_null(table["drop"]))


def gone(table: pa.Table) -> pa.Table:
    return table.filter(pc.is_valid(table["drop"]))


def lookup(ids: Any, table: pa.Table) -> Any:
    """For each id its row in the table, null where it has none."""
    values = table["figure_id"]
    return pc.index_in(ids, value_set=values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values)


def align(ids: Any, table: pa.Table) -> pa.Table:
    """The table's rows in the order of the ids; nulls where it has none."""
    return table.take(lookup(ids, table))


def lacking(rows: pa.Table, table: pa.Table | None) -> pa.Table:
    """The rows that the table has nothing of."""
    return rows if table is None else rows.filter(pc.is_null(lookup(rows["figure_id"], table)))


def blank(rows: pa.Table, types: Mapping[str, pa.DataType]) -> pa.Table:
    """figure_id of the rows with empty columns of the given types, drop and drop_detail among them."""
    table = rows.select(["figure_id"])
    for name, kind in {**DROP, **types}.items():
        table = table.append_column(name, pa.nulls(len(rows), kind))
    return table


def view(step: Step, rows: pa.Table) -> pa.Table:
    """What a stage gets to see: figure_id, drop, drop_detail and the columns it reads."""
    names = ["figure_id", *(c for c in step.reads if c != "figure_id" and c not in DROP)]
    table = rows.select(list(dict.fromkeys(names)))
    for name in step.contract.optional:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(len(rows), COLUMNS[name].type))
    for name, kind in DROP.items():
        table = put(table, name, rows[name] if name in rows.column_names else pa.nulls(len(rows), kind))
    return table


def call(step: Step, where: str, *arguments: Any) -> Any:
    """Calls a stage; raises StageFailed, with where it happened, for an exception of the stage itself."""
    try:
        return step.stage(*arguments)
    except (RocoError, MemoryError):
        raise
    except (Exception, SystemExit) as err:
        raise StageFailed(
            f"stage '{step.name}' failed on {where}: {type(err).__name__}: {err}",
            "this is an error of the stage and not of the data; --debug shows where it happened",
        ) from err


def apply(step: Step, where: str, batch: pa.Table, *more: Any) -> pa.Table:
    """Calls a stage and checks what it returns."""
    return checked(step, batch, call(step, where, batch, *more))


def checked(step: Step, batch: pa.Table, out: Any) -> pa.Table:
    """figure_id, drop, drop_detail and the columns a stage writes, if it handed back what it promises."""

    def wrong(message: str) -> StageFailed:
        return StageFailed(f"stage '{step.name}' {message}", "see docs/add-a-stage.md for what a stage hands back")

    if not isinstance(out, pa.Table):
        raise wrong(f"handed back a {type(out).__name__}, not a table")
    if len(set(out.column_names)) < len(out.column_names) or (
        step.contract.scope != "article" and "figure_id" not in out.column_names
    ):
        raise wrong("handed back a table without figure_id, or with a column twice")
    same_rows = step.contract.scope != "article" and (
        len(out) != len(batch) or not out["figure_id"].combine_chunks().equals(batch["figure_id"].combine_chunks())
    )
    if same_rows:
        raise wrong(f"was given {len(batch)} rows and handed back {len(out)}, or other rows: drop them instead")
    types = {"figure_id": pa.string(), **DROP, **step.contract.columns}
    for name, kind in types.items():
        if name not in out.column_names:
            if name in DROP:
                out = out.append_column(name, pa.nulls(len(out), kind))
                continue
            raise wrong(f"promises the column '{name}' and did not write it")
        if out[name].type != kind:
            raise wrong(f"wrote '{name}' as {out[name].type}, and promised {kind}")
    for reason in pc.unique(out["drop"]).to_pylist():
        if reason is not None and reason not in step.contract.reasons:
            raise wrong(f"drops figures for '{reason}', which is not among its declared reasons")
    return out.select(list(types))


def tally(table: pa.Table) -> dict[str, int]:
    """How many rows left for which reason."""
    counts = pc.value_counts(pc.drop_null(table["drop"]).combine_chunks())
    return dict(sorted((str(c["values"]), int(c["counts"])) for c in counts.to_pylist()))
