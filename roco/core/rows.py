"""Joins on figure_id, and checks of the tables that stages return."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import RocoError, StageFailed
from roco.base.schema import COLUMNS, DROP
from roco.core.stage import put
from roco.core.step import Step


def concat(tables: Sequence[pa.Table]) -> pa.Table:
    """Concatenates tables; columns that a table lacks are null in its rows."""
    return pa.concat_tables(tables, promote_options="permissive").combine_chunks()


def kept(table: pa.Table) -> pa.Table:
    """Returns the rows that are not dropped."""
    return table.filter(pc.is_null(table["drop"]))


def dropped(table: pa.Table) -> pa.Table:
    """Returns the rows that are dropped."""
    return table.filter(pc.is_valid(table["drop"]))


def lookup(ids: Any, table: pa.Table) -> Any:
    """Returns the row number of each id in the table; null for ids that are not in it."""
    values = table["figure_id"]
    return pc.index_in(ids, value_set=values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values)


def align(ids: Any, table: pa.Table) -> pa.Table:
    """Returns the table's rows in the order of the ids; a row of nulls for ids that are not in it."""
    return table.take(lookup(ids, table))


def without(rows: pa.Table, table: pa.Table) -> pa.Table:
    """Returns the rows whose figure_id is not in the table."""
    return rows.filter(pc.is_null(lookup(rows["figure_id"], table)))


def blank(rows: pa.Table, types: Mapping[str, pa.DataType]) -> pa.Table:
    """Returns the figure_id of the rows, with null columns of the given types, drop and drop_detail."""
    table = rows.select(["figure_id"])
    for name, kind in {**DROP, **types}.items():
        table = table.append_column(name, pa.nulls(len(rows), kind))
    return table


def view(step: Step, rows: pa.Table) -> pa.Table:
    """Returns the table that a stage receives: figure_id, drop, drop_detail and the columns it reads."""
    names = ["figure_id"]
    names += [column for column in step.reads if column != "figure_id" and column not in DROP]
    table = rows.select(list(dict.fromkeys(names)))
    for name in step.contract.optional:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(len(rows), COLUMNS[name].type))
    for name, kind in DROP.items():
        table = put(table, name, rows[name] if name in rows.column_names else pa.nulls(len(rows), kind))
    return table


def call(step: Step, where: str, *arguments: Any) -> Any:
    """Calls a stage; raises StageFailed if the stage raises an exception; where: named in the message."""
    return _guarded(step, where, step.stage, *arguments)


def prepare(step: Step, where: str) -> None:
    """Lets a stage load its models; raises StageFailed as `call` does."""
    _guarded(step, where, step.stage.prepare)


def _guarded(step: Step, where: str, function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except (RocoError, MemoryError):
        raise
    except (Exception, SystemExit) as err:
        raise StageFailed(
            f"stage '{step.name}' failed on {where}: {type(err).__name__}: {err}",
            "this is an error in the stage, not in the data; log/run.log in the run folder has the traceback",
        ) from err


def apply(step: Step, where: str, batch: pa.Table, *more: Any) -> pa.Table:
    """Calls a stage and checks the table that it returns."""
    return checked(step, batch, call(step, where, batch, *more))


def checked(step: Step, batch: pa.Table, out: Any, lent: Collection[str] = ()) -> pa.Table:
    """Returns figure_id, drop, drop_detail and the columns a stage writes; raises StageFailed if any is invalid.

    lent: in-memory columns that must be in the output too.
    """

    def broken(message: str) -> StageFailed:
        return StageFailed(f"stage '{step.name}' {message}", "see docs/add-a-stage.md for what a stage returns")

    if not isinstance(out, pa.Table):
        raise broken(f"returned a {type(out).__name__}, not a table")
    if len(set(out.column_names)) < len(out.column_names):
        raise broken("returned a table with a duplicate column")
    reads_articles = step.contract.scope == "article"
    if not reads_articles:
        if "figure_id" not in out.column_names:
            raise broken("returned a table without figure_id")
        if not out["figure_id"].combine_chunks().equals(batch["figure_id"].combine_chunks()):
            what = "in another order" if len(out) == len(batch) else f"({len(out)}) than it received ({len(batch)})"
            message = f"returned other rows, or rows {what}: keep all rows in order, and drop with roco.drop"
            raise broken(message)
    types = {"figure_id": pa.string(), **DROP, **step.contract.columns}
    for name, kind in {**types, **{column: step.contract.lends[column] for column in lent}}.items():
        if name in out.column_names:
            if out[name].type != kind:
                raise broken(f"wrote '{name}' as {out[name].type}, but declares {kind}")
        elif name in DROP:
            out = out.append_column(name, pa.nulls(len(out), kind))
        else:
            raise broken(f"declares the column '{name}' but did not write it")
    given = set() if reads_articles else set(pc.unique(batch["drop"]).to_pylist())
    for reason in pc.unique(out["drop"]).to_pylist():
        if reason is not None and reason not in given and reason not in step.contract.reasons:
            raise broken(f"dropped figures for the reason '{reason}', which it does not declare")
    return out.select(list(types))


def tally(table: pa.Table) -> dict[str, int]:
    """Returns the number of dropped rows by reason."""
    counts = pc.value_counts(pc.drop_null(table["drop"]).combine_chunks())
    return dict(sorted((str(count["values"]), int(count["counts"])) for count in counts.to_pylist()))
