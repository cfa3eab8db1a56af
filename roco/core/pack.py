"""The pack of a part: original bytes of the figures that passed the pixel stages, and their thumbnails.

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
"""What zipfile raises for a pack with changed bits: a stored entry may then claim to be compressed or encrypted."""


class PackReader:
    """An open pack. What it cannot read intact counts as missing, because the source still has the bytes."""

    def __init__(self, path: Path) -> None:
        self._zip: zipfile.ZipFile | None = None
        with contextlib.suppress(*_DAMAGE):
            self._zip = zipfile.ZipFile(path)

    @property
    def names(self) -> frozenset[str]:
        return frozenset() if self._zip is None else frozenset(self._zip.NameToInfo)

    def size(self, figure_id: str) -> int | None:
        """Bytes of a figure's image; None if the pack does not have it."""
        info = None if self._zip is None else self._zip.NameToInfo.get(entry_name(figure_id))
        return None if info is None else info.file_size

    def image(self, figure_id: str) -> bytes | None:
        """The original bytes of a figure."""
        return self.entry(entry_name(figure_id))

    def thumbnail(self, figure_id: str) -> bytes | None:
        """A JPEG of at most 280 px a side."""
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
    """Adds figures to a pack. They are written to a sibling file, which replaces the pack as a whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self.old = PackReader(path)
        self.new: set[str] = set()
        self.out: zipfile.ZipFile | None = None

    def add(self, figure_id: str, image: bytes, thumbnail: bytes | None) -> None:
        """Adds a figure, unless the pack has it already."""
        name = entry_name(figure_id)
        if name in self.old.names or name in self.new:
            return
        self._write(name, image)
        if thumbnail is not None:
            self._write(name + _THUMBNAIL, thumbnail)

    def commit(self) -> None:
        """Puts the new pack in place, together with what the old one contains; does nothing if nothing was added."""
        if self.out is None:
            return
        for name in sorted(self.old.names - self.new):
            data = self.old.entry(name)
            if data is not None:
                self._write(name, data)
        try:
            self.out.close()
            with self.part.open("rb") as fh:
                os.fsync(fh.fileno())
            os.replace(self.part, self.path)  # noqa: PTH105
            sync_folder(self.path.parent)
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
    """The name of a figure inside a pack: a digest, never a name from outside."""
    return hashlib.sha256(figure_id.encode()).hexdigest()[:32]
