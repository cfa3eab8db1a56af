"""A pipeline: a source and the stages that its articles go through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from roco.base.errors import RecipeError, nearest
from roco.base.files import digest
from roco.core.contract import ENGINE_REASONS, Reason
from roco.core.resolve import Resolver
from roco.core.source import Source
from roco.core.stage import Publication, Stage
from roco.core.step import Step


@dataclass(frozen=True)
class Pipeline:
    """A source and the stages that process its articles.

    stages: in order; a stage without a name gets that of its class. catalogue: the classes from which measures that
    are needed but not listed are taken.
    """

    source: Source
    stages: Sequence[Stage]
    catalogue: Mapping[str, type[Stage]]

    def __post_init__(self) -> None:
        _ = self.steps  # resolved now, so that an invalid pipeline fails where it is created

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        return tuple(Resolver(self.catalogue).resolve(self.stages))

    @cached_property
    def row_steps(self) -> tuple[Step, ...]:
        """Returns the steps of the pass over each part: all before the first that needs the whole table."""
        return self.steps[: self._first_table]

    @cached_property
    def table_steps(self) -> tuple[Step, ...]:
        """Returns the first step that needs the whole table, and all after it."""
        return self.steps[self._first_table :]

    @property
    def publication(self) -> Publication | None:
        """Returns the stage that publishes, which is the last one if there is one."""
        last = self.steps[-1].stage
        return last if isinstance(last, Publication) else None

    @cached_property
    def rows_digest(self) -> str:
        return digest([[step.name, step.digest] for step in self.row_steps])

    @cached_property
    def digest(self) -> str:
        """Returns the digest of all stages, their options and the files they read."""
        return digest([[step.name, step.digest] for step in self.steps])

    @cached_property
    def reasons(self) -> Mapping[str, Reason]:
        """Returns all reasons for which a figure can be dropped; a stage may redefine a reason of the engine."""
        reasons: dict[str, Reason] = {}
        for step in self.steps:
            for name, reason in step.contract.reasons.items():
                reasons.setdefault(name, reason)
        return {**ENGINE_REASONS, **reasons}

    @cached_property
    def ensures(self) -> frozenset[str]:
        """Returns what is true of every figure that the pipeline keeps."""
        return frozenset(guarantee for step in self.steps for guarantee in step.contract.ensures)

    @cached_property
    def options_of_new(self) -> dict[str, dict[str, Any]]:
        """Returns the options that concern only what is new in a release, of each stage that has some."""
        steps = [step for step in self.steps if step.stage.only_new]
        return {step.name: {name: step.stage.options[name] for name in step.stage.only_new} for step in steps}

    @cached_property
    def _first_table(self) -> int:
        return next((i for i, step in enumerate(self.steps) if step.contract.scope == "table"), len(self.steps))

    def until(self, name: str) -> Pipeline:
        """Returns the same pipeline, ending with the named step."""
        names = [step.name for step in self.steps]
        if name not in names:
            raise RecipeError(f"unknown stage '{name}' (not in this recipe)", nearest(name, names))
        first = self.steps[: names.index(name) + 1]
        return Pipeline(self.source, [step.stage for step in first], self.catalogue)

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)
