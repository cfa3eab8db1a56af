"""Captions with known concepts, from a dataset or a file: what linkers are learned from and scored against."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roco.base.errors import DataError, UsageError, nearest
from roco.base.ids import is_cui
from roco.base.readers import UNREADABLE, csv_rows
from roco.base.schema import SPLITS
from roco.base.tables import SPLIT_TABLES
from roco.base.terminal import excerpt
from roco.release.caption_files import SUFFIXES, Row, read_file
from roco.release.format import CUI_MAPPING
from roco.release.label_files import LabelFile, label_files, read_labels, warn_of_orphans
from roco.release.published import PublishedImage, is_published, read_tables
from roco.release.read import Release

__all__ = ["Captioned", "Row", "is_held_out", "read"]

COLUMNS = ("id", "split", "article_key", "caption", "concepts", "concepts_manual")
"""Columns of figures.parquet that rows are made from."""


@dataclass(frozen=True)
class Captioned:
    """Captions with their concepts, in the order of the source.

    names: the name of each concept that the source names. files: the files that were read.
    """

    rows: list[Row]
    names: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    @property
    def has_manual(self) -> bool:
        """Returns whether people assigned concepts to any of the images."""
        return any(row.manual for row in self.rows)


def read(path: str | Path, splits: Collection[str] | None = None) -> Captioned:
    """Reads captions with known concepts.

    path: one of these; splits: train, valid, test, all by default.
    - a release of roco, or the published ROCOv2, or a folder in its layout: captions and concepts of at least one split
      are enough, manual concepts, licences and names may be missing
    - a folder with files of captions (ID,Caption) and of concepts (ID,CUIs) whose names contain train, valid or test,
      such as those of ImageCLEF
    - a CSV file with the columns id, caption and cuis, and optionally article, manual and split
    - a file of JSON lines with roco_id or id, caption and cuis, and optionally pmcid, also compressed (.gz), or a
      folder of such files
    Raises DataError with file and line for invalid rows, UsageError for an unknown
    split.
    """
    source = Path(path)
    for split in splits or ():
        if split not in SPLITS:
            raise UsageError(f"unknown split '{excerpt(split)}'", nearest(split, SPLITS))
    if not source.exists():
        raise DataError(f"{source} does not exist", "give a dataset, or a file with captions and concepts")
    captioned = _of_folder(source, splits) if source.is_dir() else _of_files([source], splits)
    if not captioned.rows:
        raise DataError(f"{source} has no captions", "choose other splits" if splits else "give another dataset")
    return captioned


def is_held_out(article: str, percent: int) -> bool:
    """Returns whether an article belongs to the part of `percent` % that nothing is learned from.

    It depends on the hash of the article alone: a smaller part is contained in a larger one.
    """
    return int(hashlib.sha256(article.encode()).hexdigest(), 16) % 100 < percent


def _of_folder(folder: Path, splits: Collection[str] | None) -> Captioned:
    if is_published(folder):
        return _of_published(folder, splits)
    files = sorted(file for file in folder.iterdir() if file.name.endswith(SUFFIXES) and file.is_file())
    try:
        release = Release.open(folder)
    except DataError:
        if files:
            return _of_files(files, splits)
        labels = label_files(folder)
        if labels:
            _check_labels(folder, labels, splits)
            rows = [row for row in read_labels(labels) if not splits or row.split in splits]
            return Captioned(rows, {}, tuple(file.path for file in labels))
        raise
    with release:
        return _of_release(release, splits)


def _check_labels(folder: Path, labels: list[LabelFile], splits: Collection[str] | None) -> None:
    """Raises DataError if a chosen split lacks its file of captions or of concepts."""
    known = {(file.split, file.kind) for file in labels}
    for split in splits or ():
        lacking = [kind for kind in ("captions", "concepts") if (split, kind) not in known]
        if lacking:
            what = f"{folder} lacks a file of {' and one of '.join(lacking)} of {split}"
            raise DataError(what, "add it, or choose another split")


def _of_files(files: list[Path], splits: Collection[str] | None) -> Captioned:
    rows: dict[str, Row] = {}
    for file in files:
        for line, row in read_file(file):
            if row.id in rows:
                raise DataError(f"{file}, line {line}: duplicate id '{excerpt(row.id)}'", "give each row its own id")
            rows[row.id] = row
    if splits and not any(row.split for row in rows.values()):
        raise UsageError(f"{files[0]} has no splits", "add a column split, or choose no split")
    return Captioned([row for row in rows.values() if not splits or row.split in splits], {}, tuple(files))


def _of_release(release: Release, splits: Collection[str] | None) -> Captioned:
    known = release.columns
    table = release.table(None, [name for name in COLUMNS if name in known])
    rows = []
    for image in table.to_pylist():
        if splits and image.get("split") not in splits:
            continue
        concepts, manual = image.get("concepts") or (), image.get("concepts_manual") or ()
        row = Row(
            image["id"], image.get("article_key") or image["id"], image.get("caption") or "", tuple(concepts),
            tuple(manual), image.get("split") or "",
        )  # fmt: skip
        rows.append(row)
    _check_cuis(rows, lambda row: f"{release.path}, image {row.id}")
    return Captioned(rows, _names(release), tuple(release.table_files()))


def _of_published(folder: Path, splits: Collection[str] | None) -> Captioned:
    """Reads the tables of the splits that have captions and concepts; the other tables may be missing."""
    tables = read_tables(folder)
    for problem in tables.unusable:
        raise DataError(f"{folder / problem.where}: {problem.what}", f"run roco verify {folder} for details")
    missing = {problem.where for problem in tables.missing}
    chosen = [split for split in SPLITS if not splits or split in splits]
    complete = [split for split in chosen if not missing & {f"{split}_captions.csv", f"{split}_concepts.csv"}]
    if not complete or (splits and len(complete) < len(chosen)):
        lacking = next(split for split in chosen if split not in complete)
        names = f"{lacking}_captions.csv and {lacking}_concepts.csv"
        raise DataError(f"{folder} lacks {names}", "add both files, or choose another split")
    images = [image for image in tables.images.values() if image.split in complete]
    warn_of_orphans([image.id for image in images if image.caption is None], str(folder))
    rows = [_row(image) for image in images if image.caption is not None and image.concepts is not None]
    _check_cuis(rows, lambda row: _line_of(folder, row))
    release = Release(folder, published=True)
    return Captioned(rows, _names(release), tuple(file for split in complete for file in release.table_files(split)))


def _row(image: PublishedImage) -> Row:
    article = image.pmcid or image.id
    return Row(image.id, article, image.caption or "", image.concepts or (), image.manual or (), image.split)


def _names(release: Release) -> dict[str, str]:
    """Returns the name of each CUI; nothing for a dataset without cui_mapping.csv."""
    return release.concept_names() if (release.path / CUI_MAPPING).is_file() else {}


def _check_cuis(rows: Iterable[Row], where: Any) -> None:
    for row in rows:
        for cui in (*row.cuis, *row.manual):
            if not is_cui(cui):
                raise DataError(f"{where(row)}: invalid CUI '{excerpt(cui, 40)}'", "a CUI is C and seven digits")


def _line_of(folder: Path, row: Row) -> str:
    """Returns file and line of the invalid concepts of an image."""
    return _place(folder, row.split, "concepts" if not all(map(is_cui, row.cuis)) else "concepts_manual", row.id)


def _place(folder: Path, split: str, table: str, id: str) -> str:
    """Returns file and line of an image in a table."""
    path = folder / f"{split}_{table}.csv"
    for line, cells, _ in _cells(path, table):
        if cells is not None and cells[0].strip().startswith(id):
            return f"{path}, line {line}"
    return f"{path}, image {id}"


def _cells(path: Path, table: str) -> Iterator[Any]:
    try:
        yield from csv_rows(path, SPLIT_TABLES[table], exact=False)
    except UNREADABLE:
        return
