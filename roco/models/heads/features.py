"""The blocks of numbers that heads read, and how a table provides them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roco.models.images import layout

Floats = NDArray[np.float32]


class Block(NamedTuple):
    """A block of numbers: the measure that provides it and the columns from which it is made."""

    need: str
    columns: tuple[str, ...]


BLOCKS: Mapping[str, Block] = {
    "embedding": Block("embed", ("embedding",)),
    "layout": Block("layout", ("layout",)),
}

WIDTHS = {"layout": len(layout.NAMES)}
"""Numbers of a block; of an embedding, the card of the backbone says it."""


def read(batch: pa.Table, block: str) -> tuple[Floats, NDArray[np.bool_]]:
    """Returns the numbers of a block, one row for each figure, and which figures have them."""
    if block == "embedding":
        return _embeddings(batch["embedding"])
    return _lists(batch["layout"], WIDTHS[block])


def _embeddings(column: pa.ChunkedArray) -> tuple[Floats, NDArray[np.bool_]]:
    values = column.to_pylist()
    given = np.array([value is not None for value in values], np.bool_)
    width = max((len(value) for value in values if value is not None), default=2)
    out = np.zeros((len(values), width // 2), np.float32)
    for row, value in enumerate(values):
        if value is not None:
            out[row] = np.frombuffer(value, "<f2")
    return out, given


def _lists(column: pa.ChunkedArray, width: int) -> tuple[Floats, NDArray[np.bool_]]:
    values = column.to_pylist()
    given = np.array([value is not None for value in values], np.bool_)
    out = np.zeros((len(values), width), np.float32)
    for row, value in enumerate(values):
        if value is not None:
            out[row] = value
    return out, given
