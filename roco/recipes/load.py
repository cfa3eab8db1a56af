"""Reads a recipe: one TOML file that names the source and the stages in order.

Everything is checked before the first row is read; errors on unknown names suggest the nearest one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roco.base.errors import RecipeError
from roco.base.user_modules import search_in
from roco.core import pipeline as core
from roco.core.run import Outcome, Run
from roco.core.source import Source
from roco.core.stage import Stage
from roco.recipes import sections
from roco.recipes.check import Problem, problems
from roco.recipes.entries import Shared, build_stages
from roco.recipes.sections import Labels
from roco.recipes.shipped import shipped
from roco.sources.several import Several
from roco.stages import STAGES


class Pipeline(core.Pipeline):
    """A source and stages, for use in Python: `Run(Pipeline(source, (License(), Image(), …)), folder).do()`."""

    def __init__(self, source: Source, stages: Sequence[Stage]) -> None:
        super().__init__(source, tuple(stages), STAGES)


@dataclass(frozen=True)
class Recipe:
    """A recipe that has been read and checked."""

    path: Path
    folder: Path
    base: str | None
    pipeline: Pipeline
    labels: Labels | None = None
    overridden: tuple[str, ...] = ()

    def open(self, until: str | None = None) -> Run:
        """Returns the run of this recipe; until: the stage after which it ends."""
        pipeline = self.pipeline if until is None else self.pipeline.until(until)
        named: dict[str, Any] = {"recipe": self.path.name}
        if self.base:
            named["base"] = self.base
        if self.overridden:
            named["overridden"] = list(self.overridden)
        return Run(pipeline, self.folder, named)

    def check(self) -> list[Problem]:
        """Returns what would stop a run before its first row: missing folders, unreadable models and vocabularies."""
        return problems(self.pipeline, self.folder)

    def run(self, **options: Any) -> Outcome:
        """Runs whatever is missing or out of date; options as for `Run.do`."""
        return self.open().do(**options)


def load_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Reads and checks a recipe; raises RecipeError."""
    path = Path(path)
    data = sections.read_toml(path)
    sections.check_names(data, sections.SECTIONS, "section")
    options = sections.table(data, "run")
    sections.check_names(options, sections.RUN_OPTIONS, "option", " in [run]")
    here = path.resolve().parent
    folder = sections.run_folder(options.get("folder"), path, here)
    search_in(here)  # the folder of the recipe may contain a module with stages
    previous = options.get("previous")
    sections.check_previous(previous, folder, here)
    labels = sections.labels(data, folder, here)
    shared = Shared(previous, labels, sections.metadata(data))
    stages = build_stages(data, options.get("base"), path, here, shared)
    sources = sections.sources(data, folder, here)
    if any(_contains(source, folder) for source in sources):
        raise RecipeError("the run folder is inside the source, so it would be read as input", "choose another folder")
    source = sources[0] if len(sources) == 1 else Several.of(*sources)
    overridden = [f"{one['stage']}.{name}" for one in data.get("override", []) for name in one if name != "stage"]
    return Recipe(path, folder, options.get("base"), Pipeline(source, stages), labels, tuple(overridden))


def _contains(source: Source, folder: Path) -> bool:
    return isinstance(source.path, Path) and folder.is_relative_to(source.path.resolve())


__all__ = ["Labels", "Pipeline", "Recipe", "load_recipe", "shipped"]
