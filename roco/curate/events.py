"""The events of a label log, and the limits of what annotators may write into it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from roco.base.errors import RejectedInput, nearest
from roco.base.ids import is_cui
from roco.base.terminal import excerpt, quoted
from roco.base.text import escaped
from roco.curate.tasks import Task

Kind = Literal["label", "note", "flag", "sample", "round", "undo"]
"""What an event records: a label, a remark or a mark on an image, an image of a drawn sample, a new round, an undo."""

Origin = Literal["typed", "accepted", "adjudicated", "imported"]
"""Where a label comes from: chosen by a person, a guess that a person accepted, a decision between people, a file."""

LONGEST_NAME = 64  # characters of the name of an annotator, a round or a stratum
LONGEST_KEY = 300  # characters of an image_key
LONGEST_NOTE = 2000  # characters
MOST_AT_ONCE = 100_000  # events of one batch

_BATCH = re.compile(r"[A-Za-z0-9_-]{1,64}")
_VERSION = re.compile(r"[0-9a-f]{12}|")


class Event(NamedTuple):
    """One row of the log.

    id: in the order of writing. time: UTC, ISO 8601. batch: common to the events of one act. concept: the CUI that the
    question is about, else empty. guideline: version of the guideline (`Task.version`). weight: images that one image
    of a sample represents. revoked: id of the event that an undo takes back.
    """

    id: int
    time: str
    batch: str
    kind: str
    round: str
    task: str
    image_key: str
    concept: str
    annotator: str
    label: str
    origin: str
    guideline: str
    note: str
    weight: float | None
    revoked: int | None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What an annotator adds to the log: a label, or a note or flag (no label, and any task or none).

    label: several labels are joined by `+`. guideline: the version of a guideline, for imported labels; empty for the
    version of the task. For an image of a sample, label is its stratum and weight the images that it represents.
    """

    image_key: str
    task: str = ""
    label: str = ""
    origin: Origin = "typed"
    concept: str = ""
    note: str = ""
    guideline: str = ""
    weight: float | None = None
    kind: Literal["label", "note", "flag", "sample"] = "label"


def checked(entry: Entry, tasks: Mapping[str, Task]) -> Entry:
    """Returns an entry as it is stored, with the version of the guideline and the labels in the order of the task.

    Raises RejectedInput for an unknown task, a label or concept that the task does not have, a text that is too long or
    has control characters, and a kind of event that lacks what it needs.
    """
    name_of(entry.image_key, "image_key", LONGEST_KEY)
    note = checked_note(entry.note)
    if entry.kind not in ("label", "note", "flag", "sample"):
        raise RejectedInput(f"unknown kind of event {quoted(entry.kind)}", nearest(str(entry.kind), get_args(Kind)))
    if entry.origin not in get_args(Origin):
        raise RejectedInput(f"unknown origin {quoted(entry.origin)}", nearest(str(entry.origin), get_args(Origin)))
    task = tasks.get(entry.task)
    if task is None and (entry.task or entry.kind in ("label", "sample")):
        raise RejectedInput(f"unknown task {quoted(entry.task)}", nearest(str(entry.task), tasks))
    concept = _concept(entry, task)
    if not isinstance(entry.guideline, str) or not _VERSION.fullmatch(entry.guideline):
        raise RejectedInput(f"invalid version of a guideline {quoted(entry.guideline)}", "use 12 hexadecimal digits")
    facts: dict[str, Any] = {"image_key": entry.image_key, "task": entry.task, "kind": entry.kind, "concept": concept}
    if entry.kind == "label":
        assert task is not None
        label = task.canonical(entry.label) if isinstance(entry.label, str) else task.canonical("")
        version = entry.guideline or ("" if entry.origin == "imported" else task.version)
        return Entry(**facts, label=label, origin=entry.origin, note=note, guideline=version)
    if entry.kind == "sample":
        if not isinstance(entry.weight, int | float) or not 0 < entry.weight < 1e12:
            raise RejectedInput(f"invalid weight {excerpt(entry.weight)}", "give the images that this one represents")
        return Entry(**facts, label=name_of(entry.label, "stratum"), note=note, weight=float(entry.weight))
    if entry.label:
        raise RejectedInput(f"a {entry.kind} with a label", "add the label as an entry of its own")
    if entry.kind == "note" and not note:
        raise RejectedInput("an empty note", "write a text, or undo the note")
    return Entry(**facts, note=note)


def _concept(entry: Entry, task: Task | None) -> str:
    if not isinstance(entry.concept, str) or (entry.concept and not is_cui(entry.concept)):
        raise RejectedInput(f"invalid concept {quoted(entry.concept)}", "write C and seven digits")
    asks = task is not None and bool(task.item)
    if entry.concept and not asks:
        raise RejectedInput(f"a concept in the task {quoted(entry.task)}, which asks about images", "omit it")
    if asks and not entry.concept and entry.kind != "flag":
        raise RejectedInput(f"missing concept in the task {quoted(entry.task)}", "name the concept that is asked about")
    return entry.concept


def name_of(text: Any, what: str, longest: int = LONGEST_NAME) -> str:
    """Returns the name of a person or thing; raises RejectedInput if it is empty, too long or not plain text."""
    if not isinstance(text, str) or not text or text != text.strip():
        raise RejectedInput(f"invalid {what} {quoted(text)}", "write a name without spaces around it")
    if len(text) > longest:
        raise RejectedInput(f"{what} of {len(text)} characters", f"use at most {longest}")
    if escaped(text) != text:
        raise RejectedInput(f"{what} with control characters: {quoted(text)}", "use visible characters")
    return text


def rater_name(text: Any, what: str) -> str:
    """Returns the name of an annotator or a round as `name_of` does; raises RejectedInput if it contains a colon.

    A log of an older version may have such names: they can be read, but nothing is added under them.
    """
    if ":" in name_of(text, what):
        raise RejectedInput(f"{what} with a colon: {quoted(text)}", "omit it: a colon joins round and annotator")
    return str(text)


def checked_note(text: Any) -> str:
    """Returns a note, which may have several lines; raises RejectedInput if it is too long or not plain text."""
    if not isinstance(text, str):
        raise RejectedInput(f"invalid note {excerpt(text)}", "write a text")
    if len(text) > LONGEST_NOTE:
        raise RejectedInput(f"note of {len(text):,} characters", f"use at most {LONGEST_NOTE:,}")
    plain = text.replace("\r\n", "\n").strip()
    if any(escaped(line) != line for line in plain.replace("\t", " ").split("\n")):
        raise RejectedInput("note with control characters", "use visible characters")
    return plain


def checked_batch(batch: Any) -> str:
    """Returns the name of a batch; raises RejectedInput if it is not 1 to 64 letters, digits, `-` or `_`."""
    if not isinstance(batch, str) or not _BATCH.fullmatch(batch):
        raise RejectedInput(f"invalid batch {quoted(batch)}", "use 1 to 64 letters, digits, - and _")
    return batch
