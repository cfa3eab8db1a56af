"""Images of a release as typed rows, and their conversion to other libraries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from roco.base.errors import MissingExtra, UsageError, nearest
from roco.base.schema import SPLITS
from roco.base.terminal import excerpt
from roco.release.load.challenge import open_challenge
from roco.release.load.exported import AGAIN, open_export
from roco.release.load.figures import Figures
from roco.release.load.row import FIELDS, Row
from roco.release.load.rows import Rows
from roco.release.load.vocabulary import Vocabulary
from roco.release.read import Release

if TYPE_CHECKING:
    import datasets
    import duckdb
    import pandas

    from roco.release.load.torch_dataset import TorchDataset


class Dataset(Rows):
    """The images of a release or a part of them, one row each, in the order of the ids.

    `data[0]` is a row; `data[:100]`, `data[[3, 5]]` and `data.filter(…)` are datasets of the same images, and copy
    nothing. Columns are read when they are first used, images when they are decoded.
    """

    def to_torch(
        self,
        image: Callable[[Any], Any] | int | None = None,
        target: str | Sequence[str] | Callable[[Row], Any] | None = None,
        vocabulary: Vocabulary | None = None,
    ) -> TorchDataset:
        """Returns a map-style dataset of PyTorch with items (image, target); needs the extra `train`.

        image: a transform of the decoded RGB image (PIL), or a side in pixels to which images are scaled; by default
        they become 8-bit tensors of their own size. target: a task (modality, region, direction, concepts), `id` or
        `caption`; several as a list, which gives a dictionary; a function of the row; by default the four tasks.
        Classes are integers, -1 without a label; concepts are multi-hot 32-bit floats. vocabulary: as in `targets`.
        It can be used with workers of a DataLoader that are forked or spawned.
        """
        try:
            import torch  # noqa: F401
        except ImportError as err:
            raise MissingExtra("torch", "train") from err
        from roco.release.load.torch_dataset import TorchDataset

        return TorchDataset(self, image, target, vocabulary)

    def to_hf(self, folder: str | Path | None = None) -> datasets.Dataset:
        """Returns a dataset of Hugging Face with the original bytes as feature Image; needs the extra `hub`.

        folder: a new folder to which images and columns are written, so that they need no memory; by default they are
        in memory, if there are at most 2 GB. The columns are those of `roco.release.load.hub.COLUMNS`.
        """
        from roco.release.load.hub import to_hf

        return to_hf(self, None if folder is None else Path(folder))

    def to_pandas(self, columns: Sequence[str] | None = None) -> pandas.DataFrame:
        """Returns columns as a data frame, all by default; needs pandas, which the extra `hub` installs."""
        try:
            import pandas  # noqa: F401
        except ImportError as err:
            raise MissingExtra("pandas", "hub") from err
        frame: pandas.DataFrame = self.to_arrow(columns).to_pandas()
        return frame

    def to_duckdb(self, columns: Sequence[str] | None = None) -> duckdb.DuckDBPyConnection:
        """Returns a connection of DuckDB with the rows as table `figures`; needs the extra `select`."""
        try:
            import duckdb
        except ImportError as err:
            raise MissingExtra("duckdb", "select") from err
        connection = duckdb.connect()
        connection.register("figures", self.to_arrow(columns))
        return connection


def load(path: str | Path, split: str | None = None, *, images: bool = True) -> Dataset:
    """Returns the images of a dataset, of all splits or of one, as typed rows in the order of the ids.

    path: a release of roco, a folder in the layout of the published ROCOv2, the files of an ImageCLEF challenge, or
    an export of `roco export` as hf or webdataset. split: train, valid or test. images: if false, rows have no
    images, and the folder of a release needs none. Raises UsageError, with the nearest name, for an unknown split,
    and DataError for a folder that is no dataset.
    """
    if split is not None and split not in SPLITS:
        raise UsageError(f"unknown split '{excerpt(split)}'", nearest(split, SPLITS))
    figures = _figures(Path(path))
    figures.read(name for name in FIELDS if name in figures.names)
    if split is None:
        return Dataset(figures, np.arange(figures.n_rows), images)
    return Dataset(figures, np.flatnonzero(np.asarray(pc.equal(figures.column("split"), split))), images)


def _figures(path: Path) -> Figures:
    exported = open_export(path)
    if exported is not None:
        return Figures(exported, AGAIN)
    challenge = open_challenge(path)
    if challenge is not None:
        return Figures(challenge, "check the files of the folder")
    return Figures(Release.open(path), f"run roco verify {path} for details")
