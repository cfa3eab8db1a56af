"""Vectors of the captions of a release, stored in parts, so that an interrupted computation goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.progress import NullProgress, Progress
from roco.baselines.retrieve.encoders.encoder import TextEncoder
from roco.models import arrays

PART = 256
"""Captions of one file of the store."""

_MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class EmbeddedTexts:
    """Vectors of length 1, rows x width, 0 where there is no text. has: whether a row has one."""

    vectors: NDArray[np.float16]
    has: NDArray[np.bool_]


def embed_texts(
    texts: Sequence[str], encoder: TextEncoder, store: Path | None = None, progress: Progress | None = None
) -> EmbeddedTexts:
    """Returns the vector of each text; blank ones have none. store: a folder for parts that are done."""
    shown = progress or NullProgress()
    vectors = np.zeros((len(texts), encoder.stated.width), np.float16)
    has = np.array([bool(text.strip()) for text in texts], bool)
    shown.start("captions", len(texts), 0)
    for start in range(0, len(texts), PART):
        rows = [row for row in range(start, min(start + PART, len(texts))) if has[row]]
        file = None if store is None else store / f"captions-{start:08}.npz"
        done = None if file is None else _stored(file, (len(rows), encoder.stated.width))
        if done is None:
            done = encoder.texts([texts[row] for row in rows]).astype(np.float16)
            if file is not None:
                arrays.write(file, {"vectors": done})
        vectors[rows] = done
        shown.advance(min(PART, len(texts) - start))
    return EmbeddedTexts(vectors, has)


def _stored(path: Path, shape: tuple[int, int]) -> NDArray[np.float16] | None:
    """Returns a part that is stored; None if it is missing, or damaged, as by a crash of the machine."""
    if not path.is_file():
        return None
    try:
        found = arrays.read(path, _MOST_BYTES, "a part of the vectors of captions", "").get("vectors")
    except DataError:
        return None
    return found if found is not None and found.shape == shape and found.dtype == np.float16 else None
