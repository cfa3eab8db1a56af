"""Writes a fitted head: its arrays and its card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from roco.base.files import whole
from roco.baselines.examples import Examples
from roco.baselines.fit import Fitted
from roco.baselines.folds import By
from roco.baselines.report import measured, recall_curves
from roco.models.heads import head
from roco.models.heads.card import Card, to_json


def save(
    path: Path,
    task: str,
    classes: Sequence[str],
    fitted: Fitted,
    examples: Examples,
    *,
    by: By = "source",
    other: Fitted | None = None,
    backbone: Mapping[str, str] | None = None,
    reasons: Mapping[str, tuple[str, str]] | None = None,
    ensures: Mapping[str, str] | None = None,
    trained_on: Mapping[str, Any] | None = None,
    license: str = "",
) -> Card:
    """Writes NAME.npz and NAME.json; returns the card.

    by: how the folds of `fitted` were made; thresholds for a recall come from them. other: a second fit of the same
    examples with folds by group, whose numbers the card has, too.
    """
    sha256 = head.save(path, fitted.parts, fitted.weights, fitted.bias)
    numbers = {f"by {by}": measured(examples, fitted.held_out, classes)}
    if other is not None:
        numbers["by group"] = measured(examples, other.held_out, classes)
    card = Card(
        task=task,
        classes=tuple(classes),
        blocks=tuple(dict.fromkeys(block for part in fitted.parts for block in part.blocks)),
        sha256=sha256,
        license=license,
        backbone=backbone or {},
        reasons=reasons or {},
        ensures=ensures or {},
        recall={k: tuple(v) for k, v in recall_curves(examples, fitted.held_out, classes).items()},
        measured=numbers,
        trained_on=trained_on or {},
    )
    with whole(path.with_suffix(".json")) as temporary:
        temporary.write_text(to_json(card), encoding="utf-8")
    return card
