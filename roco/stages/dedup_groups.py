"""Collects the groups of duplicates and near-duplicates of a run, for review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import DataError, RecipeError
from roco.core.run import Run
from roco.core.stage import put
from roco.models.images.hamming import hex_distance

_FACTS = ("image_key", "width", "height", "phash", "phash_fine")


class GroupImage(TypedDict):
    """One image of a group; bits: how many bits of phash and phash_fine differ from the first image of the group."""

    figure_id: str
    part: str
    archive: str
    group: str
    width: int
    height: int
    kept: bool
    bits: list[int | None]  # None if one of the two images has no hashes


def duplicates(run: Run, kind: str = "duplicate") -> list[list[GroupImage]]:
    """Returns the images of each group, sorted by distance from the first one, which gives the group its name.

    kind: duplicate (one image of a group is kept) or similar (all are kept). Raises RecipeError if no stage of the
    recipe groups images, DataError if the run has not compared them yet.
    """
    column = f"{kind}_group"
    step = next((step for step in run.pipeline.table_steps if column in step.writes), None)
    if step is None:
        raise RecipeError(f"no stage of this recipe writes {column}", "add the stage 'dedup'")
    if not run.files.table_decisions(step).exists():
        hint = f"run the recipe up to the stage '{step.name}': roco run RECIPE"
        raise DataError(f"the images of {run.files.root} have not been compared yet", hint)
    rows = run.figures([column, *_FACTS], where=pc.field(column).is_valid())
    earlier = [other.name for other in run.pipeline.steps[: run.pipeline.steps.index(step)]]
    rows = rows.filter(pc.invert(pc.is_in(rows["stage"], value_set=pa.array(earlier, pa.string()))))
    rows = put(rows, "group", rows[column])
    # A duplicate is dropped by this stage; what later stages drop was kept as far as duplicates are concerned.
    rows = put(rows, "kept", pc.invert(pc.fill_null(pc.equal(rows["stage"], step.name), False)))

    by_name: dict[str, list[dict[str, Any]]] = {}
    for row in rows.to_pylist():
        by_name.setdefault(row["group"], []).append(row)
    return [_sorted_by_distance(by_name[name]) for name in sorted(by_name)]


def _sorted_by_distance(rows: Sequence[dict[str, Any]]) -> list[GroupImage]:
    # A group is named after the image_key of its first image. Copies within one article have the same image_key; the
    # kept one comes first.
    first = min(rows, key=lambda row: (row["image_key"] != row["group"], not row["kept"], row["figure_id"]))
    images = []
    for row in rows:
        bits = [_different_bits(first[name], row[name]) for name in ("phash", "phash_fine")]
        image = GroupImage(
            figure_id=row["figure_id"],
            part=row["part"],
            archive=row["archive"],
            group=row["group"],
            width=row["width"],
            height=row["height"],
            kept=row["kept"],
            bits=bits,
        )
        images.append((row is not first, bits[1] or 0, row["figure_id"], image))
    return [image for *_, image in sorted(images, key=lambda entry: entry[:3])]


def _different_bits(one: str | None, other: str | None) -> int | None:
    return hex_distance(one, other) if one and other else None
