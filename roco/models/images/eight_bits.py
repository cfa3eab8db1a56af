"""Converts decoded images of any mode to 8-bit grey or RGB."""

from __future__ import annotations

import numpy as np
from PIL import Image as Pillow
from PIL import ImageChops

_DEEP_MODES = ("I", "F")  # Pillow's modes of 32-bit samples; those of 16 bits begin with "I;"
_WINDOW = (0.5, 99.5)  # percentiles of the samples of a deep image that are mapped to black and white
_WINDOW_SAMPLES = 1_000_000  # samples from which the percentiles are computed


def to_8_bits(image: Pillow.Image, white_is_zero: bool = False) -> Pillow.Image:
    """Returns an image in mode L or RGB: deep samples windowed, transparent pixels on white.

    white_is_zero: whether grey samples are stored as a negative.
    """
    if image.mode.startswith("I;") or image.mode in _DEEP_MODES:
        return _window(image, white_is_zero)
    if image.mode == "La":  # grey multiplied by its opacity, which Pillow converts to no other mode
        image = image.convert("LA")
    if white_is_zero:
        grey, *others = image.split()
        image = Pillow.merge(image.mode, (ImageChops.invert(grey), *others))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Pillow.new("RGBA", rgba.size, "white")
        flat = Pillow.alpha_composite(white, rgba)
        return flat.convert("L" if image.mode in ("L", "LA", "1") else "RGB")
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _window(image: Pillow.Image, white_is_zero: bool) -> Pillow.Image:
    """Maps 16- and 32-bit samples linearly to 8 bits, from the 0.5th percentile (black) to the 99.5th (white).

    Pillow's own conversion would clip everything above 255 to white.
    """
    samples = np.clip(np.nan_to_num(np.asarray(image, dtype=np.float32)), -1e30, 1e30)
    if white_is_zero:
        samples = -samples
    step = max(1, samples.size // _WINDOW_SAMPLES)
    low, high = np.percentile(samples.ravel()[::step].astype(np.float64), _WINDOW)
    scale = np.float32(255.0 / max(high - low, 1e-6))  # a constant image has a window of width 0
    with np.errstate(over="ignore"):
        scaled = (samples - np.float32(low)) * scale
    return Pillow.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))
