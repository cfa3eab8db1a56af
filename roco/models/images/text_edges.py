"""Decides cheaply whether an image may contain text: thin strokes of high contrast in both directions.

Letters have strokes that are brighter, or darker, than what is on either side of them, both across and down; edges of
organs are steps, and vessels, needles and the marks of axes run in one direction.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

VERSION = 1
"""Is raised when another image passes."""

SIDE = 960  # pixels to which the longer side is reduced, as for OCR
CELL = 16  # pixels a side of the squares in which strokes are counted
REACHES = (2, 4)  # pixels from the middle of a stroke to what is beside it
CONTRAST = 45  # grey levels between a stroke and what is on either side
STROKES = 6  # pixels of strokes across, and as many down, that a square with text has
CELLS = 4  # squares with text that an image with text has

_Bools = NDArray[np.bool_]


def has_text_edges(image: NDArray[np.uint8]) -> bool:
    """Returns whether an image (height x width, or height x width x 3) may contain text."""
    grey = _grey(image)
    across, down = _strokes(grey), _strokes(grey.T).T
    counts = np.minimum(_per_cell(across), _per_cell(down))
    return int((counts >= STROKES).sum()) >= CELLS


def _grey(image: NDArray[np.uint8]) -> NDArray[np.int16]:
    picture = Image.fromarray(np.ascontiguousarray(image)).convert("L")
    scale = SIDE / max(picture.size)
    if scale < 1:
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    return np.asarray(picture).astype(np.int16)


def _strokes(grey: NDArray[np.int16]) -> _Bools:
    """Marks pixels that are brighter, or darker, than those on their left and on their right."""
    found = np.zeros(grey.shape, np.bool_)
    for reach in REACHES:
        if grey.shape[1] <= 2 * reach:
            continue
        middle = grey[:, reach:-reach]
        left, right = middle - grey[:, : -2 * reach], middle - grey[:, 2 * reach :]
        found[:, reach:-reach] |= (np.minimum(left, right) >= CONTRAST) | (np.maximum(left, right) <= -CONTRAST)
    return found


def _per_cell(marks: _Bools) -> NDArray[np.intp]:
    """Counts marks in squares; those at the right and lower margin may be smaller."""
    padded = np.pad(marks, [(0, -side % CELL) for side in marks.shape])
    height, width = padded.shape
    counts: NDArray[np.intp] = padded.reshape(height // CELL, CELL, width // CELL, CELL).sum((1, 3))
    return counts
