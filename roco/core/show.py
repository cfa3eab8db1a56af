"""Traces one figure through all stages: what each measured or decided, and where and why the figure was dropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import CorruptFile, DataError, nearest
from roco.base.files import read_table
from roco.core import parts
from roco.core.folder import RunFolder
from roco.core.step import Step

_NAMED_BY = ("figure_id", "file", "article_key", "archive")
"""The columns in which the name of a figure is looked up, in order of precedence."""


def show(folder: RunFolder, what: str) -> list[dict[str, Any]]:
    """Returns the traces of all figures with this figure_id, id in the release, file name or article.

    One entry per figure: figure_id, part, archive, dropped_at (a stage or None), superseded, and the steps. A step has
    a state (`kept`, `dropped`, `not reached` or `not run`), the values it wrote and, if it dropped the figure, drop and
    drop_detail.
    """
    table = parts.read(folder.parts)
    if not len(table.table):
        raise DataError(f"nothing has been run in {folder.root} yet", "run the recipe first: roco run RECIPE")
    figure = _by_release_id(folder, what)
    traces = []
    for part in _candidate_parts(table, figure):
        traces += [_trace(folder, part, row) for row in _matches(folder, part, figure)]
    if not traces:
        raise DataError(f"no figure, file or article '{what}' in this run", _hint(folder, table, what))
    return sorted(traces, key=lambda trace: (trace["superseded"], trace["figure_id"]))


def _by_release_id(folder: RunFolder, what: str) -> str:
    """Returns the figure_id of an id in the release; any other name unchanged."""
    for step in folder.pipeline.table_steps:
        table = _read(folder.table_decisions(step)) if "id" in step.writes else None
        if table is not None and "id" in table.column_names:
            hits = table.filter(pc.equal(table["id"], what))
            if len(hits):
                return str(hits["figure_id"][0].as_py())
    return what


def _candidate_parts(table: parts.Parts, what: str) -> Sequence[str]:
    """Returns the parts with the article with which the name begins, else all parts."""
    head = what.split("/")[0]
    names = pa.array({head, head.partition(".")[0]})
    rows = table.table
    near = rows.filter(pc.or_(pc.is_in(rows["article"], names), pc.is_in(rows["place"], names)))
    return list(dict.fromkeys(near["part"].to_pylist())) or list(table.names)


def _matches(folder: RunFolder, part: str, what: str) -> Iterator[dict[str, Any]]:
    """Yields the extracted rows that the name refers to."""
    table = _read(folder.measure_file(folder.pipeline.steps[0], part))
    if table is None:
        return
    for name in _NAMED_BY:
        if name in table.column_names:
            hits = table.filter(pc.equal(table[name], what))
            if len(hits):
                yield from hits.to_pylist()
                return


def _trace(folder: RunFolder, part: str, extracted: dict[str, Any]) -> dict[str, Any]:
    figure = extracted["figure_id"]
    decided = _row(folder.row_decisions(part), figure) or {}
    dropped_at = decided.get("stage")
    superseded = dropped_at == "source"
    steps: list[dict[str, Any]] = []
    reached = not superseded
    for step in folder.pipeline.steps:
        entry: dict[str, Any] = {"stage": step.name, "kind": step.kind, "state": "not reached", "values": {}}
        steps.append(entry)
        if not reached:
            continue
        values = _values(folder, step, part, extracted, decided)
        verdict = decided if step.name == dropped_at else values or {}
        entry["state"] = "kept" if values is not None else "not run"
        entry["values"] = {name: v for name, v in (values or {}).items() if name not in ("drop", "drop_detail")}
        if verdict.get("drop"):
            entry |= {"state": "dropped", "drop": verdict["drop"], "drop_detail": verdict["drop_detail"]}
            dropped_at, reached = step.name, False
    return {
        "figure_id": figure,
        "part": part,
        "archive": extracted.get("archive"),
        "dropped_at": dropped_at,
        "steps": steps,
        "superseded": superseded,
        "drop": decided.get("drop") if superseded else None,
    }


def _values(
    folder: RunFolder, step: Step, part: str, extracted: dict[str, Any], decided: dict[str, Any]
) -> dict[str, Any] | None:
    """Returns what a step wrote for a figure; None if it has not been run for it."""
    figure = extracted["figure_id"]
    if step.is_measure:
        row = _row(folder.measure_file(step, part), figure)
    elif step in folder.pipeline.row_steps:
        row = {name: decided[name] for name in step.writes if name in decided} if decided else None
    else:
        row = _row(folder.table_decisions(step), figure, extracted.get("archive"))
    return None if row is None else {name: v for name, v in row.items() if name not in ("figure_id", "archive")}


def _row(path: Path, figure: str, archive: str | None = None) -> dict[str, Any] | None:
    table = _read(path)
    if table is None:
        return None
    hits = table.filter(pc.equal(table["figure_id"], figure))
    if archive is not None and "archive" in table.column_names:  # two packages may have the same figure_id
        hits = hits.filter(pc.equal(hits["archive"], archive))
    return dict(hits.to_pylist()[0]) if len(hits) else None


def _read(path: Path) -> pa.Table | None:
    try:
        return read_table(path)[0]
    except (FileNotFoundError, CorruptFile):
        return None


def _hint(folder: RunFolder, table: parts.Parts, what: str) -> str:
    known = set(table.table["article"].slice(0, 20000).to_pylist())
    for part in table.names[:20]:
        extracted = _read(folder.measure_file(folder.pipeline.steps[0], part))
        known |= set(extracted["figure_id"].to_pylist()) if extracted is not None else set()
    return nearest(what, known) if known else "run the recipe first: roco run RECIPE"
