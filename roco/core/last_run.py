"""The stages of the last run of a folder, where their results are, and what has changed in the recipe since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roco.core import manifest as manifests
from roco.core.folder import RunFolder
from roco.core.status import status
from roco.core.step import Step


@dataclass(frozen=True)
class StageResults:
    """A stage of the last run, or a stage of the recipe that is not in the last run.

    folder: where the results of each part are; file: where those of all parts are; neither for a stage whose results
    are among the decisions of the part. writes: its columns there. changed: what is out of date about it, as the
    rest of the sentence "stage 'x' …"; empty if nothing.
    """

    name: str
    kind: str
    folder: Path | None = None
    file: Path | None = None
    writes: tuple[str, ...] = ()
    changed: str = ""
    was_run: bool = True

    def of_part(self, part: str) -> Path | None:
        """Returns the file with the results for a part; None if they are among the decisions of the part."""
        return self.folder / f"{part}.parquet" if self.folder is not None else self.file


@dataclass(frozen=True)
class LastRun:
    """What the last run left in its folder; after a change of the recipe, the results of the old one.

    stages: in order, with those of the recipe that were not run. rows: the folder of the decisions of each part.
    """

    stages: Sequence[StageResults]
    rows: Path
    is_complete: bool

    def row_decisions(self, part: str) -> Path:
        return self.rows / f"{part}.parquet"

    def extracted(self, part: str) -> Path:
        """Returns the file with the extracted figures of a part."""
        first = next(stage for stage in self.stages if stage.was_run)
        path = first.of_part(part)
        assert path is not None  # the first stage is the measure that reads articles
        return path


def last_run(folder: RunFolder) -> LastRun:
    """Reads the manifest; without one, such as after slices, the stages are those of the recipe."""
    saved = manifests.load(folder.manifest)
    described = saved.get("steps") or [step.describe() for step in folder.pipeline.steps]
    stages = _with_new(_stages(folder, described), folder.pipeline.steps)
    digest = saved.get("rows_digest", folder.pipeline.rows_digest)
    return LastRun(stages, folder.rows_folder(digest), bool(saved.get("complete", True)))


def _stages(folder: RunFolder, described: Sequence[Mapping[str, Any]]) -> list[StageResults]:
    steps = {step.name: step for step in folder.pipeline.steps}
    why = {stage["stage"]: stage["why"] for stage in status(folder)["stages"]}
    is_late = False  # the first stage that needs the whole table, or a stage after it
    stages = []
    for position, one in enumerate(described, 1):
        name, key = one["name"], f"{one['name']}-{one['digest'][:8]}"
        is_late = is_late or one["scope"] == "table"
        is_measure = one["kind"] == "measure"
        changed = ""
        if name not in steps:
            changed = "is no longer in the recipe"
        elif steps[name].digest != one["digest"]:
            changed = f"has changed since the last run ({why[name]})"
        stages.append(
            StageResults(
                name=name,
                kind=one["kind"],
                folder=folder.measure_folder(key) if is_measure else None,
                file=folder.table_file(position, key) if is_late and not is_measure else None,
                writes=steps[name].writes if name in steps else (),
                changed=changed,
            )
        )
    return stages


def _with_new(stages: list[StageResults], steps: Sequence[Step]) -> list[StageResults]:
    """Returns the stages with those that the last run did not have, each after the one that precedes it now."""
    names = [stage.name for stage in stages]
    at = 0
    for step in steps:
        if step.name in names:
            at = names.index(step.name) + 1
            continue
        stages.insert(at, StageResults(step.name, step.kind, changed="is new in the recipe", was_run=False))
        names.insert(at, step.name)
        at += 1
    return stages
