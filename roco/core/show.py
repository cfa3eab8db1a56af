"""Traces figures through all stages: what each measured or decided, where a figure was dropped, and what is stale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import CorruptFile, DataError, RocoError
from roco.base.schema import LISTING
from roco.base.sealed_tables import read_table
from roco.core import parts
from roco.core.folder import RunFolder
from roco.core.last_run import LastRun, StageResults, last_run
from roco.core.names import Name, find
from roco.core.stage import Publication

MOST_LISTED = 20_000
"""Articles of a source that is listed again, to see whether an article has changed; listing more takes too long."""


def show(folder: RunFolder, what: str) -> list[dict[str, Any]]:
    """Returns the traces of all figures that a name refers to.

    what: a figure_id, an id in the release, the name of a released or original file (with or without folder and
    extension), a PMCID, DOI, PubMed ID or package. One entry per figure: figure_id, id, part, archive, dropped_at (a
    stage or None), superseded, stale (why what is shown is out of date: a list of sentences), and the steps. A step
    has a state (`kept`, `dropped`, `not reached` or `not run`), the values it wrote and, if it dropped the figure, drop
    and drop_detail. If the recipe has changed since the last run, the trace is that of the last run.
    """
    table = parts.read(folder.parts)
    if not len(table.table):
        raise DataError(f"nothing has been run in {folder.root} yet", "run the recipe first: roco run RECIPE")
    last = last_run(folder)
    ids = _ids(last)
    figure = _of_release(folder, ids, Name(what)) or what
    extracted = {part: last.extracted(part) for part in table.names}
    found = find(table, figure, extracted, ids["id"].to_pylist())
    changes = _Changes(folder, table, last)
    traces = []
    for part, row in found:
        trace = _trace(last, part, row)
        trace["stale"] = [] if trace["superseded"] else list(changes.of(trace))
        traces.append(trace)
    return sorted(traces, key=lambda trace: (trace["superseded"], trace["figure_id"]))


def _ids(last: LastRun) -> pa.Table:
    """Returns figure_id and id of all figures to which the last run gave an id."""
    for stage in reversed(last.stages):
        table = _read(stage.file) if stage.file is not None else None
        if table is not None and "id" in table.column_names:
            return table.select(["figure_id", "id"]).filter(pc.is_valid(table["id"]))
    return pa.table({"figure_id": pa.array([], pa.string()), "id": pa.array([], pa.string())})


def _of_release(folder: RunFolder, ids: pa.Table, name: Name) -> str | None:
    """Returns the figure_id of an id in the release, or of a released file; None for any other name."""
    publication = folder.pipeline.steps[-1].stage
    for id in dict.fromkeys((name.written, name.file, name.stem)):
        figure = publication.figure_of(folder.release, id) if isinstance(publication, Publication) else None
        if figure:
            return figure
        hits = ids.filter(pc.equal(ids["id"], id))
        if len(hits):
            return str(hits["figure_id"][0].as_py())
    return None


# --- one figure -------------------------------------------------------------------------------------------------------


def _trace(last: LastRun, part: str, extracted: Mapping[str, Any]) -> dict[str, Any]:
    figure = extracted["figure_id"]
    decided = _row(last.row_decisions(part), figure) or {}
    dropped_at = decided.get("stage")
    superseded = dropped_at == "source"
    steps: list[dict[str, Any]] = []
    reached = not superseded
    for stage in last.stages:
        entry: dict[str, Any] = {"stage": stage.name, "kind": stage.kind, "state": "not reached", "values": {}}
        steps.append(entry)
        if not reached:
            continue
        values = _values(stage, part, extracted, decided)
        verdict = decided if stage.name == dropped_at else values or {}
        entry["state"] = "kept" if values is not None else "not run"
        entry["values"] = {name: v for name, v in (values or {}).items() if name not in ("drop", "drop_detail")}
        if verdict.get("drop"):
            entry |= {"state": "dropped", "drop": verdict["drop"], "drop_detail": verdict["drop_detail"]}
            dropped_at, reached = stage.name, False
    ids = [entry["values"]["id"] for entry in steps if entry["state"] == "kept" and entry["values"].get("id")]
    return {
        "figure_id": figure,
        "id": ids[-1] if ids else None,
        "part": part,
        "archive": extracted.get("archive"),
        "dropped_at": dropped_at,
        "steps": steps,
        "superseded": superseded,
        "drop": decided.get("drop") if superseded else None,
    }


def _values(
    stage: StageResults, part: str, extracted: Mapping[str, Any], decided: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Returns what a stage wrote for a figure; None if it has not been run for it."""
    path = stage.of_part(part)
    row: Mapping[str, Any] | None
    if not stage.was_run:
        row = None
    elif path is None:
        row = {name: decided[name] for name in stage.writes if name in decided} if decided else None
    else:
        row = _row(path, extracted["figure_id"], None if stage.folder else extracted.get("archive"))
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


# --- what is stale ----------------------------------------------------------------------------------------------------


class _Changes:
    """What has changed since the last run: in the recipe, in the source, in the release."""

    def __init__(self, folder: RunFolder, table: parts.Parts, last: LastRun) -> None:
        self.folder, self.last = folder, last
        self.changed = {stage.name: stage.changed for stage in last.stages if stage.changed}
        self.rows = table.table.filter(table.table["current"])
        self.listing = _listing(folder, self.rows)

    def of(self, trace: Mapping[str, Any]) -> Iterator[str]:
        """Yields why the trace of a figure is out of date; what comes after the stage that dropped it is no reason."""
        yield from self._of_recipe(trace["steps"])
        yield from self._of_source(trace["archive"])
        if not self.last.is_complete and any(self._is_late(step) for step in trace["steps"]):
            yield "the last run was not completed, so later stages show the results of the run before it"
        publication = self.folder.pipeline.steps[-1].stage
        if trace["id"] and isinstance(publication, Publication):
            released = publication.figure_of(self.folder.release, trace["id"])
            if released not in (trace["figure_id"], None):
                yield f"the release in {self.folder.release} does not contain it as {trace['id']}"

    def _of_recipe(self, steps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        reached = [step for step in steps if step["state"] != "not reached"]
        with_results = [position for position, step in enumerate(reached) if step["state"] != "not run"]
        for position, step in enumerate(reached):
            # Stages that were not run are stated as such; they matter only if later results do not consider them.
            if step["stage"] in self.changed and position < max(with_results, default=-1) + 1:
                yield f"stage '{step['stage']}' {self.changed[step['stage']]}"

    def _of_source(self, archive: str) -> Iterator[str]:
        if self.listing is None:
            return
        now, then = (_entry(table, archive) for table in (self.listing, self.rows))
        if now is None:
            yield f"the source no longer contains {archive}"
        elif then is not None and now["digest"] != then["digest"]:
            yield f"{archive} has changed in the source since the last run"

    def _is_late(self, step: Mapping[str, Any]) -> bool:
        """Returns whether a step shows results that are stored for all parts together."""
        files = {stage.name for stage in self.last.stages if stage.file is not None}
        return step["stage"] in files and step["state"] in ("kept", "dropped")


def _listing(folder: RunFolder, known: pa.Table) -> pa.Table | None:
    """Lists the source as it is now; None if it is too large, or cannot be listed."""
    if len(known) > MOST_LISTED:
        return None
    try:
        return folder.pipeline.source.listing(known.select(LISTING.names))
    except (RocoError, OSError):
        return None


def _entry(table: pa.Table, place: str) -> dict[str, Any] | None:
    hits = table.filter(pc.equal(table["place"], place)).to_pylist()
    return dict(hits[0]) if hits else None
