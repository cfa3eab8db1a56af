"""Checks what a recipe refers to: sources, the previous release, models and vocabularies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from roco.base.errors import RecipeError, RocoError
from roco.core.pipeline import Pipeline
from roco.core.source import Source
from roco.core.step import Step
from roco.release.read import Release
from roco.sources import BucketSource


class Problem(NamedTuple):
    """What is wrong, where, and what to do."""

    where: str
    message: str
    hint: str


def problems(pipeline: Pipeline, folder: Path) -> list[Problem]:
    """Returns what would stop a run of the pipeline before its first row; reads and writes no articles.

    folder: the run folder.
    """
    found = [*_failing("[run]", lambda: _check_folder(folder))]
    for source in getattr(pipeline.source, "each", (pipeline.source,)):
        found += _failing(f"[source] {source.kind}", lambda source=source: _check_source(source))  # type: ignore[misc]
    for step in pipeline.steps:
        found += _failing(f"stage '{step.name}'", lambda step=step: _check_stage(step))  # type: ignore[misc]
    return found


def _failing(where: str, check: Callable[[], Any]) -> Iterator[Problem]:
    """Yields the error that a check raises; custom stages may raise anything."""
    try:
        check()
    except RocoError as err:
        yield Problem(where, err.message, err.hint)
    except Exception as err:
        yield Problem(where, f"{type(err).__name__}: {err}", "correct the stage; --debug shows the traceback")


def _check_folder(folder: Path) -> None:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not existing.is_dir():
        raise RecipeError(
            f"{existing} is a file, so the run folder {folder} cannot be created", "choose another folder"
        )


def _check_source(source: Source) -> None:
    if isinstance(source, BucketSource):
        source.check()
    elif not Path(source.path).is_dir():
        what = "is not a folder" if Path(source.path).exists() else "does not exist"
        raise RecipeError(f"{source.path} {what}", "set path to the folder of the articles (relative to the recipe)")


def _check_stage(step: Step) -> None:
    """Loads the models and vocabularies of a stage, and opens the previous release that it reads."""
    previous = getattr(step.stage, "previous", None)
    if previous is not None:
        with Release.open(previous):
            pass
    step.stage.prepare()
