"""Images of a release as a sequence of typed rows: parts of it, columns and targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, Self, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.base.errors import DataError, UsageError
from roco.base.terminal import excerpt
from roco.release.load.credits import attributions
from roco.release.load.figures import Figures
from roco.release.load.row import FIELDS, Row, row_of
from roco.release.load.selection import has_value
from roco.release.load.targets import CLASSES, Targets, targets_of
from roco.release.load.vocabulary import FILE, Vocabulary

ROWS_AT_ONCE = 1000


class Rows(Sequence[Row]):
    """Images of a release, one row each.

    `data[0]` is a row; `data[:100]`, `data[[3, 5]]` and `data.filter(…)` are datasets of the same images, and copy
    nothing. Columns are read when they are first used, images when they are decoded.
    """

    def __init__(self, figures: Figures, positions: NDArray[np.int64], images: bool = True) -> None:
        self.figures = figures
        self._positions = positions
        self.has_images = images

    # --- rows ------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, key: int) -> Row: ...
    @overload
    def __getitem__(self, key: slice | Sequence[int] | NDArray[Any]) -> Self: ...

    def __getitem__(self, key: int | slice | Sequence[int] | NDArray[Any]) -> Row | Self:
        if isinstance(key, str):
            raise UsageError(f"a dataset has no item '{excerpt(key)}'", "use .row(id) or .column(name)")
        if isinstance(key, int | np.integer) and not isinstance(key, bool):
            return self._row(int(self._positions[key]))
        if isinstance(key, slice):
            return self._of(self._positions[key])
        if isinstance(key, bool | float) or key is None:
            raise UsageError(f"a dataset has no item {key!r}", "write a position, a slice or a list of positions")
        chosen = np.asarray(key)
        return self._of(self._positions[chosen if chosen.dtype == bool else chosen.astype(np.int64)])

    def __iter__(self) -> Iterator[Row]:
        names = self._fields
        table = self.figures.table(names)
        for start in range(0, len(self), ROWS_AT_ONCE):
            positions = self._positions[start : start + ROWS_AT_ONCE]
            values = table.take(pa.array(positions)).to_pylist()
            for position, row in zip(positions.tolist(), values, strict=True):
                yield row_of(row, self.figures, position, self.has_images)

    def row(self, id: str) -> Row:
        """Returns the row with an id; raises UsageError if the dataset has none."""
        position = self._position_of.get(id)
        if position is None:
            raise UsageError(f"no row '{excerpt(id)}' among {len(self):,} rows", "check the id and the split")
        return self._row(position)

    def filter(self, condition: Callable[[Row], bool] | None = None, /, **values: Any) -> Self:
        """Returns the rows that fulfil all conditions.

        condition: a function of a row. values: `modality="DRCT"` selects by the value of a column, a list or set of
        values selects any of them, None selects rows without a value; of a column of lists, such as concepts, one that
        is contained. Raises UsageError, with the nearest name, for an unknown column or label.
        """
        found = self
        for name, wanted in values.items():
            mask = has_value(name, found.column(name), wanted)
            found = found._of(found._positions[mask])
        if condition is None:
            return found
        kept = [bool(condition(row)) for row in found]
        return found._of(found._positions[np.array(kept, dtype=bool)])

    # --- columns ---------------------------------------------------------------------------------------------

    @property
    def columns(self) -> list[str]:
        """Returns the names of the columns."""
        return list(self.figures.names)

    def column(self, name: str) -> pa.Array:
        """Returns the values of a column, one for each row; raises UsageError, with the nearest name, if unknown."""
        return self.figures.column(name).take(pa.array(self._positions))

    def to_arrow(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Returns columns as a table; all of them by default."""
        if isinstance(columns, str):
            columns = [columns]
        names = self.columns if columns is None else list(columns)
        return self.figures.table(names).take(pa.array(self._positions))

    def attributions(self) -> list[str | None]:
        """Returns the attribution of each image as exports state it: title, authors, source and licence.

        None for an image of the published ROCOv2 that its licence table does not contain.
        """
        return attributions(self.figures, pa.array(self._positions))

    # --- targets ---------------------------------------------------------------------------------------------

    @property
    def vocabulary(self) -> Vocabulary:
        """Returns the concepts of the training images, the most frequent first, equally frequent ones by CUI.

        It is that of the whole release, whatever was selected from it, so that all parts have the same targets; a file
        `labels/concepts_vocab.txt` in the release takes precedence.
        """
        figures = self.figures
        path = figures.path / FILE
        if path.is_file():
            return Vocabulary.read(path)
        train = pc.equal(figures.column("split"), "train")
        rows = figures.column("concepts").filter(train)
        if not len(rows):
            what = f"no training images in {figures.path}, whose concepts would be the vocabulary"
            raise DataError(what, "give vocabulary=roco.Vocabulary.read(…), that of the training set")
        return Vocabulary.of(concepts or () for concepts in rows.to_pylist())

    def targets(self, vocabulary: Vocabulary | None = None) -> Targets:
        """Returns the targets of four tasks: classes of modality, region and direction, and multi-hot concepts.

        vocabulary: the concepts of the multi-hot vectors; by default `vocabulary`.
        """
        chosen = self.vocabulary if vocabulary is None else vocabulary
        labels = {kind: self._labels(kind) for kind in CLASSES}
        return targets_of(labels, self.column("id"), self.column("concepts"), chosen)

    def __repr__(self) -> str:
        counts = pc.value_counts(self.column("split")).to_pylist()
        splits = ", ".join(f"{count['values']} {count['counts']:,}" for count in counts)
        return f"<roco.Dataset of {len(self):,} images ({splits}) in {self.figures.path}>"

    # --- helpers ---------------------------------------------------------------------------------------------

    @cached_property
    def _fields(self) -> list[str]:
        return [name for name in FIELDS if name in self.figures.names]

    @cached_property
    def _position_of(self) -> dict[str, int]:
        return dict(zip(self.column("id").to_pylist(), self._positions.tolist(), strict=True))

    def _of(self, positions: NDArray[np.int64]) -> Self:
        return type(self)(self.figures, positions, self.has_images)

    def _row(self, position: int) -> Row:
        self.figures.read(self._fields)
        values = {name: self.figures.column(name)[position].as_py() for name in self._fields}
        return row_of(values, self.figures, position, self.has_images)

    def _labels(self, kind: str) -> pa.Array:
        """Returns modality, region or direction; a release without the column has no labels."""
        return self.column(kind) if kind in self.figures.names else pa.nulls(len(self), pa.string())
