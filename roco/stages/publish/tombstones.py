"""The rows of tombstones.csv: the ids that are retired, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from roco.release.previous import PreviousRelease, ReleasedImage, Tombstone

_WITHDRAWN = ("superseded", "no longer in the source")
_OF_ARTICLES = ("article", "retracted", "license")
"""Reasons for which all figures of an article are dropped."""

Reason = tuple[str, str]  # reason, detail


def tombstone_rows(
    previous: PreviousRelease | None, rows: Sequence[Mapping[str, Any]], dropped: Iterable[Mapping[str, Any]]
) -> Iterator[Sequence[str]]:
    """Yields the cells of tombstones.csv by id: the previous tombstones, and images no longer in any row.

    rows: id of each image of the new release; dropped: article_key, image_key, file, figure_id, drop and drop_detail of
    the dropped figures. Figures that were dropped before their image was read are matched by article and file.
    """
    if previous is None:
        return
    in_use = {row["id"] for row in rows}
    reasons = _reasons(dropped)
    retired: dict[str, Tombstone] = {}
    for id, tombstone in previous.tombstones.items():
        if id not in in_use:
            retired[id] = tombstone
    for id, image in previous.images.items():
        if id not in in_use:
            retired[id] = _tombstone(image, reasons)
    for id in sorted(retired):
        yield list(retired[id])


def _reasons(dropped: Iterable[Mapping[str, Any]]) -> dict[Any, Reason]:
    """Returns the reason of each dropped figure by each of its keys; the first figure with a key counts."""
    reasons: dict[Any, Reason] = {}
    for row in dropped:
        reason = (row["drop"], row["drop_detail"] or "")
        for key in (row["image_key"], (row["article_key"], row["file"]), row["figure_id"]):
            if key:
                reasons.setdefault(key, reason)
        if row["drop"] in _OF_ARTICLES:
            reasons.setdefault(("article", row["article_key"]), reason)
    return reasons


def _tombstone(image: ReleasedImage, reasons: Mapping[Any, Reason]) -> Tombstone:
    keys = (image.image_key, (image.article_key, image.file), image.figure_id, ("article", image.article_key))
    for key in keys:
        if key in reasons:
            return Tombstone(*image, *reasons[key])
    return Tombstone(*image, *_WITHDRAWN)
