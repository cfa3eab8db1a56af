"""Image formats: their names, the extensions of their files, and the first bytes by which they are recognised."""

from __future__ import annotations

from typing import NamedTuple


class ImageFormat(NamedTuple):
    """One image format.

    name: as Pillow writes it. extensions: of its files, in lower case and without the dot; releases use the first one.
    signatures: the bytes with which its files begin.
    """

    name: str
    extensions: tuple[str, ...]
    signatures: tuple[bytes, ...]


_DECODED = (
    ImageFormat("JPEG", ("jpg", "jpeg", "jpe", "jfif"), (b"\xff\xd8\xff",)),
    ImageFormat("PNG", ("png",), (b"\x89PNG\r\n\x1a\n",)),
    ImageFormat("WEBP", ("webp",), (b"RIFF",)),
    ImageFormat("TIFF", ("tif", "tiff"), (b"II*\0", b"MM\0*")),
    ImageFormat("GIF", ("gif",), (b"GIF8",)),
    ImageFormat("BMP", ("bmp",), (b"BM",)),
)
# The order is a preference: of several renditions of one image, articles mean the JPEG, and the GIF is the thumbnail.

FORMATS: tuple[str, ...] = tuple(one.name for one in _DECODED)
"""Names of the formats that are decoded, in order of preference among renditions of one image."""

FORMAT_OF_EXTENSION: dict[str, str] = {extension: one.name for one in _DECODED for extension in one.extensions}
"""Extension -> format, for the formats that are decoded."""

SUFFIX_OF_FORMAT: dict[str, str] = {one.name: f".{one.extensions[0]}" for one in _DECODED}
"""Format -> suffix of its files in a release: `.jpg`, `.png` …"""

SIGNATURES: tuple[bytes, ...] = tuple(signature for one in _DECODED for signature in one.signatures)
"""The bytes with which a file of any of these formats begins."""

IMAGE_EXTENSIONS: tuple[str, ...] = (*FORMAT_OF_EXTENSION, "jp2")
"""Extensions of image files in packages, preferred rendition first. JPEG 2000 occurs there but is not decoded."""


def extension_of(name: str) -> str:
    """Returns the extension of a file name in lower case, without the dot; empty if it has none."""
    _, dot, extension = name.rpartition(".")
    return extension.lower() if dot else ""


def declared_format(name: str | None) -> str | None:
    """Returns the format that the extension of a file name declares; None if it is not an image format."""
    return FORMAT_OF_EXTENSION.get(extension_of(name or ""))
