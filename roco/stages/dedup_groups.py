"""The groups of images that a run found to be the same or alike, to be looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from roco.base.errors import CorruptFile, DataError, RecipeError
from roco.base.files import read_table
from roco.core import pack, parts
from roco.core.figures import Figures
from roco.core.layout import Layout
from roco.core.pipeline import Pipeline
from roco.core.rows import align
from roco.core.stage import put

_FACTS = ("image_key", "width", "height", "phash", "phash_fine")


def groups(pipeline: Pipeline, folder: Path, kind: str = "duplicate") -> list[list[dict[str, Any]]]:
    """The images of each group, the one that it is named after first, then by distance from it.

    kind: duplicate (one stays) or similar (all stay). Each image is a dict: figure_id, part, archive, group, width,
    height, kept, and the bits of both hashes in which it differs from the first; null where it has none.
    """
    column = f"{kind}_group"
    step = next((s for s in pipeline.table_steps if column in s.writes), None)
    if step is None:
        raise RecipeError(f"no stage of this recipe groups images that are {kind}", "add the stage  dedup")
    layout = Layout(folder)
    try:
        decided, _ = read_table(layout.table(pipeline, step), ["figure_id", column, "drop"])
    except (FileNotFoundError, CorruptFile) as err:
        hint = f"roco run, with the same recipe, goes on to {step.name}"
        raise DataError(f"the images of {folder} have not been compared yet", hint) from err
    decided = decided.filter(decided[column].is_valid())
    figures = Figures(pipeline, layout, parts.read(layout.parts))
    rows = figures.now.filter(pc.is_in(figures.now["figure_id"], decided["figure_id"].combine_chunks()))
    said = align(rows["figure_id"], decided)
    rows = figures.gather(rows, _FACTS)
    rows = put(put(rows, "group", said[column]), "kept", pc.is_null(said["drop"]))
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows.to_pylist():
        found.setdefault(row["group"], []).append(row)
    return [_by_distance(found[name]) for name in sorted(found)]


def thumbnails(folder: Path, images: Sequence[Mapping[str, Any]]) -> list[bytes | None]:
    """The thumbnails of images of a run, None where there is none; images: figure_id and part."""
    layout = Layout(folder)
    return [pack.read_thumbnail(layout.pack(image["part"]), image["figure_id"]) for image in images]


def _by_distance(group: list[dict[str, Any]]) -> list[dict[str, Any]]:
    # Of several images under the same key, copies in one article, the one that stays is the first.
    first = min(group, key=lambda row: (row["image_key"] != row["group"], not row["kept"], row["figure_id"]))
    for row in group:
        row["bits"] = [_bits(first[name], row[name]) for name in ("phash", "phash_fine")]
    keep = ("figure_id", "part", "archive", "group", "width", "height", "kept", "bits")
    ordered = sorted(group, key=lambda row: (row is not first, row["bits"][1] or 0, row["figure_id"]))
    return [{name: row[name] for name in keep} for row in ordered]


def _bits(one: str | None, other: str | None) -> int | None:
    return (int(one, 16) ^ int(other, 16)).bit_count() if one and other else None
