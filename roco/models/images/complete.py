"""Checks what the decoders of image files do not check by themselves.

Pillow ignores the checksums, missing rows and end of a PNG, the end of a GIF, and what libjpeg reports. A
release contains the bytes of a file, and not the pixels that one tolerant decoder made of them; so `decode.decode`
calls these checks, and `frames.decode_other_frames` for the frames after the first.
"""

from __future__ import annotations

import re
import struct

from roco.models.images.gif import walk_gif
from roco.models.images.png import png_problem

# Reports of libjpeg that are not about pixels: JFIF 2 is written, and known to later versions of libjpeg. A file that
# only this decoder cannot read is left to Pillow.
_JPEG_HARMLESS = re.compile(r"unknown JFIF revision number 2\.|[Uu]nsupported|not supported")
_JPEG_PADDING = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
_JPEG_END, _JPEG_SCAN = b"\xff\xd9", b"\xda"
_LEAST_PADDING = 8  # bytes; one or two zeros may be the rest of pixels that were changed

_LEAST_WITH_COLOURS = 40  # bytes of a header of BMP that states the number of colours


class Incomplete(Exception):
    """An image file does not decode completely; the message is `truncated` or `corrupt`."""


def check_structure(data: bytes, format: str) -> None:
    """Raises Incomplete for an invalid PNG, a GIF without its end, and a BMP with more colours than its bits allow."""
    if format == "PNG":
        problem = png_problem(data)
        if problem:
            raise Incomplete(problem)
    elif format == "GIF" and not walk_gif(data).is_complete:
        raise Incomplete("truncated")
    elif format == "BMP" and not _fits_palette(data):
        raise Incomplete("corrupt")


def _fits_palette(bmp: bytes) -> bool:
    """Returns whether the palette of a BMP has at most as many colours as its bits can number, as OpenCV requires."""
    (header,) = struct.unpack_from("<I", bmp, 14)
    if header < _LEAST_WITH_COLOURS or len(bmp) < 50:
        return True
    (bits,) = struct.unpack_from("<H", bmp, 28)
    (colours,) = struct.unpack_from("<I", bmp, 46)
    return bool(bits > 8 or colours <= 1 << bits)


def after_report(report: str, data: bytes, was_padded: bool) -> bytes | None:
    """Returns the JPEG to decode next after a report of libjpeg, a warning or an error; None if it is harmless.

    Some cameras pad the pixels with zeros, which are cut; any other bytes after the last pixel were pixels before a bit
    was changed. libjpeg counts no bytes that it has read ahead, so that the rest must decode without a report, or with
    one of the last few zeros. was_padded: whether zeros have been cut before. Raises Incomplete for any other report.
    """
    if _JPEG_HARMLESS.search(report):
        return None
    padding = _JPEG_PADDING.search(report)
    n_zeros = int(padding[1]) if padding else 0
    if n_zeros >= (1 if was_padded else _LEAST_PADDING):
        at = data.find(bytes(n_zeros) + _JPEG_END, _pixels_of(data))
        if at >= 0:
            return data[:at] + data[at + n_zeros :]
    raise Incomplete("truncated" if "Premature end of JPEG file" in report else "corrupt")


def _pixels_of(jpeg: bytes) -> int:
    """Returns where the pixels of a JPEG begin, after segments that may contain another one, a thumbnail."""
    at = 2
    while jpeg[at : at + 1] == b"\xff" and jpeg[at + 1 : at + 2] != _JPEG_SCAN and at + 4 <= len(jpeg):
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return at
