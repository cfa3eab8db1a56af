"""The stored decisions on a part that a changed recipe leaves valid: those of all stages before the first changed one.

Each folder of row decisions has a file that names its stages, so that another recipe can be compared with them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import CorruptFile
from roco.base.files import digest, write_json
from roco.base.json_text import parse_json
from roco.base.schema import DROP
from roco.base.sealed_tables import SealedTable
from roco.core.folder import STAGES, RunFolder
from roco.core.funnel import Flow
from roco.core.job import PartRecord, input_digest
from roco.core.stage import put
from roco.core.step import Step

SOURCE = "source"
"""The stage under whose name figures of superseded articles are dropped."""


class Recorded(NamedTuple):
    """A row stage as it is recorded beside its decisions."""

    name: str
    digest: str
    writes: tuple[str, ...]


@dataclass(frozen=True)
class Unchanged:
    """The stored decisions on a part that are still valid.

    first: position of the first step that must run. flows: the funnel of the steps before it. rows: the figures that
    reached it: figure_id, archive, drop, drop_detail and the columns that decisions before it wrote. dropped: the
    figures that were dropped before it, also with their stage. counts: those of `extract`.
    """

    first: int
    flows: tuple[Flow, ...]
    rows: pa.Table
    dropped: pa.Table
    counts: Mapping[str, int]


def record_stages(folder: RunFolder) -> None:
    """Writes the row stages beside their decisions, unless the file is up to date."""
    stages = [[step.name, step.digest, list(step.writes)] for step in folder.pipeline.row_steps]
    if _read(folder.row_steps) != _recorded(stages):
        write_json(folder.row_steps, {"stages": stages, "sha256": digest(stages)})


def unchanged(
    folder: RunFolder, part: str, unlisted: Sequence[str], contents: Mapping[str, str | None]
) -> Unchanged | None:
    """Returns the decisions of a previous recipe on a part that are still valid; None if none are.

    unlisted: the places of the packages of the part that the source no longer lists. contents: digests of the stored
    measures. Of several recipes, the one that shares most stages with the current one is used.
    """
    steps = folder.pipeline.row_steps
    for first, path, stages in _previous(folder.root / "decisions", folder.row_decisions_folder, steps):
        if first < 2:
            return None  # extraction alone decides nothing
        try:
            file = SealedTable(path / f"{part}.parquet")
            meta = file.meta
            table = file.read()
        except (FileNotFoundError, CorruptFile):
            continue
        if meta["input"] == input_digest(rows_digest(stages), part, unlisted) and _same_measures(
            meta, steps[:first], contents
        ):
            return _divided(table, PartRecord.of_json(meta), steps[:first])
    return None


def first_changed(stages: Sequence[Recorded], steps: Sequence[Step]) -> int:
    """Returns the position of the first step that differs from the recorded stage, or whose input cannot be restored.

    Stored decisions have the last value of each column. If stages before and after a position write the same column,
    its value at that position is lost, so an earlier position is returned.
    """
    first = 0
    for stage, step in zip(stages, steps, strict=False):
        if (stage.name, stage.digest) != (step.name, step.digest):
            break
        first += 1

    def written(some: Sequence[Recorded] | Sequence[Step]) -> set[str]:
        return {column for one in some for column in one.writes}

    while first and written(steps[:first]) & (written(stages[first:]) | written(steps[first:])):
        first -= 1
    return first


def rows_digest(stages: Sequence[Recorded]) -> str:
    """Returns the digest that a pipeline with these row stages has."""
    return digest([[stage.name, stage.digest] for stage in stages])


def _previous(decisions: Path, current: Path, steps: Sequence[Step]) -> Sequence[tuple[int, Path, Sequence[Recorded]]]:
    """Returns the folders of row decisions of other recipes, those with most stages of the current one first.

    Each with the position of the first changed step, and its stages.
    """
    try:
        recorded = _recorded_folders(decisions, decisions.stat().st_mtime_ns)
    except FileNotFoundError:
        return ()  # nothing has been decided yet
    found = [(first_changed(stages, steps), path, stages) for path, stages in recorded if path != current]
    return sorted(found, key=lambda one: (-one[0], one[1]))


@lru_cache(maxsize=4)
def _recorded_folders(decisions: Path, time: int) -> Sequence[tuple[Path, Sequence[Recorded]]]:
    """Returns the folders of row decisions, with their stages; time: when one was last added or removed.

    A worker asks for each part.
    """
    stages = [(path.parent, _read(path)) for path in decisions.glob(f"rows-*/{STAGES}")]
    return [(path, recorded) for path, recorded in stages if recorded is not None]


def _read(path: Path) -> list[Recorded] | None:
    """Reads recorded stages; None if the file is missing or corrupt."""
    try:
        value = parse_json(path.read_text(encoding="utf-8"))
        return _recorded(value["stages"]) if value["sha256"] == digest(value["stages"]) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _recorded(stages: Sequence[Sequence[Any]]) -> list[Recorded]:
    return [Recorded(name, digest, tuple(writes)) for name, digest, writes in stages]


def _same_measures(meta: Mapping[str, Any], steps: Sequence[Step], contents: Mapping[str, str | None]) -> bool:
    """Returns whether the decisions were taken on the measures that are stored now."""
    then = meta.get("measures", {})
    names = [step.name for step in steps if step.is_measure]
    return all(contents[name] is not None and contents[name] == then.get(name) for name in names)


def _divided(table: pa.Table, record: PartRecord, before: Sequence[Step]) -> Unchanged:
    """Divides stored decisions into the figures that were dropped by the steps before a position, and the others."""
    names = pa.array([SOURCE, *(step.name for step in before)])
    is_before = pc.is_in(table["stage"], value_set=names)
    columns = ["figure_id", "archive", *DROP, *decided_columns(before, table.column_names)]
    rows = table.filter(pc.invert(is_before)).select(columns)
    for name, kind in DROP.items():
        rows = put(rows, name, pa.nulls(len(rows), kind))
    dropped = table.filter(is_before).select([*columns, "stage"])
    return Unchanged(len(before), record.funnel[: len(before)], rows, dropped, record.counts)


def decided_columns(steps: Sequence[Step], existing: Collection[str]) -> list[str]:
    """Returns the columns that decisions among some steps write, of those that exist."""
    written = dict.fromkeys(column for step in steps if not step.is_measure for column in step.writes)
    return [column for column in written if column in existing]
