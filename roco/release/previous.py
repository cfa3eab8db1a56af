"""The previous release: its images, and the ids it has retired."""

from __future__ import annotations

import functools
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from roco.base.errors import DataError, RecipeError
from roco.base.schema import SPLITS, types
from roco.base.terminal import excerpt
from roco.release.format import CHECKSUMS, FIGURES, LICENSES, TOMBSTONES
from roco.release.read import Release

_NUMBER = re.compile(r"[0-9]{1,15}$")


class ReleasedImage(NamedTuple):
    """An image of the previous release: its id and split, and the keys that identify it in the next run."""

    id: str
    split: str
    image_key: str
    article_key: str
    file: str
    figure_id: str


class Tombstone(NamedTuple):
    """An image of an earlier release that was dropped since; its id is retired."""

    id: str
    split: str
    image_key: str
    article_key: str
    file: str
    figure_id: str
    reason: str
    detail: str


class PreviousRelease(NamedTuple):
    """The images of the previous release and the tombstones of all releases before it, each by id."""

    images: dict[str, ReleasedImage]
    tombstones: dict[str, Tombstone]

    @property
    def highest(self) -> Counter[str]:
        """Returns the highest number of an id by split, retired ids included: the next release continues from it."""
        highest: Counter[str] = Counter()
        ids = [(image.id, image.split) for image in self.images.values()]
        ids += [(tombstone.id, tombstone.split) for tombstone in self.tombstones.values()]
        for id, split in ids:
            number = _NUMBER.search(id)
            if number:
                highest[split] = max(highest[split], int(number[0]))
        return highest


def content_files(path: Path | None) -> tuple[Path, ...]:
    """Returns the file whose content identifies a release, for the digest of a stage; none without a release.

    Raises RecipeError if the folder is not a release.
    """
    if path is None:
        return ()
    if not path.exists():
        raise RecipeError(f"no such release: {path}", "check the path (relative to the recipe)")
    for name in (CHECKSUMS, LICENSES):
        if (path / name).is_file():
            return (path / name,)
    if (path / "release" / CHECKSUMS).is_file():
        raise RecipeError(f"not a release but a run folder: {path}", f"use {path / 'release'}")
    raise RecipeError(f"not a release: {path}", f"give the folder that contains {CHECKSUMS}")


@functools.lru_cache(maxsize=2)
def read_previous(path: Path) -> PreviousRelease:
    """Reads images and tombstones of a release; raises DataError if one is unreadable or an id is not unique."""
    release = Release.open(path)
    if release.published:
        raise DataError(
            f"not a release of roco: {path} has no {FIGURES}",
            'make it a source (kind = "release") to keep its ids: the stage pins does',
        )
    hint = f"run roco verify {path} for details"
    images: dict[str, ReleasedImage] = {}
    for row in release.rows(types(*ReleasedImage._fields)):
        image = ReleasedImage(*((row[name] or "") for name in ReleasedImage._fields))
        if not image.id or image.id in images:
            raise DataError(f"missing or duplicate id {excerpt(image.id)!r} ({path / FIGURES})", hint)
        if image.split not in SPLITS:
            raise DataError(f"unknown split of {excerpt(image.id)} ({path / FIGURES})", hint)
        images[image.id] = image
    tombstones: dict[str, Tombstone] = {}
    for cells in release.tombstones():
        if cells[0] in images:
            raise DataError(f"retired id is in use: {excerpt(cells[0])} ({path / TOMBSTONES})", hint)
        tombstones[cells[0]] = Tombstone(*cells)
    return PreviousRelease(images, tombstones)


@functools.lru_cache(maxsize=2)
def concepts_of(path: Path) -> frozenset[str]:
    """Returns the CUIs of a release of roco or of the published ROCOv2: those that cui_mapping.csv names."""
    return frozenset(Release.open(path).concept_names())


@functools.lru_cache(maxsize=2)
def articles_of(path: Path) -> frozenset[str]:
    """Returns the articles of a release: article keys, or the PMCIDs of the published ROCOv2."""
    return Release.open(path).articles()
