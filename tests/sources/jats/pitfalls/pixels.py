"""Images whose stored samples are not what they seem (number 52)."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow

_RAMP = np.tile(np.linspace(0, 1, 64), (32, 1))


@dataclass(frozen=True, slots=True)
class Picture:
    """An image file with the mode it must be stored in.

    left, right: brightness of its darker and its brighter edge as people see them, 0 to 255; least: how many shades
    must be left of it.
    """

    name: str
    data: bytes
    mode: str
    left: int
    right: int
    least: int


def _saved(samples: Pillow.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    samples.save(out, kind, **options)
    return out.getvalue()


_INK = Pillow.merge("CMYK", [Pillow.new("L", (64, 32))] * 3 + [Pillow.fromarray(((1 - _RAMP) * 255).astype(np.uint8))])
_DEEP = Pillow.fromarray((_RAMP * 4000).astype(np.uint16))
_SHADES = Pillow.fromarray((_RAMP * 255).astype(np.uint8))

PICTURES = (
    # Photoshop's way: its JPEGs of four inks hold each sample inverted, and say so in a marker.
    Picture("JPEG of four inks", _saved(_INK, "JPEG", quality=98), "CMYK", 0, 255, 40),
    Picture("TIFF of 12 bits in 16", _saved(_DEEP, "TIFF"), "I;16", 0, 255, 40),
    Picture("PNG of 12 bits in 16", _saved(_DEEP, "PNG"), "I;16", 0, 255, 40),
    Picture("PNG with a palette", _saved(_SHADES.convert("P"), "PNG"), "P", 0, 255, 40),
    Picture("JPEG in grey", _saved(_SHADES, "JPEG", quality=98), "L", 0, 255, 40),
)
