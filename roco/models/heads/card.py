"""The card of a head: its classes, what it reads, what it was trained on, and how good it is."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roco.base.errors import DataError, RecipeError, nearest
from roco.base.json_text import parse_json

MOST_BYTES = 8 << 20
"""A larger card is refused."""


@dataclass(frozen=True)
class Card:
    """What the JSON file beside a head says.

    task: the name of the head, which is part of its columns. classes: in the order of the probabilities; of two, the
    score is the probability of the second. license: empty if nobody stated one. blocks: what it reads
    (`features.BLOCKS`). backbone: name and SHA-256 of the backbone whose embeddings it reads; empty if it reads none.
    reasons: class -> [reason, meaning], for figures that a filter drops because they are not of that class. ensures:
    class -> what is true of kept figures (a name of `base.guarantees`). recall: class -> pairs of recall and threshold,
    by cross-validation. measured, trained_on: for readers.
    """

    task: str
    classes: tuple[str, ...]
    blocks: tuple[str, ...]
    sha256: str
    license: str = ""
    backbone: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    ensures: Mapping[str, str] = field(default_factory=dict)
    recall: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)
    trained_on: Mapping[str, Any] = field(default_factory=dict)

    def threshold(self, label: str, recall: float) -> float:
        """Returns the probability from which `recall` of the images of a class were found in cross-validation."""
        curve = self.recall.get(label)
        if not curve:
            known = ", ".join(self.recall) or "none"
            raise RecipeError(
                f"head '{self.task}' has no measured recall of '{label}'",
                f"set at_least instead; classes with a measured recall: {known}",
            )
        reached = [threshold for found, threshold in curve if found >= recall]
        if not reached:
            raise RecipeError(
                f"recall = {recall} is more than head '{self.task}' was measured for",
                f"use at most {max(found for found, _ in curve)}, or set at_least",
            )
        return max(reached)

    def index(self, label: str) -> int:
        if label not in self.classes:
            raise RecipeError(f"head '{self.task}' has no class '{label}'", nearest(label, self.classes))
        return self.classes.index(label)


def read(path: Path) -> Card:
    """Reads and checks a card; raises DataError."""
    if not path.is_file():
        raise DataError(
            f"missing card of the head: {path}", "a head is a file NAME.npz with its card NAME.json beside it"
        )
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("too large")
        values = parse_json(path.read_text(encoding="utf-8"))
        classes = values["classes"]
        if not isinstance(classes, list) or len(set(classes)) != len(classes) or len(classes) < 2:
            raise ValueError("no list of two or more different classes")
        return Card(
            task=_name(values["task"]),
            classes=tuple(_name(label) for label in classes),
            blocks=tuple(_name(block) for block in values["blocks"]),
            sha256=str(values["sha256"]),
            license=str(values.get("license", "")),
            backbone={str(k): str(v) for k, v in values.get("backbone", {}).items()},
            reasons={str(k): (_name(v[0]), str(v[1])) for k, v in values.get("reasons", {}).items()},
            ensures={str(k): str(v) for k, v in values.get("ensures", {}).items()},
            recall={
                str(k): tuple((float(found), float(threshold)) for found, threshold in v)
                for k, v in values.get("recall", {}).items()
            },
            measured=dict(values.get("measured", {})),
            trained_on=dict(values.get("trained_on", {})),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as err:
        raise DataError(f"invalid card of a head: {path}", "make it again with `roco fit`") from err


def to_json(card: Card) -> str:
    """Returns the text of a card's file: keys in a fixed order, so that equal cards have equal bytes."""
    return json.dumps(dataclasses.asdict(card), indent=1, ensure_ascii=False) + "\n"


def is_name(value: Any) -> bool:
    """Returns whether a card may use a value as the name of a task, class or reason."""
    return isinstance(value, str) and value.replace("_", "").replace("-", "").isalnum() and len(value) <= 60


def _name(value: Any) -> str:
    if not is_name(value):
        raise ValueError(f"invalid name {value!r}")
    return str(value)
