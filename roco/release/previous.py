"""An earlier release, as the next one needs it: who is in it under which id, who was, and what it knew."""

from __future__ import annotations

import functools
import re
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from roco.base.errors import DataError, RecipeError
from roco.base.ids import clean_pmcid
from roco.base.limits import UNREADABLE, csv_rows, parquet_rows
from roco.base.schema import SPLITS, types
from roco.base.tables import CUI_MAPPING_COLUMNS, LICENSE_COLUMNS, TOMBSTONE_COLUMNS
from roco.release.read import CHECKSUMS, TOMBSTONES


class Kept(NamedTuple):
    """An image of the release: its id and split, and all by which it can be told again."""

    id: str
    split: str
    image_key: str
    article_key: str
    file: str
    figure_id: str


class Gone(NamedTuple):
    """An image that was in a release and is in it no more; its id is never given again."""

    id: str
    split: str
    image_key: str
    article_key: str
    file: str
    figure_id: str
    reason: str
    detail: str


class Earlier(NamedTuple):
    """kept: images by id; gone: those of releases before, by id."""

    kept: dict[str, Kept]
    gone: dict[str, Gone]

    @property
    def highest(self) -> Counter[str]:
        """The highest number that any id of each split ends in."""
        found: Counter[str] = Counter()
        every = [(one.id, one.split) for one in self.kept.values()] + [(o.id, o.split) for o in self.gone.values()]
        for id, split in every:
            if digits := re.search(r"[0-9]{1,15}$", id):
                found[split] = max(found[split], int(digits[0]))
        return found


def seal(path: Path | None) -> tuple[Path, ...]:
    """The file whose content stands for the whole release in a stage's digest."""
    if path is None:
        return ()
    if not path.exists():
        raise RecipeError(f"there is no release {path}", "see to the path; it is relative to the recipe")
    for name in (CHECKSUMS, "license_information.csv"):
        if (path / name).is_file():
            return (path / name,)
    if (path / "release" / CHECKSUMS).is_file():
        raise RecipeError(f"{path} is a run, not its release", f"name {path / 'release'}")
    raise RecipeError(f"{path} is no release", f"name the folder that holds {CHECKSUMS}")


@functools.lru_cache(maxsize=2)
def earlier(path: Path) -> Earlier:
    """Reads who is in a release and who was; raises DataError where the release cannot be read or says it twice."""
    if not (path / "figures.parquet").is_file():
        hint = (
            'to keep the ids of the published ROCOv2 make it a source, kind = "release", and give `pins` given = true'
        )
        raise DataError(f"{path} is no release of roco: it has no figures.parquet", hint)
    columns = types("id", "split", "image_key", "article_key", "file", "figure_id")
    kept: dict[str, Kept] = {}
    for row in _parquet(path, columns):
        one = Kept(*((row[name] or "") for name in Kept._fields))
        if not one.id or one.split not in SPLITS or one.id in kept:
            raise DataError(f"{path}: the id {one.id!r} is missing, stands twice or has no split", _VERIFY.format(path))
        kept[one.id] = one
    gone: dict[str, Gone] = {}
    if (path / TOMBSTONES).is_file():
        for line, cells, complaint in _csv(path / TOMBSTONES, TOMBSTONE_COLUMNS):
            if cells is None or cells[0] in kept:
                raise DataError(
                    f"{path / TOMBSTONES}, line {line}: {complaint or 'the id is in use'}", _VERIFY.format(path)
                )
            gone[cells[0]] = Gone(*cells)
    return Earlier(kept, gone)


@functools.lru_cache(maxsize=2)
def concepts_of(path: Path) -> frozenset[str]:
    """The CUIs that a release, of roco or in the published layout, has names for: its cui_mapping.csv."""
    rows = _csv(path / "cui_mapping.csv", CUI_MAPPING_COLUMNS)
    return frozenset(cells[0] for _, cells, _ in rows if cells)


@functools.lru_cache(maxsize=2)
def articles_of(path: Path) -> frozenset[str]:
    """The articles that a release has images of: article keys of roco's, PMCIDs of the published layout."""
    if (path / "figures.parquet").is_file():
        return frozenset(row["article_key"] or "" for row in _parquet(path, types("article_key")))
    rows = _csv(path / "license_information.csv", LICENSE_COLUMNS)
    written = [cells[1].strip() for _, cells, _ in rows if cells]
    return frozenset(clean_pmcid(pmcid)[0] or pmcid for pmcid in written)


_VERIFY = "roco verify {} says more"


def _parquet(path: Path, columns: dict[str, pa.DataType]) -> list[dict[str, Any]]:
    try:
        return list(parquet_rows(path / "figures.parquet", columns))
    except UNREADABLE as err:
        raise DataError(f"{path / 'figures.parquet'} cannot be read: {err}", _VERIFY.format(path)) from err


def _csv(path: Path, header: tuple[str, ...]) -> list[tuple[int, list[str] | None, str]]:
    try:
        rows = [(row.line, row.cells, row.complaint) for row in csv_rows(path, header, exact=False)]
        if rows and rows[0][0] == 1 and rows[0][1] is None:
            raise DataError(f"{path}: {rows[0][2]}", _VERIFY.format(path.parent))
        return rows
    except UNREADABLE as err:
        raise DataError(f"{path} cannot be read: {err}", _VERIFY.format(path.parent)) from err
