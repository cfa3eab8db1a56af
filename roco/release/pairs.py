"""Pairs the images of two releases: the same image may have another id in each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Row = Mapping[str, Any]
Identity = Callable[[Row], Any]

PAIRED_BY = ("id", "image_key", "sha256", "article_key", "file", "figure_id")
"""The columns that identify an image."""


def paired_ids(old: Mapping[str, Row], new: Mapping[str, Row]) -> dict[str, str]:
    """Returns the new id of each old image that is in both releases; old, new: the columns PAIRED_BY of images by id.

    Images are paired by article and bytes, then by article and file name, and last by id and article. Where an image
    paired by the first two has another id, ids were assigned anew: then they identify only images for which one of
    the releases has neither bytes nor a file name.
    """
    new_id: dict[str, str] = {}
    _pair(old, new, _image_key, new_id)
    _pair(old, new, _article_and_file, new_id)
    are_stable = all(id == old_id for old_id, id in new_id.items())
    for id in (old.keys() & new.keys()) - new_id.keys() - set(new_id.values()):
        if _may_be_same(old[id], new[id], are_stable):
            new_id[id] = id
    return new_id


def identities(row: Row) -> Iterator[tuple[str, Any]]:
    """Yields what identifies an image, most reliable first; article, bytes, file or figure may be unknown."""
    for name, identity in _IDENTITIES.items():
        value = identity(row)
        if value:
            yield name, value


def _image_key(row: Row) -> Any:
    return row["image_key"]


def _article_and_file(row: Row) -> Any:
    return (row["article_key"], row["file"]) if row["article_key"] and row["file"] else None


def _figure(row: Row) -> Any:
    return row["figure_id"]


def _article_and_id(row: Row) -> Any:
    return (row["article_key"], row["id"]) if row.get("id") else None


_IDENTITIES: Mapping[str, Identity] = {
    "image": _image_key,
    "file": _article_and_file,
    "figure": _figure,
    "id": _article_and_id,
}


def _pair(old: Mapping[str, Row], new: Mapping[str, Row], identity: Identity, new_id: dict[str, str]) -> None:
    """Adds the pairs of images that have one identity; each image is paired once."""
    taken = set(new_id.values())
    free: defaultdict[Any, list[str]] = defaultdict(list)
    for id, row in new.items():
        if id not in taken and identity(row):
            free[identity(row)].append(id)

    # Of equal images, those with the same id are paired first, then those of the same figure, then any.
    for is_same in (_has_same_id, _has_same_figure, _is_any):
        for old_id, row in old.items():
            candidates = free.get(identity(row), []) if old_id not in new_id else []
            for id in candidates:
                if is_same(row, new[id]):
                    new_id[old_id] = id
                    candidates.remove(id)
                    break


def _has_same_id(old: Row, new: Row) -> bool:
    return bool(old["id"] == new["id"])


def _has_same_figure(old: Row, new: Row) -> bool:
    return bool(old["figure_id"] == new["figure_id"])


def _is_any(old: Row, new: Row) -> bool:
    return True


def _may_be_same(old: Row, new: Row, are_stable: bool) -> bool:
    """Returns whether two images with the same id can be the same image: of one article, or with the same bytes."""
    if old["sha256"] and old["sha256"] == new["sha256"]:
        return True
    is_known = all(row["image_key"] and row["file"] for row in (old, new))
    return bool(old["article_key"] == new["article_key"]) and (are_stable or not is_known)
