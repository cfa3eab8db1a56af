"""Completes values on the command line: names of stages, and reasons for which figures are dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from roco.base.errors import RocoError

if TYPE_CHECKING:
    from roco.core.pipeline import Pipeline

Complete = Callable[[typer.Context, str], list[str]]


def complete_stage(context: typer.Context, incomplete: str) -> list[str]:
    """Returns the stages of the recipe that the command line names, in order; without one, all stages."""
    from roco.stages import STAGES

    pipeline = _pipeline(context)
    return _starting(incomplete, STAGES if pipeline is None else [step.name for step in pipeline.steps])


def complete_executor(incomplete: str) -> list[str]:
    """Returns the executors of `roco run`."""
    from roco.core.pools import EXECUTORS

    return _starting(incomplete, EXECUTORS)


def complete_reason(context: typer.Context, incomplete: str) -> list[str]:
    """Returns the reasons for which the recipe, or its stage that the command line names, drops figures."""
    from roco.core.contract import ENGINE_REASONS
    from roco.stages import STAGES

    pipeline, stage = _pipeline(context), context.params.get("stage")
    if pipeline is None:
        found = {reason for cls in STAGES.values() for reason in cls.reasons}
        return _starting(incomplete, sorted({*found, *ENGINE_REASONS}))
    steps = [step for step in pipeline.steps if stage in (None, step.name)]
    return _starting(incomplete, sorted({reason for step in steps for reason in step.contract.reasons}))


def complete_label(kind: str) -> Callable[[str], list[str]]:
    """Returns what completes a value of a closed set; kind: modality, region, direction, license or split."""

    def complete(incomplete: str) -> list[str]:
        from roco.base.labels import KINDS
        from roco.base.licenses import LICENSES
        from roco.base.schema import SPLITS

        known: dict[str, Iterable[str]] = {**KINDS, "license": LICENSES, "split": SPLITS}
        return _starting(incomplete, known[kind])

    return complete


def _starting(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _pipeline(context: typer.Context) -> Pipeline | None:
    """Returns the pipeline of the recipe that is named so far; None if there is none, or if it is invalid."""
    from roco.recipes.load import load_recipe

    # Behind an option without its value, the parser stops before it names the arguments.
    named = [context.params.get("recipe"), *context.args]
    recipe = next((word for word in named if word), None)
    try:
        return load_recipe(Path(recipe)).pipeline if recipe else None
    except (RocoError, OSError):
        return None
