"""Packs: a thousand articles in one uncompressed tar with an index, for file systems with a limit on files.

A pack is `NNNNNN.PMCa-PMCb.tar`, where a and b are the range of its PMCIDs, and beside it `NNNNNN.PMCa-PMCb.index`: a
Parquet table with name, offset, size and SHA-256 of every file. Any tar reader unpacks it to the loose layout. If two
packs contain the same version of an article, the later pack counts.

`roco fetch` writes packs (`write_pack`, `forget`); `CloudSource` reads them (`Packs`, `Packed`).
"""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from roco.base.errors import CorruptFile, DataError, RejectedInput
from roco.base.files import whole
from roco.base.ids import PMCID_NUMBER
from roco.base.sealed_tables import read_table, write_table
from roco.base.terminal import quoted
from roco.sources.archives.reader import STANDARD, is_xml

FOLDER = "packs"
"""The folder of packs in a source."""
OPEN_INDEXES = 64
"""Number of indexes that are kept in memory, the most recently used ones."""

_NAME = re.compile(rf"([0-9]{{6}})\.PMC({PMCID_NUMBER})-PMC({PMCID_NUMBER})\.index")
_INDEX = pa.schema(
    [("key", pa.string()), ("name", pa.string()), ("offset", pa.int64()), ("size", pa.int64()), ("sha256", pa.string())]
)


class Entry(NamedTuple):
    """One file of an article version: where it is in the tar."""

    name: str
    offset: int
    size: int
    sha256: str


class Pack(NamedTuple):
    """A pack; path: of its index; first, last: range of the numbers of its PMCIDs."""

    path: Path
    first: int
    last: int

    @property
    def tar(self) -> Path:
        return self.path.with_suffix(".tar")


class Packs:
    """The packs of a source, as they are when first used. A key is a version of an article: `PMC123.2`."""

    def __init__(self, source: Path) -> None:
        self.folder = source / FOLDER

    @cached_property
    def all(self) -> list[Pack]:
        """Returns all packs, the newest first; raises OSError if the folder exists and cannot be read."""
        try:
            names = sorted(os.listdir(self.folder), reverse=True)  # noqa: PTH208 - names are all that is needed
        except (FileNotFoundError, NotADirectoryError):
            return []
        packs = []
        for name in names:
            match = _NAME.fullmatch(name)
            if match:
                packs.append(Pack(self.folder / name, int(match[2]), int(match[3])))
        return packs

    @cached_property
    def keys(self) -> dict[str, Pack]:
        """Returns every key with the pack that counts for it."""
        by_key: dict[str, Pack] = {}
        for pack in self.all:  # the newest first, so that it is kept
            for key in entries(pack):
                by_key.setdefault(key, pack)
        return by_key

    def find(self, key: str) -> Pack | None:
        """Returns the pack that counts for a key; None if no pack contains it.

        Unless all indexes were read already, reads only those whose range includes the key.
        """
        if "keys" in self.__dict__:  # the cached property has been computed
            return self.keys.get(key)
        number = _number_of(key)
        for pack in self.all:
            if pack.first <= number <= pack.last and key in entries(pack):
                return pack
        return None

    def stamp(self, pack: Pack) -> str:
        """Returns a text that changes when a pack does: name, size and time of its index."""
        stat = pack.path.stat()
        return f"{pack.path.name}:{stat.st_size}:{stat.st_mtime_ns}"


class Packed:
    """A version of an article in a pack, as a package; every file is checked against the index when it is read."""

    def __init__(self, pack: Pack, key: str) -> None:
        self._pack = pack
        self._files = {entry.name: entry for entry in entries(pack).get(key, ())}
        self._fd: int | None = None
        self.xmls = [name for name in (f"{key}.xml",) if name in self._files]

    @property
    def files(self) -> Sequence[tuple[str, int]]:
        return [(entry.name, entry.size) for entry in self._files.values()]

    def read(self, name: str) -> bytes:
        """Returns the bytes of one file; raises RejectedInput if it is unknown, too large or differs from the index."""
        entry = self._files.get(name)
        if entry is None:
            raise RejectedInput(f"no {quoted(name)} in the pack")
        if entry.size > (STANDARD.xml if is_xml(name) else STANDARD.member):
            raise RejectedInput(f"{quoted(name)} is too large: {entry.size} bytes")
        if self._fd is None:
            try:
                self._fd = os.open(self._pack.tar, os.O_RDONLY)
            except FileNotFoundError as err:
                raise RejectedInput(f"the pack {self._pack.tar.name} is missing, although its index exists") from err
        data = os.pread(self._fd, entry.size, entry.offset)
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise RejectedInput(f"{quoted(name)} differs from the pack's index: the pack is truncated or modified")
        return data

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def entries(pack: Pack) -> Mapping[str, Sequence[Entry]]:
    """Returns the files of each key of a pack, sorted by name; raises DataError if the index is corrupt."""
    # Time and size are part of the cache's key, so that a rewritten index is read again.
    stat = pack.path.stat()
    return _entries(pack.path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=OPEN_INDEXES)
def _entries(path: Path, _time: int, _size: int) -> Mapping[str, Sequence[Entry]]:
    try:
        table, _ = read_table(path)
        rows = zip(*(table[name].to_pylist() for name in _INDEX.names), strict=True)
    except (CorruptFile, KeyError) as err:
        raise DataError(
            f"the index {path} is truncated or modified",
            "restore it; or delete it and fetch its articles again: roco fetch plan, roco fetch run",
        ) from err
    by_key: dict[str, list[Entry]] = {}
    for key, *rest in rows:
        by_key.setdefault(key, []).append(Entry(*rest))
    return by_key


def write_pack(folder: Path, number: int, versions: Mapping[str, Sequence[Path]]) -> Pack:
    """Writes the files of each version to one tar, and then the index; a tar without an index does not count.

    versions: files by key, in the order of the tar. The same files always give the same bytes.
    """
    numbers = [_number_of(key) for key in versions]
    path = folder / f"{number:06d}.PMC{min(numbers)}-PMC{max(numbers)}.index"
    pack = Pack(path, min(numbers), max(numbers))
    rows: list[tuple[str, str, int, int, str]] = []
    with whole(pack.tar) as part, part.open("wb") as fh:
        for key, files in versions.items():
            for file in sorted(files, key=lambda file: file.name):
                data = file.read_bytes()
                # A TarInfo made from a name alone has no time and no owner, which would change the bytes.
                member = tarfile.TarInfo(f"{key}/{file.name}")
                member.size = len(data)
                header = member.tobuf(tarfile.PAX_FORMAT)
                offset = fh.tell() + len(header)
                rows.append((key, file.name, offset, len(data), hashlib.sha256(data).hexdigest()))
                fh.write(header)
                fh.write(data)
                fh.write(bytes(-len(data) % tarfile.BLOCKSIZE))
        fh.write(bytes(2 * tarfile.BLOCKSIZE))
    _write_index(path, rows)
    return pack


def forget(pack: Pack, keys: Iterable[str]) -> None:
    """Removes keys from a pack's index; their bytes stay in the tar, but nothing reads them."""
    removed = set(keys)
    rows = []
    for key, files in entries(pack).items():
        if key not in removed:
            rows += [(key, *entry) for entry in files]
    _write_index(pack.path, rows)


def _number_of(key: str) -> int:
    """Returns the number of a key's PMCID: 123 for `PMC123.2`."""
    return int(key.removeprefix("PMC").partition(".")[0])


def _write_index(path: Path, rows: Sequence[tuple[str, str, int, int, str]]) -> None:
    columns = zip(*rows, strict=True) if rows else ([] for _ in _INDEX)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, _INDEX, strict=True)]
    write_table(path, pa.table(arrays, schema=_INDEX), {"pack": path.stem})
