"""Reads additional inputs for captions: the user's own metrics as CSV columns, and the images for CLIPScore."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.files import file_digest
from roco.base.readers import UNREADABLE, check_zip_directory
from roco.base.terminal import excerpt, quoted
from roco.evaluate.prediction_file import MAX_BYTES

MAX_IMAGE_BYTES = 64 << 20
_ONE_ROW = "write one row for each image of the ground truth"


class OwnColumns(NamedTuple):
    """The values per image of each column, and the SHA-256 of the file."""

    values: dict[str, NDArray[np.float64]]
    inputs: dict[str, str]


def read_columns(path: Path, ids: Sequence[str], computed: Collection[str]) -> OwnColumns:
    """Reads a CSV file with ID and one column of finite numbers per metric; every ID must have exactly one row.

    computed: names that columns must not have, because scores of these names exist.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except UNREADABLE as err:
        raise DataError(
            f"{path} cannot be read: {excerpt(err)}", "give a CSV file with ID and one column per metric"
        ) from err
    if not rows or len(rows[0]) < 2 or rows[0][0] != "ID":
        raise DataError(f"{path}, line 1: the header is not ID and names of metrics", "write ID,name as the first line")
    header, *body = rows
    names = header[1:]
    for i, name in enumerate(names):
        if name in computed or name in names[:i]:
            raise DataError(f"{path}, line 1: a score named {quoted(name)} exists", "rename the column")
    known_ids = set(ids)
    values: dict[str, list[float]] = {}
    for line, row in enumerate(body, 2):
        where = f"{path}, line {line}"
        numbers = _finite_numbers(row[1:])
        if numbers is None or len(numbers) != len(names):
            raise DataError(f"{where}: expected {len(names)} finite numbers", "write one number per column")
        id = row[0]
        if id not in known_ids:
            raise DataError(f"{where}: unknown id {quoted(id)} (not in the ground truth)", _ONE_ROW)
        if id in values:
            raise DataError(f"{where}: duplicate id {quoted(id)}", _ONE_ROW)
        values[id] = numbers
    missing = [id for id in ids if id not in values]
    if missing:
        raise DataError(f"{path}: {len(missing):,} images are missing, first {excerpt(missing[0])}", _ONE_ROW)
    columns = {name: np.array([values[id][i] for id in ids]) for i, name in enumerate(names)}
    return OwnColumns(columns, {str(path): file_digest(path)})


def read_images(source: Path, ids: Sequence[str]) -> Iterator[bytes]:
    """Yields the image of each ID from a folder or zip; files are named by ID and may be in subfolders."""
    remedy = "name the files by id, as in ID.jpg"
    if source.is_dir():
        files = {path.stem: path for path in sorted(source.rglob("*")) if path.is_file() and not path.is_symlink()}
        for id in ids:
            if id not in files:
                raise DataError(f"{source} has no image of {quoted(id)}", remedy)
            yield files[id].read_bytes()[:MAX_IMAGE_BYTES]
        return
    try:
        with source.open("rb") as file:
            check_zip_directory(file)
            with zipfile.ZipFile(file) as archive:
                members = {Path(info.filename).stem: info for info in archive.infolist() if not info.is_dir()}
                for id in ids:
                    if id not in members:
                        raise DataError(f"{source} has no image of {quoted(id)}", remedy)
                    with archive.open(members[id]) as member:
                        yield member.read(MAX_IMAGE_BYTES)
    except UNREADABLE as err:
        raise DataError(f"{source} cannot be read: {excerpt(err)}", "give a folder or a zip of images") from err


def _finite_numbers(cells: Sequence[str]) -> list[float] | None:
    """Returns the cells as numbers; None if one is not a finite number."""
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None
