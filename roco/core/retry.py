"""Deletes measured rows that were dropped for a reason, so that the next pass measures them again."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow.compute as pc

from roco.base.errors import CorruptFile, UsageError, nearest
from roco.base.sealed_tables import read_table, write_table
from roco.core.folder import RunFolder
from roco.core.measures import described
from roco.core.pipeline import Pipeline
from roco.core.step import Step


def check_reason(pipeline: Pipeline, reason: str) -> None:
    """Raises UsageError if no measure drops figures for this reason."""
    known: set[str] = set()
    for step in pipeline.steps:
        if step.is_measure:
            known.update(step.contract.reasons)
            known.add("unreadable")  # the engine's own reason if bytes cannot be read or a measure crashes
    if reason not in known:
        hint = f"decisions are re-evaluated anyway; {nearest(reason, known)}"
        raise UsageError(f"no measure of this recipe drops figures for the reason '{reason}'", hint)


def forget(folder: RunFolder, parts: Sequence[str], reason: str) -> int:
    """Deletes the measured rows that were dropped for a reason, so that they are measured again; returns how many."""
    check_reason(folder.pipeline, reason)
    measures = [step for step in folder.pipeline.steps if step.is_measure]
    return sum(_forget(folder, step, part, reason) for part in parts for step in measures)


def _forget(folder: RunFolder, step: Step, part: str, reason: str) -> int:
    path = folder.measure_file(step, part)
    try:
        table, meta = read_table(path)
    except (FileNotFoundError, CorruptFile):
        return 0
    affected = pc.fill_null(pc.equal(table["drop"], reason), False)
    n = int(pc.sum(affected).as_py() or 0)
    if not n:
        return 0
    if "articles" in meta:  # articles are read as a whole
        places = table.filter(affected)["archive"].unique()
        affected = pc.is_in(table["archive"], value_set=places)
        forgotten = set(places.to_pylist())
        meta["articles"] = {place: counts for place, counts in meta["articles"].items() if place not in forgotten}
    table = table.filter(pc.invert(affected))
    # The decisions are deleted first: without them the part is not done, even if this process is killed here.
    folder.row_decisions(part).unlink(missing_ok=True)
    write_table(path, table, {**meta, **described(table, meta)})
    return n
