"""What card and datasheet may state about all images of a release, given the stages of its recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from roco.base.guarantees import not_filtered_note
from roco.base.licenses import LICENSES
from roco.core.spec import find
from roco.stages.filter import Filter
from roco.stages.license import License


def guarantees(recipe: Mapping[str, Any]) -> frozenset[str]:
    """Returns what the stages of a recipe guarantee of every image; recipe: as `Finished` has it."""
    return frozenset(guarantee for stage in recipe["stages"] for guarantee in stage["ensures"])


def included(rows: Sequence[Mapping[str, Any]], recipe: Mapping[str, Any]) -> str:
    """Returns what the release contains because no stage drops it, or because filters keep the images of a dataset."""
    note = not_filtered_note(guarantees(recipe)) or "Every filter that roco knows was applied."
    of_dataset = sum(row.get("given_id") is not None for row in rows)
    filters = [stage for stage in recipe["stages"] if issubclass(find(stage["use"]), Filter)]
    passed = [f"`{stage['name']}`" for stage in filters if stage["options"]["given"] == "keep"]
    if not of_dataset or not passed:
        return note
    return (
        f"{note} Not applied to the images of existing datasets ({of_dataset:,} in the release): {', '.join(passed)}."
    )


def allowed_licenses(recipe: Mapping[str, Any]) -> list[str]:
    """Returns the licences that every stage `license` of a recipe allows, empty if it has no such stage."""
    lists = [stage["options"]["allow"] for stage in recipe["stages"] if issubclass(find(stage["use"]), License)]
    return [name for name in LICENSES if lists and all(name in allowed for allowed in lists)]
