"""Decodes image files as strictly as decoders can: every warning of a library counts as a refusal."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable

import numpy as np
import simplejpeg
from PIL import Image, ImageFile

_IN_VIPS = frozenset({"JPEG", "PNG", "GIF", "WEBP", "TIFF"})
_PADDING = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
_LEAST_PADDING = 8
_END = b"\xff\xd9"
_JPEG_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}


def refusal(data: bytes, format: str) -> str:
    """Returns the decoder that refuses the bytes and its reason, in one line; empty if all of them accept.

    Zeros before the end of a JPEG, with which some cameras pad it, are accepted on purpose, and are cut here.
    """
    if format == "JPEG":
        data = _without_padding(data)
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


def _without_padding(data: bytes) -> bytes:
    """Returns a JPEG without the zeros that libjpeg reports between its pixels and its end."""
    for least in (_LEAST_PADDING, 1, 1, 1):  # it does not count bytes that it has read ahead
        try:
            _libjpeg(data)
        except Exception as err:  # decoders raise whatever they like
            found = _PADDING.search(str(err))
            n = int(found[1]) if found else 0
            if n >= least:
                data = data.replace(bytes(n) + _END, _END, 1)
    return data


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
