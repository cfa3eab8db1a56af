"""The previous release: its images, and the ids it has retired."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.base.columns import codes, first_of
from roco.base.errors import DataError, RecipeError
from roco.base.schema import SPLITS, types
from roco.base.terminal import excerpt
from roco.release.format import CHECKSUMS, CUI_MAPPING, FIGURES, LICENSES, TOMBSTONES
from roco.release.read import Release

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


@dataclass(frozen=True)
class PreviousRelease:
    """What a release and those before it have assigned.

    ledger: one row for each id in use or retired, with the columns LEDGER, sorted by id.
    """

    ledger: pa.Table

    @classmethod
    def of(cls, images: Iterable[ReleasedImage], tombstones: Iterable[Tombstone]) -> PreviousRelease:
        """Makes the ledger of a few images and tombstones."""
        rows = [image._asdict() for image in images]
        rows += [tombstone._asdict() for tombstone in tombstones]
        return cls(pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["id"])), schema=LEDGER))

    @property
    def images(self) -> pa.Table:
        """Returns the rows of the ids in use."""
        return self.ledger.filter(pc.is_null(self.ledger["reason"]))

    @property
    def tombstones(self) -> pa.Table:
        """Returns the rows of the retired ids."""
        return self.ledger.filter(pc.is_valid(self.ledger["reason"]))

    def continued(self, later: PreviousRelease) -> PreviousRelease:
        """Returns what this release and a later one have assigned together.

        An id in both is what it is in the later one, if it belongs to the same article there. Otherwise, and for images
        with the same bytes, this release precedes: the recipe names it, whereas the later one is what is in the folder.
        """
        rows = later.ledger
        place = pc.index_in(rows["id"], value_set=self.ledger["id"].combine_chunks())
        known = self.ledger.take(place)
        is_new, is_image = pc.is_null(place), pc.is_null(rows["reason"])
        has_known_bytes = pc.is_in(rows["image_key"], value_set=self.images["image_key"].combine_chunks())
        is_of_same_article = pc.fill_null(pc.equal(known["article_key"], rows["article_key"]), False)
        # The release in the folder was made before the image was taken down.
        is_taken_down = pc.fill_null(pc.equal(known["reason"], TAKEDOWN), False)
        as_image = pc.if_else(is_new, pc.invert(has_known_bytes), pc.and_not(is_of_same_article, is_taken_down))
        added = pc.if_else(is_image, as_image, pc.or_(is_new, is_of_same_article))
        rows = rows.filter(added)
        rest = self.ledger.filter(pc.invert(pc.is_in(self.ledger["id"], value_set=rows["id"].combine_chunks())))
        return PreviousRelease(pa.concat_tables([rest, rows]).combine_chunks().sort_by("id"))

    @property
    def highest(self) -> Counter[str]:
        """Returns the highest number of an id by split, retired ids included: the next release continues from it."""
        return highest_numbers(self.ledger["id"], self.ledger["split"])


def highest_numbers(ids: pa.ChunkedArray, splits: pa.ChunkedArray) -> Counter[str]:
    """Returns the highest number at the end of an id, by split; ids without a number do not count."""
    numbers = pc.struct_field(pc.extract_regex(ids, "(?P<number>[0-9]{1,15})$"), "number").cast(pa.int64())
    table = pa.table({"split": splits, "number": numbers}).filter(pc.is_valid(numbers))
    highest = table.group_by("split").aggregate([("number", "max")])
    return Counter(dict(zip(highest["split"].to_pylist(), highest["number_max"].to_pylist(), strict=True)))


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
    in_folder = None if ledger is None else PreviousRelease(ledger)
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
    table = release.checked_table(types(*ReleasedImage._fields))
    table = pa.table({name: pc.fill_null(table[name], "") for name in table.column_names})
    _check(table, path)

    hint = f"run roco verify {path} for details"
    tombstones: dict[str, Tombstone] = {}
    for cells in release.tombstones():
        tombstones[cells[0]] = Tombstone(*cells)
    in_use = pc.is_in(pa.array(tombstones, pa.string()), value_set=table["id"].combine_chunks())
    for id, is_in_use in zip(tombstones, in_use.to_pylist(), strict=True):
        if is_in_use:
            raise DataError(f"retired id is in use: {excerpt(id)} ({path / TOMBSTONES})", hint)
    retired = PreviousRelease.of((), tombstones.values()).ledger
    for name in ("reason", "detail"):
        table = table.append_column(name, pa.nulls(len(table), pa.string()))
    return PreviousRelease(pa.concat_tables([table, retired]).combine_chunks().sort_by("id"))


def _check(table: pa.Table, path: Path) -> None:
    """Raises DataError for the first image whose id is missing or not unique, or whose split is unknown."""
    numbers = codes(table["id"])
    is_repeated = first_of(numbers) != np.arange(len(table))  # true for a missing id, too
    has_split = np.asarray(pc.is_in(table["split"], value_set=pa.array(SPLITS)))
    for row in np.flatnonzero(is_repeated | ~has_split)[:1]:
        id, hint = excerpt(table["id"][row].as_py()), f"run roco verify {path} for details"
        if is_repeated[row]:
            raise DataError(f"missing or duplicate id {id!r} ({path / FIGURES})", hint)
        raise DataError(f"unknown split of {id} ({path / FIGURES})", hint)


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
