"""What an image file is: format, size, frames, hashes and thumbnail, from one decode."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import simplejpeg
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFile, UnidentifiedImageError

from roco.base.errors import RejectedInput
from roco.base.schema import COLUMNS, types
from roco.core.stage import Measure, drop, put
from roco.models.images import hashes
from roco.models.images.metadata import private

FORMATS = ("JPEG", "PNG", "TIFF", "GIF", "WEBP", "BMP")
SIDES = (16, 20_000)  # pixels
MOST_PIXELS = 50_000_000
THUMBNAIL_SIDE = 280
THUMBNAIL_QUALITY = 85

MOST_FRAMES = 1000
"""Frames that are counted; more are as many as these."""

_NOT_IMAGES = {b"<!doctype html": "HTML", b"<html": "HTML", b"<head": "HTML", b"<?xml": "XML", b"<svg": "SVG"}
_NOT_IMAGES |= {b"%pdf": "PDF", b"%!ps": "PostScript", b"pk\x03\x04": "ZIP", b"\x1f\x8b": "gzip"}
_DEEP_MODES = ("I", "F")  # more than 8 bits a sample; the I;16 family too
_WINDOW = (0.5, 99.5)  # percentiles of a deep image that become black and white
_UPRIGHT = {
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
    """One decoded image: format, mode, width, height and number of frames as stored in the file, and its pixels.

    private: fields of its metadata that may name people or places.
    """

    format: str
    mode: str
    width: int
    height: int
    image: Pillow.Image  # L, RGB or RGBX, upright, on white
    n_frames: int = 1
    private: tuple[str, ...] = ()

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """8-bit samples, height x width (grey) or height x width x 3 (RGB), turned upright as EXIF says."""
        array: NDArray[np.uint8] = np.asarray(self.image)
        return array if array.ndim == 2 else array[..., :3]


@dataclass(frozen=True, kw_only=True)
class Image(Measure):
    """Takes format, size, mode and hashes of the image, and lends a thumbnail to whatever looks at pixels."""

    needs = ("extract",)
    reads = ("article_key", "file", "bytes")
    writes = types(
        *("format", "declared", "width", "height", "mode", "n_frames", "n_bytes", "private"),
        *("sha256", "image_key", "phash", "phash_fine"),
    )
    lends: ClassVar[dict[str, pa.DataType]] = {"thumbnail": COLUMNS["thumbnail"].type}
    reasons = ("unreadable",)
    version = 3

    def __call__(self, batch: pa.Table) -> pa.Table:
        seen: dict[str, dict[str, Any]] = {}  # the same file twice in a batch is decoded once
        rows = [
            {} if left.is_valid or not data.is_valid else _facts(key.as_py(), file.as_py(), data.as_py(), seen)
            for left, key, file, data in zip(*(batch[n] for n in ("drop", *self.reads)), strict=True)
        ]
        for name, kind in {**self.writes, **self.lends}.items():
            batch = put(batch, name, pa.array([row.get(name) for row in rows], kind))
        details = pa.array([row.get("unreadable") for row in rows], pa.string())
        return drop(batch, pa.array(["unreadable" in row for row in rows], pa.bool_()), "unreadable", details)


def decode(data: bytes) -> Decoded:
    """Decodes an image file, the first frame of several.

    Sides of 16 to 20,000 px, at most 50 megapixels, checked on the header; raises RejectedInput with the reason for all
    that cannot be decoded completely.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata, which is not ours to judge
        warnings.simplefilter("error", Pillow.DecompressionBombWarning)
        header = _open(data)
        width, height = header.size
        _check_size(width, height)
        kind = "JPEG" if header.format == "MPO" else str(header.format)  # a JPEG with further frames behind it
        mode, turn = header.mode, _turn(header)
        frames = _frames(header, data)
        image = _pixels(header, data, kind)
        upright = image if turn is None else image.transpose(turn)
        return Decoded(kind, mode, width, height, upright, frames, tuple(private(header)))


def thumbnail(decoded: Decoded) -> bytes:
    """A JPEG of at most 280 px a side without metadata; the same pixels give the same bytes."""
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


def declared(file: str | None) -> str | None:
    """The format that a file's name claims by its extension; None for one that claims none of ours."""
    return _EXTENSIONS.get((file or "").rpartition(".")[2].lower())


_EXTENSIONS = {"jpg": "JPEG", "jpeg": "JPEG", "jpe": "JPEG", "jfif": "JPEG", "png": "PNG", "tif": "TIFF",
               "tiff": "TIFF", "gif": "GIF", "webp": "WEBP", "bmp": "BMP"}  # fmt: skip


def _facts(key: str | None, file: str | None, data: bytes, seen: dict[str, dict[str, Any]]) -> dict[str, Any]:
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 not in seen:
        seen[sha256] = {"n_bytes": len(data), "sha256": sha256, **_decoded_facts(data)}
    own = {"declared": declared(file), "image_key": None if key is None else f"{key}-{sha256}"}
    return {**seen[sha256], **own}


def _decoded_facts(data: bytes) -> dict[str, Any]:
    try:
        decoded = decode(data)
        return {
            "format": decoded.format,
            "width": decoded.width,
            "height": decoded.height,
            "mode": decoded.mode,
            "n_frames": decoded.n_frames,
            "private": list(decoded.private),
            "thumbnail": thumbnail(decoded),
            **_hashes(decoded),
        }
    except RejectedInput as err:
        return {"unreadable": err.message}
    except MemoryError:
        return {"unreadable": "needs more memory than there is"}


def _hashes(decoded: Decoded) -> dict[str, str]:
    pixels = hashes.small(decoded.image)
    return {} if pixels is None else {"phash": hashes.phash(pixels), "phash_fine": hashes.phash_fine(pixels)}


def _open(data: bytes) -> ImageFile.ImageFile:
    """Reads the header; nothing is decoded yet."""
    if not data:
        raise RejectedInput("empty file")
    start = data[:256].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for magic, name in _NOT_IMAGES.items():
        if start.startswith(magic):
            raise RejectedInput(f"{name}, not an image")
    try:
        header = Pillow.open(io.BytesIO(data), formats=FORMATS)
        assert isinstance(header, ImageFile.ImageFile)
        return header
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as err:
        raise RejectedInput(f"more than {MOST_PIXELS // 1_000_000} megapixels") from err
    except UnidentifiedImageError as err:
        raise RejectedInput("no known image format, or its header is damaged") from err
    except MemoryError:
        raise
    except Exception as err:  # whatever a parser says of hostile bytes
        raise RejectedInput("damaged header") from err


def _check_size(width: int, height: int) -> None:
    least, most = SIDES
    if min(width, height) < least or max(width, height) > most:
        raise RejectedInput(f"{width} x {height} px: a side must have {least} to {most} px")
    if width * height > MOST_PIXELS:
        raise RejectedInput(f"{width} x {height} px: more than {MOST_PIXELS // 1_000_000} megapixels")


def _turn(header: Pillow.Image) -> Pillow.Transpose | None:
    try:
        return _UPRIGHT.get(header.getexif().get(0x0112, 1))
    except Exception:  # damaged metadata says nothing, and does not make the picture unreadable
        return None


def _frames(header: ImageFile.ImageFile, data: bytes) -> int:
    """How many frames or pages a file has, without decoding them; 1 where its tables are damaged."""
    try:
        if header.format == "GIF":
            return gif_frames(data)
        if header.format != "TIFF":
            return max(1, min(MOST_FRAMES, int(getattr(header, "n_frames", 1))))
        pages = Pillow.open(io.BytesIO(data), formats=("TIFF",))
        for page in range(1, MOST_FRAMES):
            try:
                pages.seek(page)
            except EOFError:
                return page
        return MOST_FRAMES
    except Exception:  # whatever a parser says of hostile bytes: the first frame is what counts
        return 1


def gif_frames(data: bytes) -> int:
    """Counts the pictures of a GIF by its blocks; Pillow would look at each, however many there are."""
    at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    n = 0
    while at < len(data) and n < MOST_FRAMES and data[at] in (0x21, 0x2C):
        if data[at] == 0x2C:
            n += 1
            local = data[at + 9]
            at += 11 + (3 << ((local & 7) + 1) if local & 0x80 else 0)
        else:
            at += 2
        while at < len(data) and data[at]:
            at += data[at] + 1
        at += 1
    return max(1, n)


def _pixels(header: ImageFile.ImageFile, data: bytes, kind: str) -> Pillow.Image:
    if kind == "JPEG" and header.mode in ("L", "RGB"):
        fast = _fast_jpeg(data, header)
        if fast is not None:
            return fast
    try:
        header.load()
        return _eight_bit(header)
    except MemoryError:
        raise
    except Exception as err:  # whatever a decoder says of hostile bytes
        cut = "truncated" in str(err) or (kind == "JPEG" and not data.rstrip(b"\0").endswith(b"\xff\xd9"))
        raise RejectedInput(f"{'truncated' if cut else 'damaged'} {kind}") from err


def _fast_jpeg(data: bytes, header: Pillow.Image) -> Pillow.Image | None:
    """Decodes a JPEG three times as fast as Pillow does, to the same pixels.

    None where libjpeg has any doubt; then Pillow decides, that knows which doubts are harmless. It is never laxer.
    """
    space, mode = ("GRAY", "L") if header.mode == "L" else ("RGBX", "RGBX")
    try:
        array = simplejpeg.decode_jpeg(data, space, fastdct=False, fastupsample=False, strict=True)
    except (ValueError, RuntimeError):
        return None
    if array.shape[:2] != (header.height, header.width):
        return None
    return Pillow.frombuffer(mode, header.size, array, "raw", mode, 0, 1)


def _eight_bit(image: Pillow.Image) -> Pillow.Image:
    """8-bit grey or RGB: deep samples windowed, transparent pixels on white, palettes and CMYK resolved."""
    if image.mode.startswith("I;") or image.mode in _DEEP_MODES:
        return _windowed(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Pillow.new("RGBA", rgba.size, "white")
        flat = Pillow.alpha_composite(white, rgba)
        return flat.convert("L" if image.mode in ("L", "LA", "La", "1") else "RGB")
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _windowed(image: Pillow.Image) -> Pillow.Image:
    """Maps 16- and 32-bit samples to 8 bits by a window; Pillow's own conversion saturates above 255."""
    samples = np.clip(np.nan_to_num(np.asarray(image, dtype=np.float32)), -1e30, 1e30)
    step = max(1, samples.size // 1_000_000)
    low, high = np.percentile(samples.ravel()[::step].astype(np.float64), _WINDOW)
    with np.errstate(over="ignore"):
        scaled = (samples - np.float32(low)) * np.float32(255.0 / max(high - low, 1e-6))
    return Pillow.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))
