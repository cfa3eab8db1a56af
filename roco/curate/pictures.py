"""Images as a browser shows them: the bytes of a file or a PNG of it, and thumbnails in a bounded cache."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from io import BytesIO
from typing import NamedTuple

from roco.base.errors import DataError, RejectedInput
from roco.models.images.decode import decode, thumbnail

MIME = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif"}
"""First bytes of the images that are sent as they are; others are sent as PNG."""

_CACHED = 4000  # thumbnails in memory: some 60 MB


class UnknownFigure(RejectedInput):
    """A key that no figure has."""


class NoImage(DataError):
    """A figure whose image the source does not contain."""


class Picture(NamedTuple):
    """The bytes of an image for a browser, and their media type."""

    data: bytes
    mime: str


def picture(data: bytes) -> Picture:
    """Returns an image file for a browser; raises RejectedInput if it has to be decoded and cannot be."""
    for signature, mime in MIME.items():
        if data.startswith(signature):
            return Picture(data, mime)
    out = BytesIO()
    decode(data).image.save(out, "PNG")
    return Picture(out.getvalue(), "image/png")


class Thumbnails:
    """The thumbnails that were used last; any thread may ask for one."""

    def __init__(self, most: int = _CACHED) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, Picture] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def get(
        self, key: Hashable, read: Callable[[], bytes], stored: Callable[[], bytes | None] | None = None
    ) -> Picture:
        """Returns a JPEG of at most 280 px a side, upright and without metadata.

        read: returns the bytes of the image. stored: returns its thumbnail if one exists. Raises RejectedInput for an
        image that cannot be decoded within the limits.
        """
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        small = stored() if stored else None
        made = Picture(thumbnail(decode(read())) if small is None else small, "image/jpeg")
        with self._lock:
            self._known[key] = made
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return made
