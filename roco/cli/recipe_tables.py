"""What `roco check` prints: the stages of a recipe with the options that differ from their defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from roco.cli.tables import console, print_table, table

if TYPE_CHECKING:
    from roco.core.stage import Stage
    from roco.recipes.load import Recipe


def print_stages(recipe: Recipe) -> None:
    """Prints one line for each stage; options from an [[override]] are marked."""
    rows = []
    for step in recipe.pipeline.steps:
        options = []
        for name, value in _changed(step.stage).items():
            mark = " (override)" if f"{step.name}.{name}" in recipe.overridden else ""
            shown = ", ".join(value) if isinstance(value, Mapping) else value
            options.append(f"{name} = {shown}{mark}")
        rows.append({"name": step.name, "kind": step.kind, "options": ", ".join(options)})
    print_table(console(), table(rows, {"name": "stage", "kind": "kind", "options": "options"}))


def _changed(stage: Stage) -> dict[str, Any]:
    """Returns the options that differ from their defaults, as plain values."""
    changed = {}
    for field in dataclasses.fields(stage):
        if field.name in stage.options and getattr(stage, field.name) != field.default:
            changed[field.name] = stage.options[field.name]
    return changed
