"""The paths of a run folder; the name of a file identifies its content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from roco.core.pipeline import Pipeline
from roco.core.step import Step

STAGES = "_stages.json"
"""The name of the file that names row stages: readers of a folder of tables pass over those with an underscore."""


@dataclass(frozen=True)
class RunFolder:
    """The paths of a run folder, for one pipeline."""

    root: Path
    pipeline: Pipeline

    @property
    def recipe(self) -> Path:
        return self.root / "recipe.toml"

    @property
    def parts(self) -> Path:
        return self.root / "parts.parquet"

    @property
    def manifest(self) -> Path:
        return self.root / "manifest.json"

    @property
    def records(self) -> Path:
        """Returns the folder with copies of the footers of the decisions, one folder for each version of row stages."""
        return self.root / "records"

    def records_folder(self, digest: str) -> Path:
        return self.records / f"rows-{digest[:8]}"

    @property
    def funnel(self) -> Path:
        return self.root / "funnel.json"

    @property
    def release(self) -> Path:
        return self.root / "release"

    @property
    def log_file(self) -> Path:
        """Returns the log for people; the one below has a line of JSON for each part."""
        return self.root / "log" / "run.log"

    @property
    def published(self) -> Path:
        """Returns the record of what was published; the ledgers are beside it."""
        return self.root / "ledger" / "published.json"

    @property
    def published_copy(self) -> Path:
        """Returns a copy of that record, which is read if it is damaged: no other file has its content."""
        return self.root / "ledger" / "published.copy.json"

    def ledger(self, digest: str) -> Path:
        """Returns the file of a ledger."""
        return self.root / "ledger" / f"{digest[:16]}.parquet"

    @property
    def log(self) -> Path:
        return self.root / "log" / "run.jsonl"

    @property
    def lock(self) -> Path:
        """Returns the lock that a whole run holds exclusively, and that slices share."""
        return self.root / ".lock"

    @property
    def plan_lock(self) -> Path:
        """Returns the lock that is held while the source is listed and parts are added."""
        return self.root / ".plan.lock"

    def part_lock(self, part: str) -> Path:
        """Returns the lock that the slice holds that processes a part."""
        return self.root / "locks" / part

    def measure_file(self, step: Step, part: str) -> Path:
        """Returns the file with the values of a measure for one part."""
        return self.measure_folder(step.key) / f"{part}.parquet"

    def measure_folder(self, key: str) -> Path:
        return self.root / "measures" / key

    @property
    def measure_folders(self) -> list[Path]:
        """The folders of the measures of the row pass, which have a file for each part that is done."""
        return [self.measure_folder(step.key) for step in self.pipeline.row_steps if step.is_measure]

    @property
    def row_decisions_folder(self) -> Path:
        return self.rows_folder(self.pipeline.rows_digest)

    def rows_folder(self, digest: str) -> Path:
        """Returns the folder with the decisions of row stages; digest: of the row stages of a recipe."""
        return self.root / "decisions" / f"rows-{digest[:8]}"

    @property
    def row_steps(self) -> Path:
        """Returns the file that names the row stages whose decisions are beside it."""
        return self.row_decisions_folder / STAGES

    def row_decisions(self, part: str) -> Path:
        """Returns the file with the decisions of the row stages for one part."""
        return self.row_decisions_folder / f"{part}.parquet"

    @property
    def kept_rows(self) -> Path:
        """Returns the file with the figures that the row stages kept, and the columns that table stages read."""
        return self.root / "decisions" / "kept.parquet"

    def table_decisions(self, step: Step) -> Path:
        """Returns the file with the decisions of a table stage, or of a stage after one, for all parts."""
        position = [s.name for s in self.pipeline.steps].index(step.name) + 1
        return self.table_file(position, step.key)

    def table_file(self, position: int, key: str) -> Path:
        return self.root / "decisions" / f"{position:02d}-{key}.parquet"

    def pack(self, part: str) -> Path:
        return self.root / "images" / f"{part}.pack"
