"""Differences between two releases: images added and removed, splits and ids changed, labels changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from roco.base.schema import types
from roco.release.format import DROPPED, TOMBSTONES
from roco.release.pairs import PAIRED_BY, Row, identities, paired_ids
from roco.release.previous import Tombstone
from roco.release.read import Release

COMPARED = ("caption", "license", "modality", "modality_from", "region", "direction", "concepts", "concepts_manual")
"""The columns whose changes are reported."""

_KEYS = ("split", *PAIRED_BY)
_UNKNOWN = ("unknown", "neither tombstones.csv nor removed.parquet of the new release has a reason")

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

    `roco.release.pairs` describes which images are the same image: ids may have been assigned anew.
    """
    old_release, new_release = Release.open(old), Release.open(new)
    old_rows, new_rows = _rows_by_id(old_release), _rows_by_id(new_release)
    new_id = paired_ids(old_rows, new_rows)  # of each old image that is in both
    reasons = _reasons(new_release)
    # The published ROCOv2 lacks most columns: what only one of the releases records has not changed.
    compared = [name for name in COMPARED if name in old_release.columns and name in new_release.columns]

    matched = set(new_id.values())
    added = [Added(id, row["split"], row["article_key"] or "") for id, row in new_rows.items() if id not in matched]
    removed = [_removed(row, reasons) for id, row in old_rows.items() if id not in new_id]

    moved_splits: list[Moved] = []
    renamed: list[Moved] = []
    changed: list[Changed] = []
    for old_id, id in sorted(new_id.items(), key=lambda pair: pair[1]):
        before, after = old_rows[old_id], new_rows[id]
        if before["split"] != after["split"]:
            moved_splits.append(Moved(id, before["split"], after["split"]))
        if old_id != id:
            renamed.append(Moved(id, old_id, id))
        changed.extend(_changes(before, after, compared))

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


def _changes(old: Row, new: Row, compared: Sequence[str]) -> Iterator[Changed]:
    if old["image_key"] and new["image_key"] and old["image_key"] != new["image_key"]:
        yield Changed(new["id"], "image_key", old["image_key"], new["image_key"])
    for name in compared:
        # An empty list or text and null are the same: no label.
        if (old[name] or None) != (new[name] or None):
            yield Changed(new["id"], name, old[name], new[name])


def _removed(row: Row, reasons: Mapping[Any, Reason]) -> Removed:
    reason, detail = next((reasons[key] for key in _reason_keys(row) if key in reasons), _UNKNOWN)
    return Removed(row["id"], row["split"], row["article_key"] or "", reason, detail)


def _reasons(release: Release) -> dict[Any, Reason]:
    """Returns why images are not in a release, by table and identity: of two images with one identity, the first."""
    reasons: dict[Any, Reason] = {}
    for cells in release.tombstones():
        tombstone = Tombstone(*cells)
        for identity in identities(tombstone._asdict()):
            reasons.setdefault((TOMBSTONES, identity), (tombstone.reason, tombstone.detail))
    columns = types("image_key", "article_key", "file", "figure_id", "drop", "drop_detail")
    for row in release.dropped_rows(columns):
        for identity in identities(row):
            reasons.setdefault((DROPPED, identity), (row["drop"] or "", row["drop_detail"] or ""))
    return reasons


def _reason_keys(row: Row) -> Iterator[Any]:
    """Yields the keys under which the reason of an image may be listed: tombstones.csv precedes removed.parquet."""
    for table in (TOMBSTONES, DROPPED):
        for identity in identities(row):
            yield table, identity
