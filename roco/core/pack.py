"""The pack of a part: original bytes of the figures that passed the pixel stages, and their thumbnails.

A pack is an uncompressed zip, so that single images can be read and the CRC detects damage.
"""

from __future__ import annotations

import contextlib
import hashlib
import lzma
import os
import struct
import zipfile
import zlib
from pathlib import Path

from roco.base.files import full_disk, sync, temporary

_DATE = (1980, 1, 1, 0, 0, 0)
_THUMBNAIL = ".thumbnail"
_DAMAGE = (
    OSError,
    KeyError,
    ValueError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)
"""The exceptions of zipfile for a pack with flipped bits, which may mark an entry as compressed or encrypted."""


class PackReader:
    """An open pack. Corrupt entries count as missing, because the source still has the bytes."""

    def __init__(self, path: Path) -> None:
        self._zip: zipfile.ZipFile | None = None
        with contextlib.suppress(*_DAMAGE):
            self._zip = zipfile.ZipFile(path)

    @property
    def names(self) -> frozenset[str]:
        return frozenset() if self._zip is None else frozenset(self._zip.NameToInfo)

    def size(self, figure_id: str) -> int | None:
        """Returns the size of a figure's image in bytes; None if the pack does not contain it."""
        info = None if self._zip is None else self._zip.NameToInfo.get(entry_name(figure_id))
        return None if info is None else info.file_size

    def image(self, figure_id: str) -> bytes | None:
        """Returns the original bytes of a figure; None if they are missing or corrupt."""
        return self.entry(entry_name(figure_id))

    def thumbnail(self, figure_id: str) -> bytes | None:
        """Returns a JPEG of at most 280 px a side; None if it is missing or corrupt."""
        return self.entry(entry_name(figure_id) + _THUMBNAIL)

    def entry(self, name: str) -> bytes | None:
        if self._zip is not None:
            with contextlib.suppress(*_DAMAGE):
                return self._zip.read(name)
        return None

    def close(self) -> None:
        if self._zip is not None:
            self._zip.close()


class PackWriter:
    """Adds figures to a pack. They are written to a temporary file, which then replaces the pack."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = temporary(path)
        self.old = PackReader(path)
        self.new: set[str] = set()
        self.out: zipfile.ZipFile | None = None

    def add(self, figure_id: str, image: bytes, thumbnail: bytes | None) -> None:
        """Adds a figure, unless the pack already contains it."""
        name = entry_name(figure_id)
        if name in self.old.names or name in self.new:
            return
        self._write(name, image)
        if thumbnail is not None:
            self._write(name + _THUMBNAIL, thumbnail)

    def commit(self) -> None:
        """Replaces the pack by one with the old and the new figures; does nothing if no figure was added."""
        if self.out is None:
            return
        for name in sorted(self.old.names - self.new):
            data = self.old.entry(name)
            if data is not None:
                self._write(name, data)
        try:
            self.out.close()
            sync(self.part)
            os.replace(self.part, self.path)  # noqa: PTH105
            sync(self.path.parent)
        except OSError as err:
            raise full_disk(err, self.path) from err

    def close(self) -> None:
        """Discards what was not committed."""
        self.old.close()
        if self.out is not None:
            with contextlib.suppress(OSError, ValueError):
                self.out.close()
            self.part.unlink(missing_ok=True)

    def _write(self, name: str, data: bytes) -> None:
        try:
            if self.out is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.out = zipfile.ZipFile(self.part, "w", zipfile.ZIP_STORED)
            self.out.writestr(zipfile.ZipInfo(name, _DATE), data)
        except OSError as err:
            raise full_disk(err, self.path) from err
        self.new.add(name)


def entry_name(figure_id: str) -> str:
    """Returns the name of a figure inside a pack: a digest, so that no name from outside is used."""
    return hashlib.sha256(figure_id.encode()).hexdigest()[:32]
