"""The questions that annotators answer: labels, keys, a guideline, when they are asked, and the columns of guesses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from roco.base.errors import RejectedInput, nearest
from roco.base.terminal import quoted

Outcome = Literal["value", "none", "drop"]
"""What a label does: the image receives it, the image receives no label of this task, or the image is dropped."""

RESERVED: Mapping[str, str] = {
    "u": "undo",
    "f": "flag",
    "n": "note",
    "/": "filter",
    "?": "list the keys",
    " ": "enlarge",
    "+": "zoom in",
    "=": "zoom in",
    "-": "zoom out",
    "i": "invert the image",
    ".": "reset zoom and light",
    "[": "show the previous page",
    "]": "show the next page",
}
"""The keys that the pages use themselves -> what for."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""Pattern of the names of tasks and labels."""
JOINT = "+"
"""Joins the labels of an image that has several: `abdomen+pelvis`."""
MOST_LABELS = 60


@dataclass(frozen=True, kw_only=True)
class Label:
    """One answer: its name in the log, its title and key on the pages, and what it does.

    cui: the manual concept that an image with this label receives; None for combined modalities, and for labels
    without a concept.
    """

    name: str
    title: str
    key: str = ""
    then: Outcome = "value"
    cui: str | None = None


@dataclass(frozen=True, kw_only=True)
class GuessColumns:
    """The columns from which the guess of an image is read; empty where there is none.

    label: the guessed label. probability: from 0 to 1. margin: the probability less that of the next label. source:
    what the guess is based on. disagrees: whether caption and pixels disagree.
    """

    label: str
    probability: str = ""
    margin: str = ""
    source: str = ""
    disagrees: str = ""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """When a task is asked: for images whose label in another task (or guess, if it has none) is one of `labels`."""

    task: str
    labels: tuple[str, ...]

    def holds(self, answer: str | None) -> bool:
        """Returns whether the task is asked; answer: the label of the other task, or else its guess, or None."""
        return answer is not None and any(name in self.labels for name in answer.split(JOINT))


@dataclass(frozen=True, kw_only=True)
class Task:
    """A question about images, as its file describes it.

    kind: the label set of a release that the labels fill (`base.labels.KINDS`); empty for a task of one's own. version:
    the first 12 digits of the SHA-256 of the guideline, stored with every label. several: whether an image may have
    several labels. item: the column with a list of concepts, each of which is asked about; empty if the question is
    about the whole image.
    """

    name: str
    title: str
    question: str
    labels: tuple[Label, ...]
    guideline: str
    version: str
    kind: str = ""
    several: bool = False
    item: str = ""
    guess: GuessColumns | None = None
    asked: Asked | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Returns the names of the labels, in the order of the file."""
        return tuple(label.name for label in self.labels)

    def label(self, name: str) -> Label:
        """Returns the label of a name; raises RejectedInput if the task has none of that name."""
        for label in self.labels:
            if label.name == name:
                return label
        raise RejectedInput(f"{quoted(name)} is not a label of the task '{self.name}'", nearest(name, self.names))

    def parts(self, label: str) -> tuple[Label, ...]:
        """Returns the labels of an answer, which is one label, or several joined by `+` if the task allows it.

        In the order of the task, each once. Raises RejectedInput for unknown labels, for several labels where one is
        allowed, and for a label such as OTHER together with another one.
        """
        named = label.split(JOINT, MOST_LABELS)
        chosen = {name: self.label(name) for name in named}
        if len(named) > 1 and not self.several:
            raise RejectedInput(f"several labels, {quoted(label)}, in the task '{self.name}'", "choose one label")
        alone = next((one.name for one in chosen.values() if one.then != "value"), None)
        if alone and len(chosen) > 1:
            raise RejectedInput(
                f"'{alone}' together with another label in the task '{self.name}'", "choose one of them"
            )
        return tuple(one for one in self.labels if one.name in chosen)

    def is_outdated(self, guideline: str) -> bool:
        """Returns whether a label was made under another version of the guideline; imported ones may have none."""
        return guideline not in ("", self.version)

    def canonical(self, label: str) -> str:
        """Returns an answer with its labels in the order of the task; raises RejectedInput as `parts` does."""
        return JOINT.join(one.name for one in self.parts(label))
