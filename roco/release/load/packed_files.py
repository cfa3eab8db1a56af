"""The image files of many rows as arrays, which processes share and send faster than a list of objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roco.release.folders import ImageFile, ImageReader
from roco.release.load.figures import Figures
from roco.release.members import Place

_NO_CRC = -1


@dataclass(frozen=True)
class PackedFiles:
    """The image files of rows; `files[i]` is that of row i. reader: reads them, in each process by its own handles."""

    reader: ImageReader
    _texts: pa.Table
    _numbers: NDArray[np.int64]

    @classmethod
    def of(cls, figures: Figures, ids: Sequence[str]) -> PackedFiles:
        """Returns the image files of rows; raises DataError, with the id, for a missing one."""
        files = [figures.file(id) for id in ids]
        texts = {
            name: pa.array([getattr(file, name) for file in files], pa.string()).dictionary_encode()
            if name in ("split", "container")
            else pa.array([getattr(file, name) for file in files], pa.string())
            for name in ("name", "split", "container", "member", "stamp")
        }
        numbers = np.array([_numbers(file) for file in files], np.int64).reshape(len(files), 6)
        return cls(figures.reader, pa.table(texts), numbers)

    def __getitem__(self, position: int) -> ImageFile:
        name, split, container, member, stamp = (column[position].as_py() for column in self._texts.columns)
        size, start, packed, method, crc, has_header = self._numbers[position].tolist()
        place = None
        if start >= 0:
            place = Place(start, packed, method, None if crc == _NO_CRC else crc, bool(has_header))
        return ImageFile(name, split, container, member, size, stamp, place)


def _numbers(file: ImageFile) -> tuple[int, int, int, int, int, int]:
    place = file.place
    if place is None:
        return file.size, -1, 0, 0, _NO_CRC, 0
    crc = _NO_CRC if place.crc is None else place.crc
    return file.size, place.start, place.packed, place.method, crc, int(place.has_header)
