"""Differences between two releases: images added and removed, splits and ids changed, labels changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from roco.base.schema import types
from roco.release.read import Release

COMPARED = ("caption", "license", "modality", "modality_from", "region", "direction", "concepts", "concepts_manual")
"""The columns whose changes are reported."""

_KEYS = ("id", "split", "image_key", "article_key", "file", "figure_id")
_UNKNOWN = ("unknown", "neither tombstones.csv nor removed.parquet of the new release has a reason")

Row = Mapping[str, Any]
Reason = tuple[str, str]  # reason, detail


class Added(NamedTuple):
    """An image that only the new release has."""

    id: str
    split: str
    article: str


class Removed(NamedTuple):
    """An image that only the old release has, and the reason that the new release states."""

    id: str
    split: str
    article: str
    reason: str
    detail: str


class Moved(NamedTuple):
    """An image whose split or id changed, or an id whose article changed."""

    id: str
    old: str
    new: str


class Changed(NamedTuple):
    """A label of an image in both releases that changed, or its bytes (column `image_key`)."""

    id: str
    column: str
    old: Any
    new: Any


class Difference(NamedTuple):
    """The differences, each list sorted by id; images: number of images in `old`, `new` and `both`.

    moved_splits: images with another split; renamed: images with another id; reused: ids of another article's image.
    """

    images: dict[str, int]
    added: list[Added]
    removed: list[Removed]
    moved_splits: list[Moved]
    renamed: list[Moved]
    reused: list[Moved]
    changed: list[Changed]


def diff(old: str | Path, new: str | Path) -> Difference:
    """Compares two releases image by image; raises DataError if one cannot be read.

    An image is in both releases if its id has the same article in both. Images whose id changed are matched by article
    and bytes (image_key).
    """
    new_release = Release.open(new)
    old_rows, new_rows = _rows_by_id(Release.open(old)), _rows_by_id(new_release)
    new_id = _match(old_rows, new_rows)  # of each old image that is in both
    reasons = _reasons(new_release)

    matched = set(new_id.values())
    added = [Added(id, row["split"], row["article_key"] or "") for id, row in new_rows.items() if id not in matched]
    removed = [_removed(row, reasons) for id, row in old_rows.items() if id not in new_id]

    moved_splits: list[Moved] = []
    renamed: list[Moved] = []
    changed: list[Changed] = []
    for old_id, id in new_id.items():
        before, after = old_rows[old_id], new_rows[id]
        if before["split"] != after["split"]:
            moved_splits.append(Moved(id, before["split"], after["split"]))
        if old_id != id:
            renamed.append(Moved(id, old_id, id))
        changed.extend(_changes(before, after))

    reused = []
    for id in sorted(old_rows.keys() & new_rows.keys()):
        if new_id.get(id) != id:
            reused.append(Moved(id, old_rows[id]["article_key"] or "", new_rows[id]["article_key"] or ""))

    images = {"old": len(old_rows), "new": len(new_rows), "both": len(new_id)}
    return Difference(images, added, removed, moved_splits, renamed, reused, changed)


def _rows_by_id(release: Release) -> dict[str, Row]:
    """Returns the compared columns of each image, sorted by id; columns that the release lacks are null."""
    columns = [name for name in (*_KEYS, *COMPARED) if name in release.columns]
    blank = dict.fromkeys((*_KEYS, *COMPARED))
    rows = sorted(release.table(columns=columns).to_pylist(), key=lambda row: str(row["id"]))
    return {row["id"]: {**blank, **row} for row in rows}


def _match(old: Mapping[str, Row], new: Mapping[str, Row]) -> dict[str, str]:
    """Returns the new id of each old image that is in both releases."""
    same_id: dict[str, str] = {}
    for id, row in old.items():
        if id in new and new[id]["article_key"] == row["article_key"]:
            same_id[id] = id

    # The others are matched by article and bytes; of equal images each is matched once.
    unmatched: dict[str, list[str]] = {}
    for id, row in new.items():
        if id not in same_id and row["image_key"]:
            unmatched.setdefault(row["image_key"], []).append(id)
    other_id: dict[str, str] = {}
    for id, row in old.items():
        candidates = unmatched.get(row["image_key"] or "")
        if id not in same_id and candidates:
            other_id[id] = candidates.pop(0)
    return same_id | other_id


def _changes(old: Row, new: Row) -> Iterator[Changed]:
    for name in ("image_key", *COMPARED):
        # An empty list or text and null are the same: no label.
        if (old[name] or None) != (new[name] or None):
            yield Changed(new["id"], name, old[name], new[name])


def _removed(row: Row, reasons: Mapping[Any, Reason]) -> Removed:
    keys = (("id", row["id"]), row["image_key"], (row["article_key"], row["file"]), row["figure_id"])
    reason, detail = _UNKNOWN
    for key in keys:
        if key and key in reasons:
            reason, detail = reasons[key]
            break
    return Removed(row["id"], row["split"], row["article_key"] or "", reason, detail)


def _reasons(release: Release) -> dict[Any, Reason]:
    """Returns why images are not in a release: by id from tombstones.csv, by other keys from removed.parquet."""
    reasons: dict[Any, Reason] = {}
    columns = types("image_key", "article_key", "file", "figure_id", "drop", "drop_detail")
    for row in release.dropped_rows(columns):
        for key in (row["image_key"], (row["article_key"], row["file"]), row["figure_id"]):
            if key:
                reasons.setdefault(key, (row["drop"] or "", row["drop_detail"] or ""))
    for id, *_, reason, detail in release.tombstones():
        reasons["id", id] = (reason, detail)
    return reasons
