"""What lies beside predicted captions: columns of numbers that others computed, and the images."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.files import file_digest
from roco.base.limits import UNREADABLE, check_directory, shown
from roco.evaluate.submission import MOST_BYTES

Floats = NDArray[np.float64]
MOST_IMAGE = 64 << 20  # bytes


def columns_of(path: Path, ids: Sequence[str], inputs: dict[str, str], taken: Sequence[str]) -> dict[str, Floats]:
    """One number a caption and column: every id once, nothing but numbers."""
    try:
        data = path.read_bytes() if path.stat().st_size <= MOST_BYTES else b""
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except UNREADABLE as err:
        raise DataError(
            f"{path} cannot be read: {shown(err)}", "give a CSV file: ID and one column for each metric"
        ) from err
    if not rows or len(rows[0]) < 2 or rows[0][0] != "ID":
        raise DataError(f"{path}, line 1: the header is not ID and names of metrics", "write ID,name as the first line")
    inputs[str(path)] = file_digest(path)
    names, found, wanted = rows[0][1:], {}, set(ids)
    if twice := [name for i, name in enumerate(names) if name in taken or name in names[:i]]:
        raise DataError(f"{path}, line 1: '{shown(twice[0])}' is computed already", "name the column otherwise")
    for line, row in enumerate(rows[1:], 2):
        try:
            values = [float(cell) for cell in row[1:]]
        except ValueError:
            values = []
        if len(row) != len(rows[0]) or not all(map(math.isfinite, values)) or not values:
            raise DataError(f"{path}, line {line}: not {len(names)} numbers", "write one number for each column")
        if row[0] not in wanted or row[0] in found:
            what = "stands twice" if row[0] in found else "is unknown to the truth"
            raise DataError(
                f"{path}, line {line}: the id '{shown(row[0])}' {what}", "one row for each image of the truth"
            )
        found[row[0]] = values
    if lost := [id for id in ids if id not in found]:
        raise DataError(f"{path}: {len(lost):,} images are missing, first {shown(lost[0])}", "one row for each image")
    return {name: np.array([found[id][i] for id in ids]) for i, name in enumerate(names)}


def images_of(place: Path, ids: Sequence[str]) -> Iterator[bytes]:
    """The image of each id, from a folder or zip in which files are named by it, in whatever folder they lie."""
    if place.is_dir():
        there = {path.stem: path for path in sorted(place.rglob("*")) if path.is_file() and not path.is_symlink()}
        for id in ids:
            if id not in there:
                raise DataError(f"{place} has no image of '{shown(id)}'", "files are named by id, as ID.jpg")
            yield there[id].read_bytes()[:MOST_IMAGE]
        return
    try:
        with place.open("rb") as fh:
            check_directory(fh)
            with zipfile.ZipFile(fh) as archive:
                members = {Path(info.filename).stem: info for info in archive.infolist() if not info.is_dir()}
                for id in ids:
                    if id not in members:
                        raise DataError(f"{place} has no image of '{shown(id)}'", "files are named by id, as ID.jpg")
                    with archive.open(members[id]) as member:
                        yield member.read(MOST_IMAGE)
    except UNREADABLE as err:
        raise DataError(f"{place} cannot be read: {shown(err)}", "give a folder or a zip of images") from err
