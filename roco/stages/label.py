"""Reads the labels of people from a label log, and drops the images that they excluded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.base.errors import RecipeError, RejectedInput
from roco.base.labels import KINDS
from roco.base.schema import types
from roco.core.contract import Reason
from roco.core.stage import Decision, drop, put
from roco.curate import task_files
from roco.curate.log import Log
from roco.curate.resolve import resolve
from roco.curate.tasks import Task

Answers = dict[str, list[str]]
"""Column -> the labels or concepts of an image; empty if people decided that it has none."""

_COLUMN = {"modality": "labelled_modality", "region": "labelled_regions", "direction": "labelled_directions"}
"""Kind of a task -> the column of its labels."""
_CONCEPTS = "labelled_concepts"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Label(Decision):
    """Reads the resolved labels of people; `merge` uses them as manual concepts, before any guess.

    An adjudicated label takes precedence over the labels of annotators; where these disagree and nobody adjudicated,
    the image has no label. Images with the modality OTHER or UNKNOWN are dropped; X-rays whose region or direction is
    OTHER or UNKNOWN have none in the release, whatever their caption. docs/labels.md describes the log.

    log: the label log; without one, nothing is labelled. rounds: the rounds that count, by default all that are not
    blind. Both are usually set in the section [labels]. tasks: files of tasks of your own, whose labels with a `cui`
    become manual concepts.
    """

    scope = "table"
    needs = ("image",)
    reads = ("image_key",)
    writes = types(*_COLUMN.values(), _CONCEPTS)
    reasons = {"label": Reason("people labelled the image as one to exclude: OTHER or UNKNOWN")}

    log: Path | None = dataclasses.field(default=None, metadata={"value": False})
    rounds: tuple[str, ...] = dataclasses.field(default=(), metadata={"value": False})
    tasks: tuple[Path, ...] = ()

    @property
    def content(self) -> tuple[Path, ...]:
        return ()  # the labels count, not the bytes of the log and of the files of tasks

    def fingerprint(self) -> Any:
        """Returns the labels that count, sorted; labels of other rounds, and disputed ones, are not among them."""
        return [sorted((key, column, labels) for key, of in self._answers.items() for column, labels in of.items())]

    def prepare(self) -> None:
        _ = self._answers

    @cached_property
    def _tasks(self) -> dict[str, Task]:
        tasks = [task_files.load(kind, several=True) for kind in KINDS]
        tasks += [task_files.load(path, several=True) for path in self.tasks]
        names = [task.name for task in tasks]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise RecipeError(f"two tasks named '{twice}' (stage '{self.name or 'label'}')", "rename one of the files")
        return {task.name: task for task in tasks}

    @cached_property
    def _answers(self) -> dict[str, Answers]:
        """Returns the answers by image_key; `drop` is a column with the labels for which an image is dropped."""
        if self.log is None or (not self.rounds and not self.log.exists()):
            return {}  # nobody has labelled yet
        answers: dict[str, Answers] = {}
        with Log.open(self.log, write=False) as log:
            resolved = resolve(log, rounds=self.rounds).resolved
        for one in resolved:
            task = self._tasks.get(one.task)
            if task is not None and not task.item:
                self._add(answers.setdefault(one.image_key, {}), task, one.label)
        return answers

    def _add(self, answers: Answers, task: Task, label: str) -> None:
        try:
            parts = task.parts(label)
        except RejectedInput as err:
            raise RecipeError(f"{err.message} ({self.log})", "use the task with which it was labelled") from err
        column = _COLUMN.get(task.kind, _CONCEPTS)
        chosen = answers.setdefault(column, [])
        for part in parts:
            if part.then == "drop":
                answers.setdefault("drop", []).append(f"{task.name} {part.name}")
            elif part.then == "value":
                value = part.name if task.kind else part.cui
                chosen += [value] if value else []

    def __call__(self, batch: pa.Table) -> pa.Table:
        keys = batch["image_key"].to_pylist()
        answers: list[Mapping[str, list[str]]] = [self._answers.get(key or "", {}) for key in keys]
        for column, kind in self.writes.items():
            values: list[Any] = [of.get(column) for of in answers]
            if column == _COLUMN["modality"]:
                values = [labels[0] if labels else None for labels in values]
            batch = put(batch, column, pa.array(values, kind))
        details = pa.array([", ".join(of["drop"]) if "drop" in of else None for of in answers], pa.string())
        return drop(batch, details.is_valid(), "label", details)
