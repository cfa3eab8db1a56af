"""Loaded images on the disk, so that later epochs and trainings do not decode them again."""

from __future__ import annotations

import contextlib
import io
import os
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from roco.base.errors import DataError, UsageError
from roco.base.files import digest, path_error
from roco.baselines.vision.transform import Loading, Pixels

VERSION = 1
"""Raised when the same bytes and settings give other pixels."""

_CHECKSUM = 4  # bytes after the array


@dataclass(frozen=True)
class Cache:
    """A folder with one .npy file for each image and way of loading; numpy reads them.

    A checksum follows the array: a truncated or changed file is made again. A file that cannot be written, for instance
    on a full disk, is left out, and its image decoded each time.
    """

    folder: Path

    @classmethod
    def open(cls, folder: Path) -> Cache:
        """Creates the folder; raises UsageError if it is a file, DataError if nothing can be written to it."""
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is not a folder", "choose another one with --cache")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise path_error(err) from err
        if not os.access(folder, os.W_OK | os.X_OK):
            raise DataError(f"permission denied: cannot write to {folder}", "choose another folder with --cache")
        return cls(folder)

    def get(self, stamp: str, loading: Loading, load: Callable[[], Pixels]) -> Pixels:
        """Returns the pixels of an image; stamp: changes with its bytes. load: loads it if the cache lacks it."""
        path = self.path(stamp, loading)
        pixels = _read(path)
        if pixels is None:
            pixels = load()
            _write(path, pixels)
        return pixels

    def path(self, stamp: str, loading: Loading) -> Path:
        """Returns the file of an image."""
        name = digest([VERSION, stamp, loading.side, loading.resize])
        return self.folder / name[:2] / f"{name[2:40]}.npy"


def _read(path: Path) -> Pixels | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    body, checksum = data[:-_CHECKSUM], data[-_CHECKSUM:]
    if zlib.crc32(body).to_bytes(_CHECKSUM, "big") != checksum:
        return None
    try:
        pixels: Pixels = np.load(io.BytesIO(body), allow_pickle=False)
    except (ValueError, EOFError, OSError):
        return None
    return pixels


def _write(path: Path, pixels: Pixels) -> None:
    buffer = io.BytesIO()
    np.save(buffer, pixels, allow_pickle=False)
    data = buffer.getvalue()
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        path.parent.mkdir(exist_ok=True)
        part.write_bytes(data + zlib.crc32(data).to_bytes(_CHECKSUM, "big"))
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
