"""The life of one figure: what each stage measured or decided, where it left, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import CorruptFile, DataError, nearest
from roco.base.files import read_table
from roco.core import parts
from roco.core.layout import Layout
from roco.core.pipeline import Pipeline, Step


def show(pipeline: Pipeline, folder: Path, what: str) -> list[dict[str, Any]]:
    """What happened to a figure, given by figure_id, id in the release, file name, or article.

    One entry per figure: figure_id, part, archive, dropped_at (a stage or None), superseded, and the steps. A step has
    a state (`kept`, `dropped`, `not reached` or `not run`), the values it wrote and, if it dropped the figure, drop and
    drop_detail.
    """
    layout = Layout(folder)
    table = parts.read(layout.parts)
    if not len(table.table):
        raise DataError(f"nothing has been run in {folder} yet", "roco run, with the same recipe, begins it")
    what = _by_release_id(pipeline, layout, what)
    found = [
        _life(pipeline, layout, part, row)
        for part in _candidates(table, what)
        for row in _matches(pipeline, layout, part, what)
    ]
    if not found:
        raise DataError(f"no figure, file or article '{what}' in this run", _hint(pipeline, layout, table, what))
    return sorted(found, key=lambda f: (f["superseded"], f["figure_id"]))


def _by_release_id(pipeline: Pipeline, layout: Layout, what: str) -> str:
    for step in pipeline.table_steps:
        if "id" in step.writes:
            table = _read(layout.table(pipeline, step))
            if table is not None and "id" in table.column_names:
                hit = table.filter(pc.equal(table["id"], what))
                if len(hit):
                    return str(hit["figure_id"][0].as_py())
    return what


def _candidates(table: parts.Parts, what: str) -> Sequence[str]:
    """The parts to look into: those that list the article the name begins with, else all."""
    head = what.split("/")[0]
    names = {head, head.partition(".")[0]}
    rows = table.table
    near = rows.filter(pc.or_(pc.is_in(rows["article"], pa.array(names)), pc.is_in(rows["place"], pa.array(names))))
    return list(dict.fromkeys(near["part"].to_pylist())) or list(table.names)


def _matches(pipeline: Pipeline, layout: Layout, part: str, what: str) -> Iterator[dict[str, Any]]:
    table = _read(layout.measure(pipeline.steps[0], part))
    if table is None:
        return
    for name in ("figure_id", "file", "article_key", "archive"):
        if name in table.column_names:
            hit = table.filter(pc.equal(table[name], what))
            if len(hit):
                yield from hit.to_pylist()
                return


def _life(pipeline: Pipeline, layout: Layout, part: str, first: dict[str, Any]) -> dict[str, Any]:
    figure = first["figure_id"]
    rows = _row(layout.rows(pipeline, part), figure) or {}
    dropped_at = rows.get("stage")
    steps, reached = [], dropped_at != "source"
    for step in pipeline.steps:
        if not reached:
            steps.append({"stage": step.name, "kind": step.kind, "state": "not reached", "values": {}})
            continue
        seen = _seen(pipeline, layout, step, part, first, rows)
        values = {k: v for k, v in (seen or {}).items() if k not in ("drop", "drop_detail")}
        verdict = rows if step.name == dropped_at else seen or {}
        state = "dropped" if verdict.get("drop") else "kept" if seen is not None else "not run"
        entry: dict[str, Any] = {"stage": step.name, "kind": step.kind, "state": state, "values": values}
        if state == "dropped":
            entry |= {"drop": verdict["drop"], "drop_detail": verdict["drop_detail"]}
            dropped_at, reached = step.name, False
        steps.append(entry)
    superseded = rows.get("stage") == "source"
    return {
        "figure_id": figure,
        "part": part,
        "archive": first.get("archive"),
        "dropped_at": dropped_at,
        "steps": steps,
        "superseded": superseded,
        "drop": rows.get("drop") if superseded else None,
    }


def _seen(
    pipeline: Pipeline, layout: Layout, step: Step, part: str, first: dict[str, Any], rows: dict[str, Any]
) -> dict[str, Any] | None:
    """What a step found for a figure; None where it has not been asked yet."""
    figure = first["figure_id"]
    if step.is_measure:
        row = _row(layout.measure(step, part), figure)
    elif step in pipeline.row_steps:
        row = {name: rows[name] for name in step.writes if name in rows} if rows else None
    else:
        row = _row(layout.table(pipeline, step), figure, first.get("archive"))
    return None if row is None else {k: v for k, v in row.items() if k not in ("figure_id", "archive")}


def _row(path: Path, figure: str, archive: str | None = None) -> dict[str, Any] | None:
    table = _read(path)
    if table is None:
        return None
    hit = table.filter(pc.equal(table["figure_id"], figure))
    if archive is not None and "archive" in table.column_names:  # a stage that tells packages of one article apart
        hit = hit.filter(pc.equal(hit["archive"], archive))
    return dict(hit.to_pylist()[0]) if len(hit) else None


def _read(path: Path) -> pa.Table | None:
    try:
        return read_table(path)[0]
    except (FileNotFoundError, CorruptFile):
        return None


def _hint(pipeline: Pipeline, layout: Layout, table: parts.Parts, what: str) -> str:
    known = set(table.table["article"].slice(0, 20000).to_pylist())
    for part in table.names[:20]:
        first = _read(layout.measure(pipeline.steps[0], part))
        known |= set(first["figure_id"].to_pylist()) if first is not None else set()
    return nearest(what, known) if known else "run the recipe first"
