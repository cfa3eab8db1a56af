"""The paths of a run folder; the name of a file identifies its content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from roco.core.pipeline import Pipeline, Step


@dataclass(frozen=True)
class RunFolder:
    """A run folder under one pipeline."""

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
    def funnel(self) -> Path:
        return self.root / "funnel.json"

    @property
    def release(self) -> Path:
        return self.root / "release"

    @property
    def log(self) -> Path:
        return self.root / "log" / "run.jsonl"

    @property
    def lock(self) -> Path:
        """Held alone by a whole run, shared by slices."""
        return self.root / ".lock"

    @property
    def plan_lock(self) -> Path:
        """Held while the source is listed and parts are added."""
        return self.root / ".plan.lock"

    def part_lock(self, part: str) -> Path:
        """Held by the slice that processes a part."""
        return self.root / "locks" / part

    def measure(self, step: Step, part: str) -> Path:
        """The values of a measure for one part."""
        return self.root / "measures" / step.key / f"{part}.parquet"

    @property
    def rows_folder(self) -> Path:
        return self.root / "decisions" / f"rows-{self.pipeline.rows_digest[:8]}"

    def rows(self, part: str) -> Path:
        """The decisions of the row stages for one part."""
        return self.rows_folder / f"{part}.parquet"

    def table(self, step: Step) -> Path:
        """The decisions of a stage after the first table stage, for all parts."""
        position = [s.name for s in self.pipeline.steps].index(step.name) + 1
        return self.root / "decisions" / f"{position:02d}-{step.key}.parquet"

    def pack(self, part: str) -> Path:
        return self.root / "images" / f"{part}.pack"
