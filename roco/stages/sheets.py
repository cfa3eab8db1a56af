"""Draws contact sheets of the figures of a run: dropped figures by reason, duplicates by group, flagged by check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.base.errors import DataError, RejectedInput
from roco.core.run import Run
from roco.models.images.contact_sheet import Group, Picture, contact_sheet
from roco.models.images.decode import decode, thumbnail
from roco.stages.dedup_groups import GroupImage
from roco.stages.screen import CHECKS
from roco.stages.screened import facts

LONGEST_CAPTION = 240
"""Characters of a caption below an image."""


def dropped_sheet(run: Run, rows: pa.Table, path: Path) -> None:
    """Draws dropped figures, grouped by stage and reason in the order of the recipe.

    rows: as `Run.dropped` returns them, with `caption` and `file` if the run has them.
    """
    by_reason: dict[tuple[str, str], list[Picture]] = {}
    for row in rows.to_pylist():
        lines = [row["figure_id"], row["drop_detail"] or "", _beginning(row.get("caption") or "")]
        picture = Picture(_thumbnail(run, row), [line for line in lines if line], kept=False)
        by_reason.setdefault((row["stage"], row["drop"]), []).append(picture)
    order = [step.name for step in run.pipeline.steps]
    groups = []
    for stage, reason in sorted(by_reason, key=lambda pair: (order.index(pair[0]), pair[1])):
        pictures = by_reason[stage, reason]
        groups.append(Group(f"{stage}: {reason} ({len(pictures):,})", pictures))
    contact_sheet(groups, path)


def duplicates_sheet(run: Run, groups: Sequence[Sequence[GroupImage]], path: Path) -> None:
    """Draws groups of duplicates or near-duplicates, as `duplicates` returns them."""
    drawn = []
    for group in groups:
        pictures = [Picture(run.thumbnail(image), image_facts(image), image["kept"]) for image in group]
        drawn.append(Group(f"{len(group)} images", pictures))
    contact_sheet(drawn, path)


def flagged_sheet(run: Run, rows: pa.Table, path: Path) -> None:
    """Draws figures that `screen` flags, grouped by check; a figure that several checks flag is in several groups.

    rows: as `screened.flagged` returns them.
    """
    groups = []
    figures = rows.to_pylist()
    for check, (_, reason) in CHECKS.items():
        pictures = []
        for row in figures:
            if check in row["screening"]:
                lines = [row["figure_id"], facts(row, check), _beginning(row.get("caption") or "")]
                pictures.append(Picture(_thumbnail(run, row), lines, kept=row["drop"] is None))
        if pictures:
            groups.append(Group(f"{check}: {reason.meaning} ({len(pictures):,})", pictures))
    contact_sheet(groups, path)


def image_facts(image: GroupImage) -> list[str]:
    """Returns figure_id, size, state and distance of an image; the distance is that from the first of its group."""
    coarse, fine = image["bits"]
    distance = "compared by its bytes" if fine is None else f"differs in {coarse} of 64 and {fine} of 576 bits"
    state = "kept" if image["kept"] else "dropped"
    return [image["figure_id"], f"{image['width']} x {image['height']}", state, distance]


def _thumbnail(run: Run, row: Mapping[str, Any]) -> bytes | None:
    """Returns the thumbnail of a figure from the run, else from its image in the source; None if it has no image."""
    stored = run.thumbnail(row)
    if stored is not None or not row.get("file"):
        return stored
    try:
        return thumbnail(decode(run.image(row)))
    except (DataError, RejectedInput):
        return None


def _beginning(caption: str) -> str:
    return caption if len(caption) <= LONGEST_CAPTION else f"{caption[:LONGEST_CAPTION].rstrip()} …"
