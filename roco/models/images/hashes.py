"""Perceptual hashes: few bits that stay when an image is recompressed or scaled, and differ between images."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 64  # pixels of the one small image that both hashes look at
LOW = 8  # lowest frequencies a side, the constant one among them: 64 bits
FINE = 24  # lowest frequencies a side of the second hash: 576 bits
FAINT = 0.05 * SIDE  # standard deviations of the image below which a frequency is noise
FLAT = 4.0  # standard deviation, in grey levels, below which an image shows nothing to tell it by


def small(image: Image.Image) -> NDArray[np.float64] | None:
    """The image as 64 x 64 grey levels, whatever its format; None for one that shows nothing to tell it by.

    One way for all: luma of the pixels, then means weighted by a triangle over all pixels around, so that decoder and
    format leave no trace. Means over boxes would be a third faster, but with images of few hundred pixels a side the
    edges of the boxes fall elsewhere once the image is scaled.
    """
    grey = image if image.mode == "L" else image.convert("L")
    pixels = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=np.float64)
    return None if pixels.std() < FLAT else pixels


def phash(pixels: NDArray[np.float64]) -> str:
    """64 bits as 16 hex digits: which of the lowest 8 x 8 frequencies, but for the constant, lie above their median.

    pixels: 64 x 64. After Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions (2010).
    """
    low = _frequencies(pixels, LOW).ravel()
    bits = low > np.median(low[1:])
    bits[0] = low[1] > low[LOW]  # the constant says only how bright the image is
    return np.packbits(bits).tobytes().hex()


def phash_fine(pixels: NDArray[np.float64]) -> str:
    """576 bits as 144 hex digits: which of the lowest 24 x 24 frequencies, but for the constant, are clearly positive.

    Many frequencies tell frames of one clip apart, which the few of `phash` take for the same; and noise in black
    corners, of which differences between neighbours are full, is in none of them. pixels: 64 x 64.
    """
    bits = _frequencies(pixels, FINE) > FAINT * pixels.std()
    bits[0, 0] = False
    return np.packbits(bits).tobytes().hex()


def _frequencies(pixels: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """The lowest n x n frequencies of the cosine transform (DCT-II)."""
    basis = _cosines(n)
    low: NDArray[np.float64] = basis @ pixels @ basis.T
    return low


@functools.cache
def _cosines(n: int) -> NDArray[np.float64]:
    """The lowest n rows of the cosine transform of 64 samples."""
    k, at = np.arange(n)[:, None], np.arange(SIDE)[None, :]
    return np.cos(np.pi * k * (2 * at + 1) / (2 * SIDE)) * np.where(k == 0, np.sqrt(0.5), 1.0)
