"""The image files that a network is trained on: of a release, of a folder, or of both."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from roco.base.errors import DataError
from roco.base.terminal import excerpt
from roco.baselines.training.learner import SKIP, Unreadable
from roco.baselines.vision.cache import Cache
from roco.baselines.vision.transform import Loading, Pixels
from roco.release.folders import MAX_IMAGE_BYTES
from roco.release.load.packed_files import PackedFiles
from roco.release.load.rows import Rows


class Images(Protocol):
    """Image files by position."""

    def __len__(self) -> int: ...

    def id(self, position: int) -> str:
        """Returns the id of an image, or its path in a folder."""

    def read(self, position: int) -> bytes:
        """Returns the bytes of the file; raises DataError or OSError if it cannot be read."""

    def stamp(self, position: int) -> str:
        """Returns a text that changes when the file does."""


class ReleaseImages:
    """The images of rows of a dataset; raises DataError for a row whose image file is missing."""

    def __init__(self, rows: Rows) -> None:
        self._ids = rows.column("id")
        self._root = str(rows.figures.path.resolve())
        self._files = PackedFiles.of(rows.figures, self._ids.to_pylist())

    def __len__(self) -> int:
        return len(self._ids)

    def id(self, position: int) -> str:
        return str(self._ids[position].as_py())

    def read(self, position: int) -> bytes:
        return self._files.reader.read(self._files[position])

    def stamp(self, position: int) -> str:
        file = self._files[position]
        return f"{self._root}\n{file.container}\n{file.member}\n{file.stamp}"


@dataclass(frozen=True)
class FolderImages:
    """Images of a folder by their paths, relative to it."""

    folder: Path
    paths: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def id(self, position: int) -> str:
        return self.paths[position]

    def read(self, position: int) -> bytes:
        path = self.folder / self.paths[position]
        if not path.is_file():  # a pipe would never end
            raise DataError(f"missing image: {excerpt(self.paths[position])}", "check the paths of the labels")
        if path.stat().st_size > MAX_IMAGE_BYTES:
            raise DataError(f"image too large: {excerpt(self.paths[position])}", "remove it from the labels")
        return path.read_bytes()

    def stamp(self, position: int) -> str:
        path = self.folder / self.paths[position]
        stat = path.stat()
        return f"{path.resolve()}\n{stat.st_size}:{stat.st_mtime_ns}"


class AllImages:
    """Images of several places, one after the other."""

    def __init__(self, parts: Sequence[Images]) -> None:
        self._parts = tuple(part for part in parts if len(part))
        self._ends = list(itertools.accumulate(len(part) for part in self._parts))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def id(self, position: int) -> str:
        part, own = self._place(position)
        return part.id(own)

    def read(self, position: int) -> bytes:
        part, own = self._place(position)
        return part.read(own)

    def stamp(self, position: int) -> str:
        part, own = self._place(position)
        return part.stamp(own)

    def _place(self, position: int) -> tuple[Images, int]:
        number = bisect.bisect_right(self._ends, position)
        return self._parts[number], position - (self._ends[number - 1] if number else 0)


def load(images: Images, position: int, loading: Loading, cache: Cache | None) -> Pixels | Unreadable:
    """Returns the pixels of an image, or why it cannot be read."""
    try:
        if cache is None:
            return loading.load(images.read(position))
        return cache.get(images.stamp(position), loading, lambda: loading.load(images.read(position)))
    except DataError as err:
        return Unreadable(images.id(position), err.message, SKIP)
    except (OSError, MemoryError) as err:
        return Unreadable(images.id(position), excerpt(str(err) or type(err).__name__), SKIP)
