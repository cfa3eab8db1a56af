"""Files of arrays (.npz) that store models: equal bytes for equal values, read without pickle and within limits."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.files import file_digest, whole

Arrays = dict[str, NDArray[Any]]

# A RuntimeError is an encrypted archive, a MemoryError an array that claims to be huge.
_UNREADABLE = (OSError, ValueError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)


def write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Writes arrays to a file, whole or not at all; returns its SHA-256."""
    with whole(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, values in sorted(arrays.items()):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(values), allow_pickle=False)
            item = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(item, buffer.getvalue(), zipfile.ZIP_DEFLATED)
    return file_digest(path)


def write_one(path: Path, values: NDArray[Any]) -> None:
    """Writes one array to a file (.npy), which can be mapped."""
    # Not by numpy, whose error does not state why a write fails, such as a full disk.
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, np.lib.format.header_data_from_array_1_0(values))
    with path.open("wb") as file:
        file.write(head.getvalue())
        file.write(np.ascontiguousarray(values).data)


def read_one(path: Path, *, mapped: bool = False) -> NDArray[Any]:
    """Returns the array of a file (.npy). mapped: read-only from the disk. Raises ValueError for any other file."""
    found = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    if not isinstance(found, np.ndarray):  # numpy opens a file of several arrays under any name
        found.close()
        raise ValueError("several arrays instead of one")
    return found


def read(path: Path, most_bytes: int, kind: str, hint: str) -> Arrays:
    """Returns the arrays of a file of at most most_bytes, also when decompressed. Raises DataError.

    kind: what the file should be, such as "a head". hint: how to make one.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = max(path.stat().st_size, sum(item.file_size for item in archive.infolist()))
        if size > most_bytes:
            raise DataError(f"{path} is larger than {most_bytes >> 20} MB", f"{kind} is a smaller file: {hint}")
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        if not all(isinstance(values, np.ndarray) for values in found.values()):  # numpy returns other members as bytes
            raise ValueError("no array")
        return found
    except _UNREADABLE as err:
        raise DataError(f"{path} is not {kind}", hint) from err
