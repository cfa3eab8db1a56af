"""Decodes image files from outside within limits, and makes their thumbnails; the only place that opens images."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFile, UnidentifiedImageError

from roco.base.errors import RejectedInput
from roco.base.formats import FORMATS
from roco.models.images.metadata import identifying_fields

SMALLEST_SIDE = 16  # pixels
LARGEST_SIDE = 20_000  # pixels
MOST_PIXELS = 50_000_000
MOST_FRAMES = 1000
"""The largest number of frames that is counted; a file with more frames is reported with this number."""

THUMBNAIL_SIDE = 280  # pixels
THUMBNAIL_QUALITY = 85

_TOO_MANY_PIXELS = f"more than {MOST_PIXELS // 1_000_000} megapixels"

# Other files that packages contain under the name of an image, by their first bytes in lower case.
_NOT_IMAGES = {
    b"<!doctype html": "HTML", b"<html": "HTML", b"<head": "HTML", b"<?xml": "XML", b"<svg": "SVG",
    b"%pdf": "PDF", b"%!ps": "PostScript", b"pk\x03\x04": "ZIP", b"\x1f\x8b": "gzip",
}  # fmt: skip
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_DEEP_MODES = ("I", "F")  # Pillow's modes of 32-bit samples; those of 16 bits begin with "I;"
_WINDOW = (0.5, 99.5)  # percentiles of the samples of a deep image that are mapped to black and white
_WINDOW_SAMPLES = 1_000_000  # samples from which the percentiles are computed

_ORIENTATION = 0x0112  # EXIF tag
_TRANSPOSE = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Decoded:
    """A decoded image: format, mode, width, height and number of frames as stored in the file, and its pixels.

    image: mode L, RGB or RGBX, upright, on a white background. identifying_fields: the metadata fields of the file
    that may name people or places.
    """

    format: str
    mode: str
    width: int
    height: int
    image: Pillow.Image
    n_frames: int = 1
    identifying_fields: tuple[str, ...] = ()

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """8-bit samples, height x width (grey) or height x width x 3 (RGB), rotated as EXIF says."""
        array: NDArray[np.uint8] = np.asarray(self.image)
        return array if array.ndim == 2 else array[..., :3]


def decode(data: bytes) -> Decoded:
    """Decodes an image file, the first frame if it has several.

    Sides of 16 to 20,000 px and at most 50 megapixels are accepted; both are checked on the header, before any pixel
    is decoded. Raises RejectedInput, with the reason, for a file that cannot be decoded completely.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of unusual metadata, which does not matter here
        warnings.simplefilter("error", Pillow.DecompressionBombWarning)
        header = _open(data)
        width, height = header.size
        _check_size(width, height)
        # MPO is a JPEG followed by further frames.
        format = "JPEG" if header.format == "MPO" else str(header.format)
        # Mode and orientation as stored in the file: loading the pixels may change them.
        mode, transpose = header.mode, _transpose(header)
        n_frames = _count_frames(header, data)
        image = _load(header, data, format)
        if transpose is not None:
            image = image.transpose(transpose)
        return Decoded(format, mode, width, height, image, n_frames, tuple(identifying_fields(header)))


def thumbnail(decoded: Decoded) -> bytes:
    """Returns a JPEG of at most 280 px a side, without metadata; equal pixels give equal bytes."""
    image = decoded.image
    scale = min(1.0, THUMBNAIL_SIDE / max(image.size))
    if scale < 1.0:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Pillow.Resampling.BICUBIC, reducing_gap=1.0)
    space = "GRAY" if image.mode == "L" else image.mode
    array = np.ascontiguousarray(np.asarray(image).reshape(image.height, image.width, -1))
    sampling = "Gray" if space == "GRAY" else "420"
    jpeg: bytes = simplejpeg.encode_jpeg(array, THUMBNAIL_QUALITY, space, sampling, fastdct=False)
    return jpeg


def open_thumbnail(jpeg: bytes) -> Pillow.Image:
    """Opens a JPEG that `thumbnail` made, as RGB."""
    return Pillow.open(io.BytesIO(jpeg), formats=("JPEG",)).convert("RGB")


def count_gif_frames(data: bytes) -> int:
    """Counts the frames of a GIF, up to MOST_FRAMES, by its blocks; Pillow would decode every frame to count them."""
    at = 13 + _colour_table_size(data[10])
    n = 0
    while at < len(data) and n < MOST_FRAMES:
        if data[at] == 0x2C:  # an image: descriptor of 10 bytes, colour table, one byte, then sub-blocks of pixels
            n += 1
            at += 11 + _colour_table_size(data[at + 9])
        elif data[at] == 0x21:  # an extension: two bytes, then sub-blocks
            at += 2
        else:
            break
        while at < len(data) and data[at]:  # sub-blocks, each after a byte with its length, until one of length 0
            at += data[at] + 1
        at += 1
    return max(1, n)


def _colour_table_size(flags: int) -> int:
    """Returns the bytes of a GIF's colour table; flags: the packed byte that announces it."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _open(data: bytes) -> ImageFile.ImageFile:
    """Reads the header of an image file; nothing is decoded yet."""
    if not data:
        raise RejectedInput("empty file")
    start = data[:256].removeprefix(_BYTE_ORDER_MARK).lstrip().lower()
    for signature, name in _NOT_IMAGES.items():
        if start.startswith(signature):
            raise RejectedInput(f"{name}, not an image")
    try:
        header = Pillow.open(io.BytesIO(data), formats=FORMATS)
        assert isinstance(header, ImageFile.ImageFile)
        return header
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as err:
        raise RejectedInput(_TOO_MANY_PIXELS) from err
    except UnidentifiedImageError as err:
        raise RejectedInput("unknown image format or corrupt header") from err
    except MemoryError:
        raise
    except Exception as err:  # Pillow's parsers raise many kinds of exceptions on hostile bytes
        raise RejectedInput("corrupt header") from err


def _check_size(width: int, height: int) -> None:
    if min(width, height) < SMALLEST_SIDE or max(width, height) > LARGEST_SIDE:
        raise RejectedInput(f"{width} x {height} px: sides must be {SMALLEST_SIDE} to {LARGEST_SIDE} px")
    if width * height > MOST_PIXELS:
        raise RejectedInput(f"{width} x {height} px: {_TOO_MANY_PIXELS}")


def _transpose(header: Pillow.Image) -> Pillow.Transpose | None:
    """Returns the operation that turns the image upright; None if it is upright or its EXIF is corrupt."""
    try:
        return _TRANSPOSE.get(header.getexif().get(_ORIENTATION, 1))
    except Exception:  # corrupt metadata must not make the image unreadable
        return None


def _count_frames(header: ImageFile.ImageFile, data: bytes) -> int:
    """Counts the frames or pages of a file, up to MOST_FRAMES, without decoding them; 1 if its tables are corrupt."""
    try:
        if header.format == "GIF":
            return count_gif_frames(data)
        if header.format == "TIFF":
            return _count_tiff_pages(data)
        return max(1, min(MOST_FRAMES, int(getattr(header, "n_frames", 1))))
    except Exception:  # the first frame may still be readable, and only that one is used
        return 1


def _count_tiff_pages(data: bytes) -> int:
    # `n_frames` would walk through all pages, however many a hostile file lists.
    pages = Pillow.open(io.BytesIO(data), formats=("TIFF",))
    for page in range(1, MOST_FRAMES):
        try:
            pages.seek(page)
        except EOFError:
            return page
    return MOST_FRAMES


def _load(header: ImageFile.ImageFile, data: bytes, format: str) -> Pillow.Image:
    """Decodes the pixels to mode L, RGB or RGBX."""
    if format == "JPEG" and header.mode in ("L", "RGB"):
        image = _load_jpeg(header, data)
        if image is not None:
            return image
    try:
        header.load()
        return _to_8_bits(header)
    except MemoryError:
        raise
    except Exception as err:  # Pillow's decoders raise many kinds of exceptions on hostile bytes
        has_end = data.rstrip(b"\0").endswith(b"\xff\xd9")
        truncated = "truncated" in str(err) or (format == "JPEG" and not has_end)
        raise RejectedInput(f"{'truncated' if truncated else 'corrupt'} {format}") from err


def _load_jpeg(header: Pillow.Image, data: bytes) -> Pillow.Image | None:
    """Decodes a JPEG three times as fast as Pillow, to the same pixels; None if libjpeg reports any problem.

    Pillow then decides, which knows the harmless problems; so this path never accepts more than Pillow does.
    """
    space, mode = ("GRAY", "L") if header.mode == "L" else ("RGBX", "RGBX")
    try:
        array = simplejpeg.decode_jpeg(data, space, fastdct=False, fastupsample=False, strict=True)
    except (ValueError, RuntimeError):
        return None
    if array.shape[:2] != (header.height, header.width):
        return None
    return Pillow.frombuffer(mode, header.size, array, "raw", mode, 0, 1)


def _to_8_bits(image: Pillow.Image) -> Pillow.Image:
    """Converts any mode to 8-bit grey or RGB: windows deep samples, puts transparent pixels on white."""
    if image.mode.startswith("I;") or image.mode in _DEEP_MODES:
        return _window(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Pillow.new("RGBA", rgba.size, "white")
        flat = Pillow.alpha_composite(white, rgba)
        return flat.convert("L" if image.mode in ("L", "LA", "La", "1") else "RGB")
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _window(image: Pillow.Image) -> Pillow.Image:
    """Maps 16- and 32-bit samples linearly to 8 bits, from the 0.5th percentile (black) to the 99.5th (white).

    Pillow's own conversion would clip everything above 255 to white.
    """
    samples = np.clip(np.nan_to_num(np.asarray(image, dtype=np.float32)), -1e30, 1e30)
    step = max(1, samples.size // _WINDOW_SAMPLES)
    low, high = np.percentile(samples.ravel()[::step].astype(np.float64), _WINDOW)
    scale = np.float32(255.0 / max(high - low, 1e-6))  # a constant image has a window of width 0
    with np.errstate(over="ignore"):
        scaled = (samples - np.float32(low)) * scale
    return Pillow.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))
