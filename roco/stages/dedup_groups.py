"""Collects the groups of duplicates and near-duplicates of a run, for review."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

import pyarrow.compute as pc

from roco.base.errors import CorruptFile, DataError, RecipeError
from roco.base.files import read_table
from roco.core import pack, parts
from roco.core.figures import Figures
from roco.core.layout import Layout
from roco.core.pipeline import Pipeline
from roco.core.rows import align
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


def groups(pipeline: Pipeline, folder: Path, kind: str = "duplicate") -> list[list[GroupImage]]:
    """Returns the images of each group, sorted by distance from the first one, which gives the group its name.

    kind: duplicate (one image of a group is kept) or similar (all are kept). Raises RecipeError if no stage of the
    recipe groups images, DataError if the run has not compared them yet.
    """
    column = f"{kind}_group"
    step = next((step for step in pipeline.table_steps if column in step.writes), None)
    if step is None:
        raise RecipeError(f"no stage of this recipe writes {column}", "add the stage 'dedup'")
    layout = Layout(folder)
    try:
        decided, _ = read_table(layout.table(pipeline, step), ["figure_id", column, "drop"])
    except (FileNotFoundError, CorruptFile) as err:
        hint = f"run the recipe up to the stage '{step.name}': roco run RECIPE"
        raise DataError(f"the images of {folder} have not been compared yet", hint) from err
    decided = decided.filter(decided[column].is_valid())
    figures = Figures(pipeline, layout, parts.read(layout.parts))
    rows = figures.now.filter(pc.is_in(figures.now["figure_id"], decided["figure_id"].combine_chunks()))
    decided = align(rows["figure_id"], decided)
    rows = figures.gather(rows, _FACTS)
    rows = put(rows, "group", decided[column])
    rows = put(rows, "kept", pc.is_null(decided["drop"]))

    by_name: dict[str, list[dict[str, Any]]] = {}
    for row in rows.to_pylist():
        by_name.setdefault(row["group"], []).append(row)
    return [_sorted_by_distance(by_name[name]) for name in sorted(by_name)]


def thumbnails(folder: Path, images: Sequence[GroupImage]) -> list[bytes | None]:
    """Returns the thumbnail of each image, None for those without one."""
    layout = Layout(folder)
    return [pack.read_thumbnail(layout.pack(image["part"]), image["figure_id"]) for image in images]


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
