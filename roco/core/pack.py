"""The pack of a part: original bytes of the figures that passed the pixel gates, and their thumbnails.

A pack is a stored zip, so that one image is read without the others and damage shows by CRC.
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

from roco.base.files import full_disk, sync_folder

_DATE = (1980, 1, 1, 0, 0, 0)
_THUMBNAIL = ".thumbnail"
_DAMAGE = (OSError, KeyError, ValueError, EOFError, RuntimeError, struct.error, zlib.error, lzma.LZMAError,
           zipfile.BadZipFile)  # fmt: skip
"""What zipfile raises on a pack in which bits have changed: a stored entry may now claim to be packed or encrypted."""


class PackWriter:
    """Adds figures to a pack; image by image to a sibling file, which takes the pack's place as a whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self.old = _entries(path)
        self.new: set[str] = set()
        self.out: zipfile.ZipFile | None = None

    def add(self, figure_id: str, image: bytes, thumbnail: bytes | None) -> None:
        name = name_of(figure_id)
        if name in self.old or name in self.new:
            return
        self._write(name, image)
        if thumbnail is not None:
            self._write(name + _THUMBNAIL, thumbnail)

    def commit(self) -> None:
        """Puts the new pack in place, with all that the old one held."""
        if self.out is None:
            return
        for name in sorted(self.old):
            data = _read(self.path, name)
            if data is not None and name not in self.new:
                self._write(name, data)
        try:
            self.out.close()
            with self.part.open("rb") as fh:
                os.fsync(fh.fileno())
            os.replace(self.part, self.path)  # noqa: PTH105
            sync_folder(self.path.parent)
        except OSError as err:
            raise full_disk(err, self.path) from err

    def abandon(self) -> None:
        """Forgets what was not committed."""
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


def name_of(figure_id: str) -> str:
    """The name of a figure inside a pack: a digest, never a name from outside."""
    return hashlib.sha256(figure_id.encode()).hexdigest()[:32]


def read(path: Path, figure_id: str) -> bytes | None:
    """The original bytes of a figure; None where the pack has them not, or not whole."""
    return _read(path, name_of(figure_id))


def read_thumbnail(path: Path, figure_id: str) -> bytes | None:
    """A JPEG of at most 280 px a side; None as for `read`."""
    return _read(path, name_of(figure_id) + _THUMBNAIL)


def _entries(path: Path) -> frozenset[str]:
    with contextlib.suppress(*_DAMAGE), zipfile.ZipFile(path) as pack:
        return frozenset(pack.namelist())
    return frozenset()


def _read(path: Path, name: str) -> bytes | None:
    # A damaged pack is no loss: the source still has the bytes.
    with contextlib.suppress(*_DAMAGE), zipfile.ZipFile(path) as pack:
        return pack.read(name)
    return None
