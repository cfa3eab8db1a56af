"""The tables of the published ROCOv2, and of datasets in its layout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from roco.base.errors import DataError
from roco.base.ids import clean_pmcid
from roco.base.readers import UNREADABLE, csv_rows
from roco.base.schema import SPLITS, types
from roco.base.tables import LICENSE_COLUMNS, SPLIT_TABLES
from roco.base.terminal import excerpt
from roco.models.text.licenses import normalise
from roco.release.folders import ID, IMAGE_SUFFIXES, ImageFile, index_images
from roco.release.format import CHECKSUMS, FIGURES, LICENSES
from roco.release.problems import MISSING_FILE, Problem, unreadable

COLUMNS = types("id", "split", "article_key", "pmcid", "file", "caption", "license", "concepts", "concepts_manual")
"""The columns of figures.parquet that the published tables contain."""

_LICENSE = re.compile(r"(CC[ -]BY(?:[ -](?:NC|ND|SA))*|CC ?0)\b", re.IGNORECASE)


class PublishedImage(NamedTuple):
    """One image as the published tables describe it; null if a table has no row for it."""

    id: str
    split: str
    caption: str | None = None
    concepts: tuple[str, ...] | None = None
    manual: tuple[str, ...] | None = None
    pmcid: str | None = None
    attribution: str | None = None
    link: str | None = None

    @property
    def license(self) -> str:
        """Returns the normalised licence at the beginning of the attribution: `CC BY-NC Al Mulhim et al. (2022)`."""
        match = _LICENSE.match(self.attribution or "")
        return normalise(match[1].upper() if match else None).id


@dataclass(frozen=True, kw_only=True)
class PublishedTables:
    """The images of the published tables by id, and what is wrong with the tables.

    missing: files that are missing; unusable: files that are unreadable or have another header; problems: problems of
    single rows.
    """

    images: dict[str, PublishedImage] = field(default_factory=dict)
    missing: list[Problem] = field(default_factory=list)
    unusable: list[Problem] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def is_published(root: Path) -> bool:
    """Returns whether a folder contains tables of the published layout and is not a release of roco."""
    if any((root / name).exists() for name in (FIGURES, CHECKSUMS)):
        return False
    names = [f"{split}_{table}.csv" for split in SPLITS for table in SPLIT_TABLES]
    return any((root / name).is_file() for name in (*names, LICENSES))


def read_tables(root: Path) -> PublishedTables:
    """Reads the tables of the published layout."""
    tables = PublishedTables()
    for split in SPLITS:
        for table in SPLIT_TABLES:
            _read_split_table(root, split, table, tables)
    _read_licenses(root, tables)
    return tables


def load_published(root: Path, split: str | None = None) -> pa.Table:
    """Returns the images of the published layout, of all splits or of one, in the order of the ids.

    The columns are those of figures.parquet that the tables contain. Raises DataError if a table is missing or
    unreadable.
    """
    tables = read_tables(root)
    for problem in (*tables.unusable, *tables.missing):
        raise DataError(f"{root / problem.where}: {problem.what}", f"run roco verify {root} for details")
    return as_figures(tables, root, split)


def as_figures(tables: PublishedTables, root: Path, split: str | None = None) -> pa.Table:
    """Returns the images of tables that were read, with the columns of figures.parquet, in the order of the ids.

    What a missing table would have contained is empty; without licences, each image is an article of its own.
    """
    files = index_images(root).files
    rows = [_row(image, files.get(image.id)) for image in tables.images.values() if split in (None, image.split)]
    rows.sort(key=lambda row: (SPLITS.index(row["split"]), row["id"]))
    return pa.Table.from_pylist(rows, schema=pa.schema(COLUMNS.items()))


def _row(image: PublishedImage, file: ImageFile | None) -> dict[str, Any]:
    return {
        "id": image.id,
        "split": image.split,
        "article_key": image.pmcid or image.id,
        "pmcid": image.pmcid,
        "file": file.name if file else None,
        "caption": image.caption or "",
        "license": image.license,
        "concepts": list(image.concepts or ()),
        "concepts_manual": list(image.manual or ()),
    }


def _read_split_table(root: Path, split: str, table: str, tables: PublishedTables) -> None:
    """Adds captions or concepts of one split to the images."""
    rows_by_id: set[str] = set()
    for where, (id, cell) in _rows(root / f"{split}_{table}.csv", SPLIT_TABLES[table], tables):
        image = tables.images.setdefault(id, PublishedImage(id, split))
        if image.split != split:
            tables.problems.append(Problem(f"duplicate id (also in {image.split})", where))
        elif id in rows_by_id:
            tables.problems.append(Problem("duplicate id", where))
        elif table == "captions":
            tables.images[id] = image._replace(caption=cell)
        elif table == "concepts":
            tables.images[id] = image._replace(concepts=_cuis(cell))
        else:
            tables.images[id] = image._replace(manual=_cuis(cell))
        rows_by_id.add(id)


def _read_licenses(root: Path, tables: PublishedTables) -> None:
    """Adds article, attribution and link to the images."""
    rows_by_id: set[str] = set()
    for where, (id, pmcid, attribution, link) in _rows(root / LICENSES, LICENSE_COLUMNS, tables):
        image = tables.images.get(id)
        if image is None:
            tables.problems.append(Problem("unknown id (in no other table)", where))
        elif id in rows_by_id:
            tables.problems.append(Problem("duplicate id", where))
        else:
            rows_by_id.add(id)
            article, _ = clean_pmcid(pmcid)
            tables.images[id] = image._replace(pmcid=article, attribution=attribution.strip(), link=link.strip())


def _rows(path: Path, header: tuple[str, ...], tables: PublishedTables) -> Iterator[tuple[str, list[str]]]:
    """Yields place and cells of each usable row, the first cell an id; what is wrong goes to the tables."""
    if not path.is_file():
        tables.missing.append(Problem(MISSING_FILE, path.name))
        return
    try:
        for line, cells, complaint in csv_rows(path, header, exact=False):
            where = f"{path.name}, line {line}"
            if cells is None:
                # Only the header is in line 1: with another header no row of the file can be used.
                kind = tables.unusable if line == 1 else tables.problems
                kind.append(Problem(complaint, where))
                continue
            id = _without_extension(cells[0].strip())
            if ID.fullmatch(id):
                yield f"{path.name}, {id}", [id, *cells[1:]]
            else:
                tables.problems.append(Problem(f"invalid id: {excerpt(id)}", where))
    except UNREADABLE as err:
        tables.unusable.append(unreadable(err, path.name))


def _without_extension(name: str) -> str:
    """Returns the id of an image, without the extension that some tables add."""
    return name.rpartition(".")[0] if name.lower().endswith(IMAGE_SUFFIXES) else name


def _cuis(cell: str) -> tuple[str, ...]:
    """Returns the CUIs of a cell in their order, without repetitions."""
    cuis = (cui.strip() for cui in cell.split(";"))
    return tuple(dict.fromkeys(cui for cui in cuis if cui))
