"""The table of the store `lance`: where it is, what its columns are called, and the checks when it is opened.

```
cui_mapping.csv   the names of concepts
centres.npz       the mean of the vectors of each kind, if one is subtracted
lance.json        the files of the table and their sizes, the vectors, the concepts of the rows
lance/            the table of LanceDB: columns of the release, words, vectors, and their indexes
```
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.base.errors import DataError, MissingExtra
from roco.base.files import file_digest, write_json
from roco.base.json_text import parse_json
from roco.base.readers import UNREADABLE, read_text
from roco.base.terminal import excerpt
from roco.baselines.retrieve.folder import AGAIN
from roco.baselines.retrieve.store.store import IMAGE, TEXT

FOLDER, TABLE, CONTENT, CENTRES = "lance", "rows", "lance.json", "centres.npz"

OWN = "index_"
"""How the names of columns begin that are not those of the release."""

ROW, WORDS, PHASH = "index_row", "index_words", "index_phash"
VECTOR = {IMAGE: "index_image_vector", TEXT: "index_text_vector"}
DIGESTED = 2 << 30
"""Bytes of a table that are read whenever it is opened, which takes a few seconds."""

STRANGER = frozenset({"_distance", "_score", "_rowid", "_rowaddr"})
"""Names of columns that LanceDB adds to results."""


@dataclass(frozen=True, kw_only=True)
class Content:
    """What lance.json states.

    files: their sizes in bytes; digests: their SHA-256. partitions: of the IVF index of each kind of vectors, 0 if it
    has none and a search compares all of them. concepts: the CUIs that rows have.
    """

    rows: int
    files: Mapping[str, int]
    digests: Mapping[str, str]
    partitions: Mapping[str, int]
    concepts: tuple[str, ...]

    def write(self, folder: Path) -> None:
        """Writes lance.json."""
        write_json(folder / CONTENT, vars(self) | {"concepts": list(self.concepts)})

    @classmethod
    def read(cls, folder: Path) -> Content:
        """Reads lance.json; raises DataError if it is invalid."""
        try:
            entry = parse_json(read_text(folder / CONTENT))
            found = cls(**entry | {"concepts": tuple(entry["concepts"])})
            is_valid = (
                isinstance(found.rows, int)
                and all(isinstance(size, int) for size in found.files.values())
                and found.files.keys() == found.digests.keys()
                and all(of in VECTOR and isinstance(value, int) for of, value in found.partitions.items())
                and all(isinstance(cui, str) for cui in found.concepts)
            )
        except (*UNREADABLE, ValueError, TypeError, KeyError, AttributeError) as err:
            raise DataError(f"{folder / CONTENT} cannot be read: {excerpt(err)}", AGAIN) from err
        if not is_valid:
            raise DataError(f"{folder / CONTENT} is incomplete", AGAIN)
        return found


def library() -> Any:
    """Returns LanceDB; raises MissingExtra if it is not installed."""
    # Its warnings would appear between the lines of a command.
    os.environ.setdefault("LANCEDB_LOG", "error")
    try:
        import lancedb
    except ImportError as err:
        raise MissingExtra("lancedb", "search") from err
    return lancedb


def sizes(folder: Path) -> dict[str, int]:
    """Returns the size of each file of the table; raises DataError for anything that is neither file nor folder."""
    found = {}
    for place, folders, names in os.walk(folder / FOLDER):
        for name in (*folders, *names):
            path = Path(place, name)
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise DataError(f"{path} is neither a file nor a folder", AGAIN)
            if path.is_file():
                found[path.relative_to(folder / FOLDER).as_posix()] = path.stat().st_size
    return found


def open_table(folder: Path, content: Content) -> Any:
    """Opens the table; raises DataError if a file is missing, unexpected or has changed.

    Files of up to DIGESTED bytes together are compared by SHA-256; larger ones by size, as reading them takes too long.
    """
    found = sizes(folder)
    is_small = sum(found.values()) <= DIGESTED
    for name in sorted({*found, *content.files}):
        is_same = found.get(name) == content.files.get(name)
        if is_same and is_small:
            is_same = file_digest(folder / FOLDER / name) == content.digests[name]
        if not is_same:
            what = "is missing" if name not in found else "has changed since the index was written"
            raise DataError(f"{folder / FOLDER / excerpt(name, 200)} {what}", AGAIN)
    lancedb = library()
    with reading(folder):
        table = lancedb.connect(str((folder / FOLDER).resolve())).open_table(TABLE)
        needed = {ROW, WORDS, "id", *(VECTOR[of] for of in content.partitions)}
        is_whole = table.count_rows() == content.rows and needed <= set(table.schema.names)
    if not is_whole:
        raise DataError(f"{folder}: its files do not belong together", AGAIN)
    return table


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Raises DataError for any error of LanceDB within the block: the table is damaged."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, LookupError, TypeError, pa.ArrowException) as err:
        raise DataError(f"{folder / FOLDER} cannot be read: {excerpt(err)}", AGAIN) from err
    except BaseException as err:
        # A panic of its library: a BaseException if this thread called it, another class in a thread of its own.
        if type(err).__name__ not in ("PanicException", "RustPanic"):
            raise
        raise DataError(f"{folder / FOLDER} cannot be read: {excerpt(err)}", AGAIN) from err
