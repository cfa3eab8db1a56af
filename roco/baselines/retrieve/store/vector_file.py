"""Reads a file of vectors (.npy, 16 bits) in blocks, because it may be larger than the memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.readers import UNREADABLE
from roco.base.terminal import excerpt
from roco.baselines.neighbours.search import unit
from roco.baselines.retrieve.folder import AGAIN
from roco.models import arrays

_BLOCK = 1024  # vectors


def in_blocks(vectors: Any) -> Iterator[NDArray[np.float16]]:
    """Yields the rows of a mapped file, read in blocks: mapped pages would count as memory of this process."""
    width = vectors.shape[1]
    with Path(vectors.filename).open("rb") as file:
        file.seek(vectors.offset)
        for start in range(0, max(1, len(vectors)), _BLOCK):
            rows = min(_BLOCK, len(vectors) - start)
            yield np.frombuffer(file.read(rows * width * 2), np.float16).reshape(rows, width)


def read_vectors(path: Path, rows: int) -> NDArray[np.float16]:
    """Returns the vectors of a file, mapped; raises ValueError unless there is one for each row."""
    try:
        vectors = arrays.read_one(path, mapped=True)
    except UNREADABLE as err:
        raise DataError(f"{path} cannot be read: {excerpt(err)}", AGAIN) from err
    if vectors.ndim != 2 or len(vectors) != rows or vectors.dtype != np.float16:
        raise ValueError(f"{path.name} has other rows")
    return vectors


def centred(
    path: Path, vectors: NDArray[Any], centres: Mapping[str, NDArray[np.float32]], of: str
) -> NDArray[np.float32]:
    """Returns vectors of an encoder as those of an index are compared; raises DataError if they have another width."""
    if of not in centres or vectors.shape[1:] != centres[of].shape:
        raise DataError(f"{path}: its vectors are not those of its encoder", AGAIN)
    return unit(vectors, centres[of])
