"""A dataset as its users read it: a release of roco or the published ROCOv2."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from roco.base.errors import DataError, UsageError, nearest
from roco.base.ids import clean_pmcid
from roco.base.licenses import DEFAULT_LICENSES
from roco.base.progress import NullProgress, Progress
from roco.base.readers import UNREADABLE, csv_rows, parquet_rows, read_parquet, read_text
from roco.base.schema import SPLITS, types
from roco.base.tables import CUI_MAPPING_COLUMNS, LICENSE_COLUMNS, SPLIT_TABLES, TOMBSTONE_COLUMNS
from roco.base.terminal import excerpt
from roco.release.folders import ImageIndex, ImageReader, index_images
from roco.release.format import CARD, CHECKSUMS, CUI_MAPPING, DROPPED, FIGURES, LICENSES, METADATA, TOMBSTONES
from roco.release.metadata import Metadata, read_metadata
from roco.release.problems import Problem
from roco.release.published import COLUMNS, is_published, load_published


class Release:
    """A dataset in a folder: a release of roco or the published ROCOv2.

    Opening only checks that the folder is a dataset; each method reads what it returns. The zips of images stay open
    until `close`; a `with` block closes them.

    path: the folder. published: true for the layout of the published ROCOv2.
    """

    def __init__(self, path: Path, *, published: bool) -> None:
        self.path = path
        self.published = published
        self._reader = ImageReader(path)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Opens a dataset; raises DataError if the folder is not a dataset."""
        root = Path(path)
        if is_published(root):
            return cls(root, published=True)
        if (root / FIGURES).is_file() or (root / CHECKSUMS).is_file():
            return cls(root, published=False)
        if (root / "release" / FIGURES).is_file():
            raise DataError(f"not a release but a run folder: {root}", f"use {root / 'release'}")
        what = "not a release" if root.is_dir() else "no such folder"
        raise DataError(f"{what}: {root}", f"give the folder that contains {FIGURES} and {CHECKSUMS}")

    # --- tables ----------------------------------------------------------------------------------------------

    def table(self, split: str | None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """Returns the images of all splits or of one, one row each, in the order of the ids.

        columns: names of columns of figures.parquet, all by default; the published ROCOv2 has nine of them. Raises
        UsageError for an unknown split or column, and DataError if the table cannot be read.
        """
        if split is not None and split not in SPLITS:
            raise UsageError(f"unknown split '{split}'", nearest(split, SPLITS))
        wanted = None if columns is None else list(columns)
        if wanted is not None:
            self._check_columns(wanted)
        if self.published:
            table = load_published(self.path, split)
            return table if wanted is None else table.select(wanted)
        filters = None if split is None else [("split", "==", split)]
        try:
            return pq.read_table(self.path / FIGURES, columns=wanted, filters=filters, partitioning=None)
        except UNREADABLE as err:
            raise self._unreadable(FIGURES, err) from err

    @property
    def columns(self) -> list[str]:
        """Returns the names of the columns of `table`."""
        if self.published:
            return list(COLUMNS)
        return list(self.schema.names)

    @property
    def schema(self) -> pa.Schema:
        """Returns the columns of figures.parquet with their types."""
        try:
            return pq.read_schema(self.path / FIGURES)
        except UNREADABLE as err:
            raise self._unreadable(FIGURES, err) from err

    def rows(self, columns: dict[str, pa.DataType]) -> Iterator[dict[str, Any]]:
        """Yields the images as dictionaries, a bounded number in memory at a time.

        columns: name and type of each column to read. Raises DataError if the table cannot be read, or lacks a
        column of that type.
        """
        if self.published:
            yield from self.table(columns=list(columns)).to_pylist()
            return
        try:
            yield from parquet_rows(self.path / FIGURES, columns)
        except UNREADABLE as err:
            raise self._unreadable(FIGURES, err) from err

    def checked_table(self, columns: dict[str, pa.DataType]) -> pa.Table:
        """Returns columns of the images of all splits; raises DataError as `rows` does."""
        if self.published:
            return self.table(columns=list(columns))
        try:
            return read_parquet(self.path / FIGURES, columns)
        except UNREADABLE as err:
            raise self._unreadable(FIGURES, err) from err

    def dropped_rows(self, columns: dict[str, pa.DataType]) -> Iterator[dict[str, Any]]:
        """Yields the dropped figures (removed.parquet), with their reasons; a dataset without the table has none."""
        if not (self.path / DROPPED).is_file():
            return
        try:
            yield from parquet_rows(self.path / DROPPED, columns)
        except UNREADABLE as err:
            raise self._unreadable(DROPPED, err) from err

    def tombstones(self) -> Iterator[list[str]]:
        """Yields the cells of each row of tombstones.csv; a dataset without the table has none.

        Raises DataError for an invalid row: an id must not be given again because its row could not be read.
        """
        if (self.path / TOMBSTONES).is_file():
            yield from self._csv(TOMBSTONES, TOMBSTONE_COLUMNS, skip_invalid=False)

    def articles(self) -> frozenset[str]:
        """Returns the articles of the images: article_key, or the PMCIDs of the published ROCOv2."""
        if not self.published:
            return frozenset(row["article_key"] or "" for row in self.rows(types("article_key")))
        cells = (row[1].strip() for row in self._csv(LICENSES, LICENSE_COLUMNS))
        return frozenset(clean_pmcid(cell)[0] or cell for cell in cells)

    def concept_names(self) -> dict[str, str]:
        """Returns the canonical name of each CUI in cui_mapping.csv; raises DataError if it cannot be read."""
        return {cells[0]: cells[1] for cells in self._csv(CUI_MAPPING, CUI_MAPPING_COLUMNS)}

    # --- images ----------------------------------------------------------------------------------------------

    def image(self, id: str) -> bytes:
        """Returns the original bytes of an image; raises DataError if it is missing or corrupt."""
        file = self.image_index.files.get(id)
        if file is None:
            raise DataError(f"no image '{excerpt(id)}' in {self.path}", f"run roco verify {self.path} for details")
        return self._reader.read(file)

    def images(self, split: str | None = None) -> Iterator[tuple[str, bytes]]:
        """Yields id and original bytes of each image, of all splits or of one, in the order of the ids."""
        for id in self.table(split, ["id"])["id"].to_pylist():
            yield id, self.image(id)

    @cached_property
    def image_index(self) -> ImageIndex:
        """Returns the image files by id, as they were when first requested."""
        return index_images(self.path)

    # --- the rest --------------------------------------------------------------------------------------------

    @property
    def card(self) -> str:
        """Returns the dataset card (README.md); empty if the dataset has none."""
        try:
            return read_text(self.path / CARD) if (self.path / CARD).is_file() else ""
        except UNREADABLE as err:
            raise self._unreadable(CARD, err) from err

    @property
    def metadata(self) -> Metadata:
        """Returns title, creators and contact as the publisher set them; nothing is set for the published ROCOv2."""
        try:
            return read_metadata(self.path / METADATA)
        except ValueError as err:
            raise self._unreadable(METADATA, err) from err

    def table_files(self, split: str | None = None) -> list[Path]:
        """Returns the files that contain captions and concepts, of all splits or of one."""
        if not self.published:
            return [self.path / FIGURES]
        splits = SPLITS if split is None else (split,)
        files = [self.path / f"{name}_{table}.csv" for name in splits for table in SPLIT_TABLES]
        return [file for file in files if file.is_file()]

    def verify(
        self,
        licenses: Collection[str] | None = None,
        retracted: Iterable[str | Path] = (),
        progress: Progress | None = None,
    ) -> list[Problem]:
        """Checks every file of the dataset and returns what is wrong; see `roco.verify`."""
        from roco.release.verify import verify_release
        from roco.release.verify_published import verify_published

        lists = [Path(path) for path in retracted]
        if self.published:
            return verify_published(self.path, licenses or DEFAULT_LICENSES, lists, progress or NullProgress())
        return verify_release(self.path, licenses, lists, progress or NullProgress())

    def __len__(self) -> int:
        """Returns the number of images."""
        if self.published:
            return len(self.table(columns=["id"]))
        try:
            return int(pq.read_metadata(self.path / FIGURES).num_rows)
        except UNREADABLE as err:
            raise self._unreadable(FIGURES, err) from err

    def close(self) -> None:
        """Closes the zips of images; they are opened again when an image is read."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Release.open({str(self.path)!r})"

    # --- helpers ---------------------------------------------------------------------------------------------

    def _check_columns(self, wanted: Iterable[str]) -> None:
        known = self.columns
        for name in wanted:
            if name not in known:
                raise UsageError(f"unknown column '{excerpt(name)}' ({self.path})", nearest(name, known))

    def _csv(self, name: str, header: tuple[str, ...], *, skip_invalid: bool = True) -> Iterator[list[str]]:
        """Yields the valid rows of a table; raises DataError if it is unreadable or has another header."""
        try:
            for line, cells, complaint in csv_rows(self.path / name, header, exact=False):
                if cells is not None:
                    yield cells
                elif line == 1 or not skip_invalid:
                    raise self._invalid(f"{name}, line {line}", complaint)
        except UNREADABLE as err:
            raise self._unreadable(name, err) from err

    def _unreadable(self, name: str, err: Exception) -> DataError:
        return self._invalid(name, f"unreadable: {excerpt(err) or type(err).__name__}")

    def _invalid(self, name: str, what: str) -> DataError:
        return DataError(f"{self.path / name}: {what}", f"run roco verify {self.path} for details")


def verify(
    path: str | Path, licenses: Collection[str] | None = None, retracted: Iterable[str | Path] = ()
) -> list[Problem]:
    """Checks every file of a dataset and returns what is wrong; the list is empty for a valid one.

    licenses: the allowed licences; by default those that the recipe of the release allows, or CC BY and CC BY-NC if it
    states none. retracted: lists of retracted papers; their images are reported.
    Tables and images are streamed; nothing is unpacked to disk. The published ROCOv2 has no checksums, so
    only its content is checked.
    """
    return Release.open(path).verify(licenses, retracted)
