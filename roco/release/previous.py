"""The previous release: its images, and the ids it has retired."""

from __future__ import annotations

import functools
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from roco.base.errors import DataError, RecipeError
from roco.base.schema import SPLITS, types
from roco.base.terminal import excerpt
from roco.release.format import CHECKSUMS, CUI_MAPPING, FIGURES, LICENSES, TOMBSTONES
from roco.release.read import Release

_NUMBER = re.compile(r"[0-9]{1,15}$")


TAKEDOWN = "takedown"
"""The reason of an id that its publisher retired for good: the image must not come back."""


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


LEDGER = pa.schema([(name, pa.string()) for name in Tombstone._fields])
"""The ledger of a release, one row for each id in use or retired; `reason` is null for ids in use."""


class PreviousRelease(NamedTuple):
    """The images of the previous release and the tombstones of all releases before it, each by id."""

    images: dict[str, ReleasedImage]
    tombstones: dict[str, Tombstone]

    @classmethod
    def of_ledger(cls, ledger: pa.Table) -> PreviousRelease:
        """Reads what `to_ledger` returned."""
        images: dict[str, ReleasedImage] = {}
        tombstones: dict[str, Tombstone] = {}
        for row in ledger.to_pylist():
            if row["reason"] is None:
                images[row["id"]] = ReleasedImage(*(row[name] for name in ReleasedImage._fields))
            else:
                tombstones[row["id"]] = Tombstone(**row)
        return cls(images, tombstones)

    def to_ledger(self) -> pa.Table:
        """Returns one row for each id in use or retired, sorted by id."""
        rows = [image._asdict() for image in self.images.values()]
        rows += [tombstone._asdict() for tombstone in self.tombstones.values()]
        return pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["id"])), schema=LEDGER)

    def continued(self, later: PreviousRelease) -> PreviousRelease:
        """Returns what this release and a later one have assigned together.

        An id in both is what it is in the later one, if it belongs to the same article there. Otherwise, and for images
        with the same bytes, this release precedes: the recipe names it, whereas the later one is what is in the folder.
        """
        images, tombstones = dict(self.images), dict(self.tombstones)
        keys = {image.image_key for image in self.images.values()}
        for id, image in later.images.items():
            known = self.images.get(id) or self.tombstones.get(id)
            if known is None and image.image_key not in keys:
                images[id] = image
            elif isinstance(known, Tombstone) and known.reason == TAKEDOWN:
                continue  # the release in the folder was made before the image was taken down
            elif known is not None and known.article_key == image.article_key:
                tombstones.pop(id, None)
                images[id] = image
        for id, tombstone in later.tombstones.items():
            known = self.images.get(id) or self.tombstones.get(id)
            if known is None or known.article_key == tombstone.article_key:
                images.pop(id, None)
                tombstones[id] = tombstone
        return PreviousRelease(images, tombstones)

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


def known_releases(path: Path | None, ledger: pa.Table | None) -> PreviousRelease | None:
    """Returns what the previous release has assigned, and the release in the run folder; None if there is neither.

    path: the previous release that the recipe names. ledger: of the release in the run folder.
    """
    named = None if path is None else read_previous(path)
    in_folder = None if ledger is None else PreviousRelease.of_ledger(ledger)
    if named is None or in_folder is None:
        return named or in_folder
    return named.continued(in_folder)


def read_previous(path: Path) -> PreviousRelease:
    """Reads images and tombstones of a release once; raises DataError as `read_release` does."""
    return _read_once(path, _stamp(path))


@functools.lru_cache(maxsize=2)
def _read_once(path: Path, stamp: object) -> PreviousRelease:
    return read_release(path)


def _stamp(path: Path) -> object:
    """Returns what changes when another release takes the place of one that has been read."""
    files = [path / name for name in (CHECKSUMS, FIGURES, TOMBSTONES, LICENSES, CUI_MAPPING)]
    stats = [file.stat() for file in files if file.is_file()]
    return tuple((stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats)


def read_release(path: Path) -> PreviousRelease:
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


def concepts_of(path: Path) -> frozenset[str]:
    """Returns the CUIs of a release of roco or of the published ROCOv2: those that cui_mapping.csv names."""
    return _concepts_once(path, _stamp(path))


@functools.lru_cache(maxsize=2)
def _concepts_once(path: Path, stamp: object) -> frozenset[str]:
    return frozenset(Release.open(path).concept_names())


def articles_of(path: Path) -> frozenset[str]:
    """Returns the articles of a release: article keys, or the PMCIDs of the published ROCOv2."""
    return _articles_once(path, _stamp(path))


@functools.lru_cache(maxsize=2)
def _articles_once(path: Path, stamp: object) -> frozenset[str]:
    return Release.open(path).articles()
