"""The files that ImageCLEF hands out for a year as `roco.load` reads them: labels of some splits, images of all."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.base.errors import DataError
from roco.base.schema import SPLITS
from roco.base.tables import SPLIT_TABLES
from roco.base.terminal import excerpt
from roco.release.folders import ID, IMAGE_SUFFIXES, ImageIndex, index_images
from roco.release.format import CHECKSUMS, FIGURES, LICENSES
from roco.release.label_files import LabelFile, cuis_in, label_files, read_cells
from roco.release.published import COLUMNS, PublishedTables, read_tables

LOG = logging.getLogger(__name__)

TABLES = (*(f"{split}_{table}.csv" for split in SPLITS for table in SPLIT_TABLES), LICENSES)
"""The tables of the published ROCOv2."""


def open_challenge(path: Path) -> ChallengeFiles | None:
    """Opens a folder with files of captions or concepts by split; returns None if it has none, or is complete.

    A folder with all tables of the published ROCOv2 is read as that. Raises DataError for two files of one kind and
    split, and for a file whose name does not contain train, valid or test.
    """
    if not path.is_dir() or any((path / name).exists() for name in (FIGURES, CHECKSUMS)):
        return None
    if all((path / name).is_file() for name in TABLES):
        return None
    files = label_files(path)
    if not files:
        return None
    known: dict[tuple[str, str], LabelFile] = {}
    for file in files:
        if not file.split:
            what = f"{file.path} has labels, but its name does not contain train, valid or test"
            raise DataError(what, f"rename it, for example to train_{file.kind}.csv, or move it elsewhere")
        other = known.setdefault((file.split, file.kind), file)
        if other is not file:
            what = f"two files of {file.kind} for {file.split}: {other.path} and {file.path.name}"
            raise DataError(what, "keep one of them in the folder")
    _check_splits(path, known)
    return ChallengeFiles(path, known)


def _check_splits(path: Path, files: Mapping[tuple[str, str], LabelFile]) -> None:
    """Raises DataError if a split has labels, but lacks the captions or the concepts that another split has."""
    splits = {split for split, _ in files}
    for kind in ("captions", "concepts"):
        lacking = sorted(split for split in splits if (split, kind) not in files)
        if lacking and len(lacking) < len(splits):
            missing = path / f"{lacking[0]}_{kind}.csv"
            raise DataError(f"{missing}: missing file", f"add it, or remove the other labels of {lacking[0]}")


class ChallengeFiles:
    """Files of captions, concepts and manual concepts with names of their own, and images in zips or folders.

    An image of a split whose labels are withheld, such as those of the test set, is a row without caption and concepts.
    """

    published = True

    def __init__(self, path: Path, files: dict[tuple[str, str], LabelFile]) -> None:
        self.path = path
        self._files = files

    @property
    def columns(self) -> list[str]:
        """Returns the columns of the published layout."""
        return list(COLUMNS)

    @cached_property
    def image_index(self) -> ImageIndex:
        """Returns the image files by id."""
        return index_images(self.path)

    def table(self, split: None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """Returns the images of all splits, in the order of the ids; what a missing file would contain is empty."""
        rows: dict[str, dict[str, Any]] = {}
        for name in SPLITS:
            for row in self._split(name):
                other = rows.setdefault(row["id"], row)
                if other is not row:
                    what = f"{self.path}: image '{excerpt(row['id'])}' is in {other['split']} and in {name}"
                    raise DataError(what, "remove it from one of them")
        ordered = sorted(rows.values(), key=lambda row: (SPLITS.index(row["split"]), row["id"]))
        table = pa.Table.from_pylist(ordered, schema=pa.schema(COLUMNS.items()))
        return table if columns is None else table.select(list(columns))

    def _split(self, split: str) -> Iterator[dict[str, Any]]:
        """Yields the images of one split: those of its files of labels, or its image files."""
        cells = {kind: self._cells(split, kind) for kind in ("captions", "concepts", "manual")}
        ids = dict.fromkeys(id for of_kind in cells.values() for id in of_kind)
        if not ids:
            ids = dict.fromkeys(id for id, file in self.image_index.files.items() if file.split == split)
            if ids:
                LOG.warning("%s: no captions and no concepts of %s: %s images", self.path, split, f"{len(ids):,}")
        for id in ids:
            file = self.image_index.files.get(id)
            credited = self._credits.images.get(id)
            article = credited.pmcid if credited else None
            yield {
                "id": id, "split": split, "article_key": article or id, "pmcid": article,
                "file": file.name if file else None, "caption": cells["captions"].get(id, ""),
                "license": credited.license if credited else None,
                "concepts": list(cells["concepts"].get(id, ())), "concepts_manual": list(cells["manual"].get(id, ())),
            }  # fmt: skip

    def _cells(self, split: str, kind: str) -> dict[str, Any]:
        """Returns the captions or the concepts of a split by id; raises DataError for an invalid row."""
        file = self._files.get((split, kind))
        if file is None:
            return {}
        found: dict[str, Any] = {}
        for id, (line, cell) in read_cells(file):
            stem = id.rpartition(".")[0] if id.lower().endswith(IMAGE_SUFFIXES) else id
            if not ID.fullmatch(stem):
                raise DataError(f"{file.path}, line {line}: invalid id '{excerpt(id)}'", "correct it")
            found[stem] = cell if kind == "captions" else cuis_in(file.path, (line, cell))
        return found

    @cached_property
    def _credits(self) -> PublishedTables:
        """Returns the articles and licences of the images, where license_information.csv states them."""
        return read_tables(self.path)
