"""Where everything lies in a run folder; names are made of what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from roco.core.pipeline import Pipeline, Step


@dataclass(frozen=True)
class Layout:
    """The paths of one run folder."""

    root: Path

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

    def measure(self, step: Step, part: str) -> Path:
        return self.root / "measures" / step.key / f"{part}.parquet"

    def rows_folder(self, pipeline: Pipeline) -> Path:
        return self.root / "decisions" / f"rows-{pipeline.rows_digest[:8]}"

    def rows(self, pipeline: Pipeline, part: str) -> Path:
        """What the row stages decided for one part."""
        return self.rows_folder(pipeline) / f"{part}.parquet"

    def table(self, pipeline: Pipeline, step: Step) -> Path:
        """What a stage behind the first table stage decided, for all parts."""
        at = [s.name for s in pipeline.steps].index(step.name) + 1
        return self.root / "decisions" / f"{at:02d}-{step.key}.parquet"

    def pack(self, part: str) -> Path:
        return self.root / "images" / f"{part}.pack"
