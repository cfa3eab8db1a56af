"""Perceptual hashes: few bits that stay when an image is recompressed or scaled, and differ between images."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 64  # pixels of the one small image that both hashes look at
LOW = 8  # lowest frequencies a side, the constant one among them: 64 bits
FLAT = 4.0  # standard deviation, in grey levels, below which an image shows nothing to tell it by


def small(image: Image.Image) -> NDArray[np.float64] | None:
    """The image as 64 x 64 grey levels by exact area means, whatever its format; None for one that shows nothing.

    One way for all: luma of the pixels, then means over boxes, so that decoder and format leave no trace.
    """
    grey = image if image.mode == "L" else image.convert("RGB").convert("L")
    pixels = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float64)
    return None if pixels.std() < FLAT else pixels


def phash(pixels: NDArray[np.float64]) -> str:
    """64 bits as 16 hex digits: which of the lowest 8 x 8 frequencies, but for the constant, lie above their median.

    pixels: 64 x 64. After Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions (2010).
    """
    basis = _cosines()
    low = (basis @ pixels @ basis.T).ravel()
    bits = low > np.median(low[1:])
    bits[0] = low[1] > low[LOW]  # the constant says only how bright the image is
    return np.packbits(bits).tobytes().hex()


def dhash(pixels: NDArray[np.float64]) -> str:
    """256 bits as 64 hex digits: whether each of 16 x 16 fields is brighter than its right neighbour."""
    rows = pixels.reshape(16, SIDE // 16, SIDE).mean(axis=1)
    at = np.linspace(0, SIDE, 18).round().astype(int)
    fields = np.add.reduceat(rows, at[:-1], axis=1) / np.diff(at)
    return np.packbits(fields[:, :-1] > fields[:, 1:]).tobytes().hex()


@functools.cache
def _cosines() -> NDArray[np.float64]:
    """The lowest rows of the cosine transform (DCT-II) of 64 samples."""
    k, n = np.arange(LOW)[:, None], np.arange(SIDE)[None, :]
    return np.cos(np.pi * k * (2 * n + 1) / (2 * SIDE)) * np.where(k == 0, np.sqrt(0.5), 1.0)
