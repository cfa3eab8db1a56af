"""What changed from one release to the next: images that came and went, labels that changed, splits that moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from roco.base.errors import DataError
from roco.base.limits import UNREADABLE, csv_rows, parquet_rows
from roco.base.schema import types
from roco.base.tables import TOMBSTONE_COLUMNS
from roco.release.read import REMOVED, TOMBSTONES, load

COMPARED = ("caption", "license", "modality", "modality_from", "region", "direction", "concepts", "concepts_manual")
"""The columns whose changes are told."""
_IDENTITY = ("id", "split", "image_key", "article_key", "file", "figure_id")
_UNTOLD = ("untold", "neither tombstones.csv nor removed.parquet of the new release says why")


class Came(NamedTuple):
    """An image that only the new release has."""

    id: str
    split: str
    article: str


class Went(NamedTuple):
    """An image that only the old release has, and why the new one has it no more."""

    id: str
    split: str
    article: str
    reason: str
    detail: str


class Moved(NamedTuple):
    """An image that both have, in another split or under another id."""

    id: str
    was: str
    now: str


class Changed(NamedTuple):
    """A label, or the bytes (column `image_key`), of an image that both have."""

    id: str
    column: str
    was: Any
    now: Any


class Difference(NamedTuple):
    """images: how many each release has, and how many are in both; the rest is sorted by id.

    moved: other split; renamed: other id; reused: ids that stand for an image of another article now.
    """

    images: dict[str, int]
    came: list[Came]
    went: list[Went]
    moved: list[Moved]
    renamed: list[Moved]
    reused: list[Moved]
    changed: list[Changed]


def diff(old: str | Path, new: str | Path) -> Difference:
    """Compares two releases image by image; raises DataError where one cannot be read.

    An image is the same under the same id of the same article; failing that, by article and bytes (image_key).
    """
    before, after = _images(old), _images(new)
    pairs = dict(_pairs(before, after))
    found = set(pairs.values())
    why = _reasons(Path(new))
    came = [Came(id, r["split"], r["article_key"] or "") for id, r in after.items() if id not in found]
    went = [_went(row, why) for id, row in before.items() if id not in pairs]
    both = [(before[was], after[now]) for was, now in pairs.items()]
    reused = [
        Moved(id, before[id]["article_key"] or "", after[id]["article_key"] or "")
        for id in sorted(before.keys() & after.keys())
        if pairs.get(id) != id
    ]
    return Difference(
        images={"old": len(before), "new": len(after), "both": len(pairs)},
        came=came,
        went=went,
        moved=[Moved(n["id"], o["split"], n["split"]) for o, n in both if o["split"] != n["split"]],
        renamed=[Moved(n["id"], o["id"], n["id"]) for o, n in both if o["id"] != n["id"]],
        reused=reused,
        changed=[change for o, n in both for change in _changes(o, n)],
    )


def _images(path: str | Path) -> dict[str, dict[str, Any]]:
    table = load(path)
    there = [name for name in (*_IDENTITY, *COMPARED) if name in table.column_names]
    blank = dict.fromkeys((*_IDENTITY, *COMPARED))
    rows = ({**blank, **row} for row in table.select(there).to_pylist())
    return {row["id"]: row for row in sorted(rows, key=lambda row: str(row["id"]))}


def _pairs(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    """Old and new id of each image that both have."""
    taken = set()
    for id, row in before.items():
        if id in after and after[id]["article_key"] == row["article_key"]:
            taken.add(id)
            yield id, id
    free: dict[str, list[str]] = {}
    for id, row in after.items():
        if id not in taken and row["image_key"]:
            free.setdefault(row["image_key"], []).append(id)
    for id, row in before.items():
        if id not in taken and free.get(row["image_key"] or ""):
            yield id, free[row["image_key"]].pop(0)


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Changed]:
    for name in ("image_key", *COMPARED):
        if (old[name] or None) != (new[name] or None):
            yield Changed(new["id"], name, old[name], new[name])


def _went(row: Mapping[str, Any], why: Mapping[Any, tuple[str, str]]) -> Went:
    keys = (("id", row["id"]), row["image_key"], (row["article_key"], row["file"]), row["figure_id"])
    reason, detail = next((why[key] for key in keys if key and key in why), _UNTOLD)
    return Went(row["id"], row["split"], row["article_key"] or "", reason, detail)


def _reasons(new: Path) -> dict[Any, tuple[str, str]]:
    """Why images are not in a release: by ids of tombstones first, then by what removed.parquet knows them by."""
    found: dict[Any, tuple[str, str]] = {}
    try:
        if (new / "removed.parquet").is_file():
            known = types(*(name for name in REMOVED if name != "stage"))
            for row in parquet_rows(new / "removed.parquet", known):
                for key in (row["image_key"], (row["article_key"], row["file"]), row["figure_id"]):
                    if key:
                        found.setdefault(key, (row["drop"] or "", row["drop_detail"] or ""))
        if (new / TOMBSTONES).is_file():
            for line in csv_rows(new / TOMBSTONES, TOMBSTONE_COLUMNS):
                if line.cells:
                    found["id", line.cells[0]] = (line.cells[6], line.cells[7])
    except UNREADABLE as err:
        raise DataError(f"{new} cannot be read: {err}", f"roco verify {new} says more") from err
    return found
