"""Perceptual hashes: short codes that hardly change when an image is recompressed or scaled."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 64  # pixels a side of the reduced image from which both hashes are computed
LOW = 8  # frequencies a side in the first hash, with the constant one: 64 bits
FINE = 24  # frequencies a side in the second hash: 576 bits
NOISE = 0.05 * SIDE  # standard deviations of the image; frequencies below that are noise
DUPLICATE_BITS, DUPLICATE_FINE_BITS = 6, 36  # of duplicates, the first and second hash differ in at most so many bits
LEAST_CONTRAST = 4.0  # standard deviation in grey levels; an image with less has no content to compare


def hashes(image: Image.Image) -> tuple[str, str] | tuple[None, None]:
    """Returns both hashes of an image; None twice if it has too little contrast to be compared."""
    reduced = small(image)
    return (None, None) if reduced is None else (phash(reduced), phash_fine(reduced))


def small(image: Image.Image) -> NDArray[np.float64] | None:
    """Reduces an image to 64 x 64 grey levels; returns None if it has too little contrast to be compared.

    All formats are reduced alike: luma, then averages with triangular weights, so that the format and the decoder do
    not matter. Averages over boxes would be a third faster, but in images of a few hundred pixels a side the edges of
    the boxes move when the image is scaled.
    """
    grey = image if image.mode == "L" else image.convert("L")
    pixels = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=np.float64)
    return None if pixels.std() < LEAST_CONTRAST else pixels


def phash(pixels: NDArray[np.float64]) -> str:
    """Returns 64 bits as 16 hex digits: which of the lowest 8 x 8 frequencies are above their median.

    pixels: 64 x 64. After Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions (2010).
    """
    low = _frequencies(pixels, LOW).ravel()
    bits = low > np.median(low[1:])
    bits[0] = low[1] > low[LOW]  # the constant is only the brightness; another comparison takes its bit
    return np.packbits(bits).tobytes().hex()


def phash_fine(pixels: NDArray[np.float64]) -> str:
    """Returns 576 bits as 144 hex digits: which of the lowest 24 x 24 frequencies are positive beyond noise.

    The many frequencies distinguish frames of one clip, which have the same `phash`. Noise in black corners, which
    dominates hashes of differences between neighbouring pixels, hardly changes them. pixels: 64 x 64.
    """
    bits = _frequencies(pixels, FINE) > NOISE * pixels.std()
    bits[0, 0] = False
    return np.packbits(bits).tobytes().hex()


def _frequencies(pixels: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Returns the lowest n x n frequencies of the discrete cosine transform (DCT-II)."""
    basis = _cosines(n)
    low: NDArray[np.float64] = basis @ pixels @ basis.T
    return low


@functools.cache
def _cosines(n: int) -> NDArray[np.float64]:
    """Returns the first n rows of the matrix of the DCT-II of 64 samples: n x 64."""
    k, at = np.arange(n)[:, None], np.arange(SIDE)[None, :]
    return np.cos(np.pi * k * (2 * at + 1) / (2 * SIDE)) * np.where(k == 0, np.sqrt(0.5), 1.0)
