"""Decodes image files as strictly as decoders can: every warning of a library counts as a refusal."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable

import numpy as np
import simplejpeg
from PIL import Image, ImageFile

_IN_VIPS = frozenset({"JPEG", "PNG", "GIF", "WEBP", "TIFF"})
_JPEG_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}


def refusal(data: bytes, format: str) -> str:
    """Returns the decoder that refuses the bytes and its reason, in one line; empty if all of them accept."""
    for name, decode in _decoders(format):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                decode(data)
        except Exception as err:  # decoders raise whatever they like
            return f"{name}: {' '.join(str(err).split())[:120] or type(err).__name__}"
    return ""


def _decoders(format: str) -> list[tuple[str, Callable[[bytes], object]]]:
    decoders: list[tuple[str, Callable[[bytes], object]]] = [("Pillow", _pillow)]
    if format == "JPEG":
        decoders.append(("libjpeg", _libjpeg))
    if format in _IN_VIPS:
        decoders.append(("libvips", _libvips))
    if format == "BMP":
        decoders.append(("OpenCV", _opencv))
    return decoders


def _pillow(data: bytes) -> None:
    """Checks the checksums that Pillow checks, and loads all frames."""
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata
        Image.open(io.BytesIO(data)).verify()
        image = Image.open(io.BytesIO(data))
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            image.load()


def _libjpeg(data: bytes) -> None:
    simplejpeg.decode_jpeg(data, _JPEG_SPACES[Image.open(io.BytesIO(data)).mode], strict=True)


def _libvips(data: bytes) -> None:
    """Decodes with libvips, which fails at the first warning of libjpeg, libpng, nsgif or libwebp.

    libtiff warns of unusual tags, which files of many programs have; so of a TIFF, errors alone count.
    """
    import pyvips

    pyvips.cache_set_max(0)
    fail_on = "error" if data[:2] in (b"II", b"MM") else "warning"
    image = pyvips.Image.new_from_buffer(data, "", access="sequential", fail_on=fail_on)
    n_pages = image.get("n-pages") if image.get_typeof("n-pages") else 1
    if n_pages == 1:
        image.avg()
    for page in range(n_pages if n_pages > 1 else 0):
        pyvips.Image.new_from_buffer(data, "", access="sequential", fail_on=fail_on, page=page).avg()


def _opencv(data: bytes) -> None:
    import cv2

    if cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) is None:
        raise ValueError("not decoded")
