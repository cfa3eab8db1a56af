"""Labels of images from CSV files, for tasks that a release has no column for, such as the filters of a recipe."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError, UsageError
from roco.base.terminal import excerpt
from roco.baselines.labelled import Label, read_labels
from roco.release.load.targets import TASKS, UNLABELLED

HELD_OUT = 0.2
"""Share of the labelled images of a folder that are validation images, in whole groups."""

Key = Literal["id", "path"]


@dataclass(frozen=True)
class LabelFile:
    """The labels of one task. key: id of an image in the release, or path of an image in a folder."""

    task: str
    path: Path
    key: Key
    labels: tuple[Label, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Returns the names of the classes, sorted; the position of a name is its class."""
        return tuple(sorted({label.label for label in self.labels}))

    def classes_of(self, keys: Sequence[str]) -> NDArray[np.int64]:
        """Returns the class of each image; -1 without a label."""
        number = {name: position for position, name in enumerate(self.classes)}
        class_of = {label.key: number[label.label] for label in self.labels}
        return np.array([class_of.get(key, UNLABELLED) for key in keys], np.int64)


def read_label_file(text: str) -> LabelFile:
    """Reads the labels of `--labels TASK=FILE`; raises UsageError for another form, DataError for an invalid file."""
    task, equals, name = text.partition("=")
    if not equals or not task.replace("_", "").isalnum() or not name:
        raise UsageError(f"--labels {excerpt(text)}", "write --labels compound=compound.csv")
    if task in TASKS:
        raise UsageError(f"--labels {excerpt(text)}: {task} is a task of releases", "choose another name")
    path = Path(name)
    key: Key = "id" if "id" in _header(path) and "path" not in _header(path) else "path"
    return LabelFile(task, path, key, tuple(read_labels(path, key)))


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as fh:
            line = fh.readline(4096)
    except (OSError, UnicodeDecodeError):
        return []  # read_labels reports it
    delimiter = max(",;\t", key=line.count)
    return [name.strip() for row in csv.reader([line], delimiter=delimiter) for name in row]


@dataclass(frozen=True)
class FolderLabels:
    """The labelled images of a folder: paths, groups that are held out as a whole, and which images are held out."""

    paths: tuple[str, ...]
    groups: tuple[str, ...]
    held_out: NDArray[np.bool_]


def folder_labels(files: Sequence[LabelFile], folder: Path) -> FolderLabels:
    """Returns the images that files label by path; an image may have labels of several tasks.

    About a fifth is held out for validation; images of a group, such as an article or a patient, are never divided.
    Raises DataError if a path is no file of the folder.
    """
    group_of: dict[str, str] = {}
    for file in files:
        for label in file.labels:
            if file.key == "path":
                group_of[label.key] = group_of.get(label.key) or label.group
    paths = tuple(sorted(group_of))
    missing = [path for path in paths if not (folder / path).is_file()]
    if missing:
        what = f"{len(missing):,} of {len(paths):,} labelled images are not in {folder}, such as {excerpt(missing[0])}"
        raise DataError(what, "check --images and the column path")
    groups = tuple(group_of[path] or path for path in paths)
    return FolderLabels(paths, groups, _held_out(groups))


def _held_out(groups: Sequence[str]) -> NDArray[np.bool_]:
    size: dict[str, int] = {}
    for group in groups:
        size[group] = size.get(group, 0) + 1
    chosen: set[str] = set()
    n_chosen = 0
    for group in sorted(size, key=lambda name: hashlib.sha256(name.encode()).hexdigest()):
        if n_chosen >= HELD_OUT * len(groups) or len(chosen) + 1 >= len(size):
            break
        chosen.add(group)
        n_chosen += size[group]
    return np.array([group in chosen for group in groups], np.bool_)


def check_labelled(classes: Mapping[str, NDArray[np.int64]], where: str) -> None:
    """Raises DataError for a task of which no training image has a label."""
    for task, values in classes.items():
        if not (values != UNLABELLED).any():
            others = [name for name, other in classes.items() if (other != UNLABELLED).any()]
            hint = f"choose others with --tasks, such as {others[0]}" if others else "choose others with --tasks"
            raise DataError(f"no training image has a label of '{task}' ({where})", hint)
