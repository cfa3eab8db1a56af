"""A step: a stage at its place in the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roco.core.contract import Contract
from roco.core.spec import reference
from roco.core.stage import Measure, Stage


@dataclass(frozen=True)
class Step:
    """A stage in its place in the pipeline.

    digest: of the stage and of the measures it reads. reads_from: the step that last wrote each column that it reads.
    """

    name: str
    stage: Stage
    contract: Contract
    digest: str
    reads_from: Mapping[str, str]

    @property
    def is_measure(self) -> bool:
        return isinstance(self.stage, Measure)

    @property
    def kind(self) -> str:
        return "measure" if self.is_measure else "decision"

    @property
    def key(self) -> str:
        """Returns the beginning of the names of its files."""
        return f"{self.name}-{self.digest[:8]}"

    @property
    def writes(self) -> tuple[str, ...]:
        return tuple(self.contract.columns)

    @property
    def reads(self) -> tuple[str, ...]:
        """Returns the columns that the stage is given: those it requires, and optional ones that exist."""
        return (*self.contract.reads, *(c for c in self.contract.optional if c in self.reads_from))

    def describe(self) -> dict[str, Any]:
        """Returns the step as it is recorded in the manifest and in the resolved recipe."""
        return {
            "name": self.name,
            "use": reference(type(self.stage)),
            "kind": self.kind,
            "scope": self.contract.scope,
            "version": self.stage.version,
            "options": self.stage.options,
            "ensures": list(self.contract.ensures),
            "digest": self.digest,
        }
