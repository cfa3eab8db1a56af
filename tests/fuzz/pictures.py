"""Drawn images in every variant of every format that is read; equal numbers give equal bytes."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = Callable[[int], bytes]
SIDES = (96, 72)


def pixels(number: int, channels: int = 1) -> NDArray[np.uint8]:
    """Returns a picture of rings, stripes and noise, height x width (x channels), different for each number."""
    rng = np.random.default_rng(number)
    width, height = SIDES
    y, x = np.mgrid[:height, :width].astype(float)
    rings = np.sin(np.hypot(y - rng.uniform(0, height), x - rng.uniform(0, width)) * rng.uniform(0.1, 0.9))
    stripes = np.sin(x * rng.uniform(0.05, 0.6) + y * rng.uniform(0.05, 0.6))
    grey = 127 + 60 * rings + 50 * stripes + rng.normal(0, rng.uniform(0, 8), (height, width))
    layers = [np.clip(grey * rng.uniform(0.6, 1.0), 0, 255) for _ in range(channels)]
    made = np.stack(layers, axis=-1).astype(np.uint8)
    return made[..., 0] if channels == 1 else made


def _saved(mode: str, kind: str, frames: int = 1, **options: Any) -> Picture:
    """Returns a picture that Pillow writes, from grey or RGB samples that it converts to a mode."""

    def make(number: int) -> bytes:
        images = [_in_mode(mode, number + 1_000_003 * frame) for frame in range(frames)]
        more = {"save_all": True, "append_images": images[1:]} if frames > 1 else {}
        out = io.BytesIO()
        images[0].save(out, kind, **options, **more)
        return out.getvalue()

    return make


def _in_mode(mode: str, number: int) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(pixels(number).astype(np.uint16) * 211)
    if mode in ("L", "1"):
        return Image.fromarray(pixels(number)).convert(mode)
    if mode == "LA":
        return Image.fromarray(pixels(number, 2), "LA")
    if mode == "RGBA":
        return Image.fromarray(pixels(number, 4), "RGBA")
    return Image.fromarray(pixels(number, 3)).convert(mode)


def _interlaced_png(number: int) -> bytes:
    """Returns a grey PNG in seven passes (Adam7), which Pillow cannot write."""
    image = pixels(number)
    raw = b""
    for y, x, dy, dx in (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ):
        raw += b"".join(b"\0" + row.tobytes() for row in image[y::dy, x::dx])
    header = struct.pack(">LLBBBBB", image.shape[1], image.shape[0], 8, 0, 0, 0, 1)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    parts = [
        struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _white_is_zero_tiff(number: int) -> bytes:
    """Returns a grey TIFF in which white is zero, as scanners write it."""
    data = bytearray(_saved("L", "TIFF")(number))
    (at,) = struct.unpack("<L", data[4:8])
    (entries,) = struct.unpack("<H", data[at : at + 2])
    for entry in range(at + 2, at + 2 + 12 * entries, 12):
        if struct.unpack("<H", data[entry : entry + 2])[0] == 262:
            data[entry + 8 : entry + 10] = b"\0\0"
    return bytes(data)


PICTURES_BY_FORMAT: dict[str, dict[str, Picture]] = {
    "JPEG": {
        "baseline": _saved("RGB", "JPEG", quality=85),
        "baseline 4:4:4": _saved("RGB", "JPEG", quality=92, subsampling=0),
        "grey": _saved("L", "JPEG", quality=80),
        "progressive": _saved("RGB", "JPEG", quality=85, progressive=True),
        "progressive grey": _saved("L", "JPEG", quality=80, progressive=True),
        "CMYK": _saved("CMYK", "JPEG", quality=85),
        "restart markers": _saved("L", "JPEG", quality=85, restart_marker_rows=1),
        "optimized": _saved("RGB", "JPEG", quality=60, optimize=True, dpi=(300, 300)),
    },
    "PNG": {
        "grey": _saved("L", "PNG"),
        "16 bits": _saved("I;16", "PNG"),
        "one bit": _saved("1", "PNG"),
        "RGB": _saved("RGB", "PNG"),
        "palette": _saved("P", "PNG"),
        "grey with alpha": _saved("LA", "PNG"),
        "RGB with alpha": _saved("RGBA", "PNG"),
        "interlaced": _interlaced_png,
    },
    "TIFF": {
        "uncompressed": _saved("L", "TIFF"),
        "RGB, LZW": _saved("RGB", "TIFF", compression="tiff_lzw"),
        "grey, LZW": _saved("L", "TIFF", compression="tiff_lzw"),
        "deflate": _saved("L", "TIFF", compression="tiff_adobe_deflate"),
        "packbits": _saved("L", "TIFF", compression="packbits"),
        "JPEG": _saved("RGB", "TIFF", compression="jpeg"),
        "fax": _saved("1", "TIFF", compression="group4"),
        "16 bits": _saved("I;16", "TIFF"),
        "white is zero": _white_is_zero_tiff,
        "three pages": _saved("L", "TIFF", 3, compression="tiff_lzw"),
    },
    "GIF": {"grey": _saved("L", "GIF"), "palette": _saved("P", "GIF"), "three frames": _saved("L", "GIF", 3)},
    "WEBP": {
        "lossy": _saved("RGB", "WEBP", quality=80),
        "lossless": _saved("RGB", "WEBP", lossless=True),
        "alpha": _saved("RGBA", "WEBP", quality=80),
        "three frames": _saved("RGB", "WEBP", 3, quality=80),
    },
    "BMP": {"grey": _saved("L", "BMP"), "RGB": _saved("RGB", "BMP"), "one bit": _saved("1", "BMP")},
}  # fmt: skip
"""Format -> variant -> what draws it."""
