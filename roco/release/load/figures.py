"""The columns and the images of a folder, shared by all datasets that are selected from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, partial
from pathlib import Path

import pyarrow as pa

from roco.base.errors import DataError, UsageError, nearest
from roco.base.labels import KINDS
from roco.base.schema import COLUMNS
from roco.base.terminal import excerpt
from roco.release.folders import ImageFile, ImageReader
from roco.release.load.exported import Source
from roco.release.load.image import LazyImage

MOST_NAMED = 20
"""Columns that an error names."""


class Figures:
    """The columns of a dataset, each read once when it is first used, and its images.

    source: a release, the published ROCOv2 or an export. hint: what to do if it is damaged.
    """

    def __init__(self, source: Source, hint: str) -> None:
        self._source = source
        self._hint = hint
        self._columns: dict[str, pa.Array] = {}
        self.reader = ImageReader(source.path)

    @property
    def path(self) -> Path:
        """Returns the folder of the dataset."""
        return self._source.path

    @property
    def is_published(self) -> bool:
        """Returns whether the dataset has the layout of the published ROCOv2."""
        return self._source.published

    @cached_property
    def names(self) -> list[str]:
        """Returns the names of the columns; the published ROCOv2 gets its labels from the manual concepts."""
        names = self._source.columns
        return [*names, *(kind for kind in KINDS if kind not in names)] if self._source.published else names

    @cached_property
    def n_rows(self) -> int:
        """Returns the number of images."""
        return len(self.column("id"))

    def column(self, name: str) -> pa.Array:
        """Returns a column of all images; raises UsageError, with the nearest name, for an unknown one."""
        self.read([name])
        return self._columns[name]

    def table(self, names: Sequence[str]) -> pa.Table:
        """Returns columns of all images."""
        self.read(names)
        return pa.table([self._columns[name] for name in names], names=list(names))

    def read(self, names: Iterable[str]) -> None:
        """Reads the columns that have not been read yet, all at once."""
        wanted = [name for name in dict.fromkeys(names) if name not in self._columns]
        for name in wanted:
            if name in COLUMNS and name not in self.names:
                more = " …" if len(self.names) > MOST_NAMED else ""
                hint = f"choose another one: {', '.join(self.names[:MOST_NAMED])}{more}"
                raise UsageError(f"no column '{name}' in {self.path}", hint)
            if name not in self.names:
                raise UsageError(f"unknown column '{excerpt(name)}' ({self.path})", nearest(name, self.names))
        if not wanted:
            return
        if self._source.published:
            self._read_published()
            return
        table = self._source.table(columns=wanted)
        for name in wanted:
            self._columns[name] = _whole(table[name])

    def image(self, id: str) -> LazyImage:
        """Returns the image of a row; raises DataError if the folder lacks its file."""
        file = self.file(id)
        return LazyImage(id, file.name, file.where, partial(self.reader.read, file))

    def file(self, id: str) -> ImageFile:
        """Returns the image file of a row; raises DataError if the folder lacks it."""
        index = self._source.image_index
        file = index.files.get(id)
        if file is None:
            # Of a zip that cannot be read at all, every image is missing: the zip is what the user has to mend.
            for problem in index.unreadable:
                raise DataError(f"{self.path / problem.where}: {problem.what}", self._hint)
            raise DataError(f"no image file for '{excerpt(id)}' in {self.path}", self._hint)
        return file

    def image_files(self) -> dict[str, ImageFile]:
        """Returns the image files by id; raises DataError if a zip cannot be read at all."""
        index = self._source.image_index
        for problem in index.unreadable:
            raise DataError(f"{self.path / problem.where}: {problem.what}", self._hint)
        return index.files

    def _read_published(self) -> None:
        """Reads all columns: the tables of the published layout are CSV files, which are read whole."""
        table = self._source.table()
        for name in table.column_names:
            self._columns[name] = _whole(table[name])
        manual = self._columns["concepts_manual"].to_pylist()
        for kind, terms in KINDS.items():
            label_of = {term.cui: label for label, term in terms.items() if term.cui}
            labels = [{label_of[cui] for cui in cuis if cui in label_of} for cuis in manual]
            # Several labels of a kind: a combined modality, or several regions. None of them is the class.
            self._columns[kind] = pa.array([one.pop() if len(one) == 1 else None for one in labels], pa.string())


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """Returns a column as one array, of which a row is found without a search."""
    whole = column.combine_chunks()
    return whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole
