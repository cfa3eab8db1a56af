"""Builders for the tests of label logs: the shipped tasks, labels and a clock that ticks with each event."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from roco.curate import log_file
from roco.curate.events import Entry
from roco.curate.log import Batch, Log
from roco.curate.task_files import load_all

TASKS = load_all(["modality", "region", "direction", "visible"])


def ticking() -> Callable[[], str]:
    """A clock whose times are 2026-01-01T00:00:00, 00:00:01 and so on."""
    seconds = itertools.count()
    return lambda: f"2026-01-01T00:{(n := next(seconds)) // 60:02}:{n % 60:02}.000+00:00"


def opened(path: Path, *rounds: str, **options: Any) -> Log:
    """A log with open rounds."""
    log = Log.open(path, TASKS, now=ticking(), **options)
    for name in rounds:
        log.open_round(name, annotator="lead", blind=name.startswith("blind"))
    return log


def labelled(log: Log, image: str, label: str, by: str = "a1", round: str = "first", **more: Any) -> Batch:
    """Adds one label."""
    return log.add([Entry(image_key=image, label=label, **{"task": "modality", **more})], round=round, annotator=by)


def with_colon(log: Log, round: str, annotator: str, images: Mapping[str, str] | None = None) -> None:
    """Opens a round and adds labels by image, under names with a colon, as logs of older versions may have them."""
    labels = [{"image_key": image, "task": "modality", "label": label} for image, label in (images or {}).items()]
    with log_file.writing(log._connection, log.path):
        if round not in log.rounds():
            log._append(f"open-{log.newest}", "round", round, annotator, [{"label": "open"}])
        if labels:
            log._append(f"add-{log.newest}", "label", round, annotator, [{**one, "origin": "typed"} for one in labels])


def current(log: Log, task: str = "modality") -> dict[tuple[str, str], str]:
    """The current labels by image and annotator."""
    return {(event.image_key, event.annotator): event.label for event in log.current(task)}
