"""Decodes image files from outside within limits, and makes their thumbnails; the only place that opens images."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import simplejpeg
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFile, UnidentifiedImageError

from roco.base.errors import RejectedInput
from roco.base.formats import FORMATS
from roco.models.images.complete import Incomplete, after_report, check_structure
from roco.models.images.eight_bits import to_8_bits
from roco.models.images.frames import decode_other_frames, has_one_frame
from roco.models.images.libtiff import decoder_errors
from roco.models.images.metadata import identifying_fields
from roco.models.images.size import TOO_MANY_PIXELS, check_size
from roco.models.images.tiff import as_black_is_zero
from roco.models.images.tiff_pages import has_invalid_pages

THUMBNAIL_SIDE = 280  # pixels
THUMBNAIL_QUALITY = 85
SMALL_SIDE = 400  # pixels; the copy on which panels are looked for, and which networks of up to 300 px read

# Other files that packages contain under the name of an image, by their first bytes in lower case.
_NOT_IMAGES = {
    b"<!doctype html": "HTML", b"<html": "HTML", b"<head": "HTML", b"<?xml": "XML", b"<svg": "SVG",
    b"%pdf": "PDF", b"%!ps": "PostScript", b"pk\x03\x04": "ZIP", b"\x1f\x8b": "gzip",
}  # fmt: skip
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Pillow's modes of JPEGs -> simplejpeg's.
_JPEG_SPACES = {"L": "GRAY", "RGB": "RGBX", "CMYK": "CMYK"}

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

    image: mode L or RGB, upright, on a white background. identifying_fields: the metadata fields of the file
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
        return _samples(self.image)

    @property
    def small(self) -> NDArray[np.uint8]:
        """The pixels reduced to a long side of 400 px by averaging; those of a smaller image as they are."""
        scale = SMALL_SIDE / max(self.image.size)
        if scale >= 1:
            return _samples(self.image)
        size = (max(1, round(self.image.width * scale)), max(1, round(self.image.height * scale)))
        return _samples(self.image.resize(size, Pillow.Resampling.BOX, reducing_gap=2.0))


def decode(data: bytes) -> Decoded:
    """Decodes an image file; of several frames all are decoded, and the first is returned.

    Sides of 16 to 20,000 px and at most 50 megapixels are accepted; both are checked on the header, before any pixel
    is decoded. Raises RejectedInput, with the reason, for a file that cannot be decoded completely.
    """
    return _decode(data, least=0)


def decode_reduced(data: bytes, least: int) -> Decoded:
    """Decodes an image file as `decode` does, a large JPEG at one to four eighths of its size.

    least: pixels that both sides of the reduced image have at least. All bytes of the file are read and checked, but
    libjpeg computes fewer pixels of each block, which takes less than half of the time. Width and height of the result
    are those of the file, its identifying_fields are not looked for. Other formats and smaller images are decoded in
    full.
    """
    return _decode(data, max(1, least))


def _decode(data: bytes, least: int) -> Decoded:
    """Decodes an image file; least: pixels that both sides of a JPEG have at least; 0 for all pixels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of unusual metadata, which does not matter here
        warnings.simplefilter("error", Pillow.DecompressionBombWarning)
        readable, white_is_zero = as_black_is_zero(data)
        header = _open(readable)
        check_size(*header.size)
        # MPO is a JPEG followed by further frames.
        format = "JPEG" if header.format == "MPO" else str(header.format)
        # As stored in the file: loading the pixels may change them.
        mode, width, height = header.mode, header.width, header.height
        try:
            with decoder_errors() as errors:
                one_frame = has_one_frame(header, readable)
                image = to_8_bits(_load(header, readable, format, least), white_is_zero)
                n_frames = 1 if one_frame else decode_other_frames(_open(readable), readable)
            if errors or (format == "TIFF" and has_invalid_pages(data)):
                raise Incomplete("corrupt")
        except (MemoryError, RejectedInput):
            raise
        except Exception as err:  # Pillow's decoders raise many kinds of exceptions on hostile bytes
            raise RejectedInput(f"{'truncated' if _is_truncated(err, data, format) else 'corrupt'} {format}") from err
        # Only now: reading the metadata of a PNG loads its pixels, and a second load does not report the first error.
        transpose = _transpose(header)
        if transpose is not None:
            image = image.transpose(transpose)
        fields = () if least else tuple(identifying_fields(header))
        return Decoded(format, mode, width, height, image, n_frames, fields)


def _samples(image: Pillow.Image) -> NDArray[np.uint8]:
    array: NDArray[np.uint8] = np.asarray(image)
    return array if array.ndim == 2 else array[..., :3]


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
        raise RejectedInput(TOO_MANY_PIXELS) from err
    except UnidentifiedImageError as err:
        raise RejectedInput("unknown image format or corrupt header") from err
    except MemoryError:
        raise
    except Exception as err:  # Pillow's parsers raise many kinds of exceptions on hostile bytes
        raise RejectedInput("corrupt header") from err


def _transpose(header: Pillow.Image) -> Pillow.Transpose | None:
    """Returns the operation that turns the image upright; None if it is upright or its EXIF is corrupt."""
    try:
        return _TRANSPOSE.get(header.getexif().get(_ORIENTATION, 1))
    except Exception:  # corrupt metadata must not make the image unreadable
        return None


def _load(header: ImageFile.ImageFile, data: bytes, format: str, least: int) -> Pillow.Image:
    """Decodes the pixels of the first frame, after what its decoder does not check."""
    check_structure(data, format)
    if format == "JPEG":
        image = _load_jpeg(header, data, least)
        if image is not None:
            return image
    header.load()
    return header


def _load_jpeg(header: Pillow.Image, data: bytes, least: int = 0) -> Pillow.Image | None:
    """Decodes a JPEG three times as fast as Pillow, to the same pixels; None after a harmless report of libjpeg.

    Pillow then decides; so this path never accepts more than Pillow does. It decides on CMYK too, of which it knows
    the variants. Raises Incomplete if libjpeg reports that pixels are corrupt, which Pillow ignores.
    """
    space = _JPEG_SPACES.get(header.mode)
    if space is None:
        return None
    # Reductions by less than two are slower than decoding in full.
    factor = 2.0 if least else 1.0
    array, given = None, data
    while array is None:
        try:
            array = simplejpeg.decode_jpeg(
                data, space, fastdct=False, fastupsample=False, min_height=least, min_width=least, min_factor=factor,
                strict=True,
            )  # fmt: skip
        except (ValueError, RuntimeError) as err:
            rest = after_report(str(err), data, was_padded=len(data) < len(given))
            if rest is None:
                return None
            data = rest
    height, width = array.shape[:2]
    if header.mode == "CMYK" or not _is_reduced_from(header, width, height, reduces=least > 0):
        return None
    if space == "GRAY":
        return Pillow.frombuffer("L", (width, height), array, "raw", "L", 0, 1)
    return _of_four_bytes(array)


def _is_reduced_from(header: Pillow.Image, width: int, height: int, reduces: bool) -> bool:
    """Returns whether libjpeg read the size that the header states; reduces: it may be divided, rounded up."""
    if not reduces:
        return (width, height) == header.size
    of_eighths = [(-(-header.width * n // 8), -(-header.height * n // 8)) for n in range(1, 9)]
    return (width, height) in of_eighths


def _of_four_bytes(array: NDArray[np.uint8]) -> Pillow.Image:
    """Returns an RGB image that shares the memory of an array of height x width x 4, whose fourth channel is unused.

    Pillow stores RGB like that; a copy of a large image would take as long as decoding it.
    """
    bytes_of_pixels = pa.Array.from_buffers(pa.uint8(), array.size, [None, pa.py_buffer(array)])
    pixels = pa.FixedSizeListArray.from_arrays(bytes_of_pixels, 4)
    return Pillow.fromarrow(pixels, "RGB", (array.shape[1], array.shape[0]))


def _is_truncated(err: Exception, data: bytes, format: str) -> bool:
    has_end = data.rstrip(b"\0").endswith(b"\xff\xd9")
    return "truncated" in str(err) or (format == "JPEG" and not has_end)
