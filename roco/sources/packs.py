"""Packs: a thousand articles in one uncompressed tar with an index, for file systems that ten million files would kill.

A pack is `NNNNNN.PMCa-PMCb.tar`, the range of its PMCIDs in its name, and beside it `….index`: a table of every file
with its place in the tar. Any tar reader unpacks it to the loose layout. Of two packs that hold one version of an
article the later counts.
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
from roco.base.files import read_table, whole, write_table
from roco.base.ids import PMCID_NUMBER
from roco.base.terminal import quoted
from roco.sources.archives.reader import STANDARD, is_xml

FOLDER = "packs"
"""Where packs lie in a source."""

_NAME = re.compile(rf"([0-9]{{6}})\.PMC({PMCID_NUMBER})-PMC({PMCID_NUMBER})\.index")
_INDEX = pa.schema(
    [("key", pa.string()), ("name", pa.string()), ("offset", pa.int64()), ("size", pa.int64()), ("sha256", pa.string())]
)


class Entry(NamedTuple):
    """One file of a version: where it lies in the tar."""

    name: str
    offset: int
    size: int
    sha256: str


class Pack(NamedTuple):
    """A pack by the path of its index; first and last: numbers of the PMCIDs it may hold."""

    path: Path
    first: int
    last: int

    @property
    def tar(self) -> Path:
        return self.path.with_suffix(".tar")


class Packs:
    """The packs of a source, as they lie there when they are first asked for."""

    def __init__(self, source: Path) -> None:
        self.folder = source / FOLDER

    @cached_property
    def all(self) -> list[Pack]:
        """The newest first; raises OSError where the folder is there and cannot be read."""
        try:
            names = sorted(os.listdir(self.folder), reverse=True)  # noqa: PTH208 - names are all that is needed
        except (FileNotFoundError, NotADirectoryError):
            return []
        found = ((name, _NAME.fullmatch(name)) for name in names)
        return [Pack(self.folder / name, int(told[2]), int(told[3])) for name, told in found if told]

    @cached_property
    def keys(self) -> dict[str, Pack]:
        """Every version that a pack holds, with the pack that counts for it."""
        found: dict[str, Pack] = {}
        for pack in self.all:
            for key in entries(pack):
                found.setdefault(key, pack)
        return found

    def find(self, key: str) -> Pack | None:
        """The pack that counts for a version; only indexes of packs that may hold it are read."""
        if "keys" in self.__dict__:  # all have been read
            return self.keys.get(key)
        number = int(key[3:].partition(".")[0])
        return next((p for p in self.all if p.first <= number <= p.last and key in entries(p)), None)

    def stamp(self, pack: Pack) -> str:
        """What changes when a pack or its index does."""
        seen = pack.path.stat()
        return f"{pack.path.name}:{seen.st_size}:{seen.st_mtime_ns}"


class Packed:
    """A version in a pack, as a package; every file is checked against the index."""

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
                raise RejectedInput(f"the pack {self._pack.tar.name} is gone, its index is not") from err
        data = os.pread(self._fd, entry.size, entry.offset)
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise RejectedInput(f"{quoted(name)} is not what the pack's index promises: the pack is cut or changed")
        return data

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def entries(pack: Pack) -> Mapping[str, Sequence[Entry]]:
    """The files of each version of a pack, sorted by name; raises DataError where the index is cut or changed."""
    seen = pack.path.stat()
    return _entries(pack.path, seen.st_mtime_ns, seen.st_size)


@lru_cache(maxsize=64)
def _entries(path: Path, _time: int, _size: int) -> Mapping[str, Sequence[Entry]]:
    try:
        table, _ = read_table(path)
        rows = zip(*(table[name].to_pylist() for name in _INDEX.names), strict=True)
    except (CorruptFile, KeyError) as err:
        raise DataError(
            f"the index {path} is cut or changed",
            "bring it back; or remove it, and fetch its articles again: roco fetch plan, roco fetch run",
        ) from err
    found: dict[str, list[Entry]] = {}
    for key, *rest in rows:
        found.setdefault(key, []).append(Entry(*rest))
    return found


def write_pack(folder: Path, number: int, versions: Mapping[str, Sequence[Path]]) -> Pack:
    """Writes the files of each version to one tar, and then its index, without which it does not count.

    versions: in the order in which they shall stand. Same files, same bytes.
    """
    numbers = [int(key[3:].partition(".")[0]) for key in versions]
    path = folder / f"{number:06d}.PMC{min(numbers)}-PMC{max(numbers)}.index"
    pack = Pack(path, min(numbers), max(numbers))
    rows: list[tuple[str, str, int, int, str]] = []
    with whole(pack.tar) as part, part.open("wb") as fh:
        for key, files in versions.items():
            for file in sorted(files, key=lambda file: file.name):
                data = file.read_bytes()
                head = tarfile.TarInfo(f"{key}/{file.name}")
                head.size = len(data)
                header = head.tobuf(tarfile.PAX_FORMAT)
                rows.append((key, file.name, fh.tell() + len(header), len(data), hashlib.sha256(data).hexdigest()))
                fh.write(header)
                fh.write(data)
                fh.write(bytes(-len(data) % tarfile.BLOCKSIZE))
        fh.write(bytes(2 * tarfile.BLOCKSIZE))
    _write_index(path, rows)
    return pack


def forget(pack: Pack, keys: Iterable[str]) -> None:
    """Takes versions out of a pack's index; their bytes stay in the tar, and nothing reads them."""
    gone = set(keys)
    kept = [(key, *entry) for key, files in entries(pack).items() if key not in gone for entry in files]
    _write_index(pack.path, kept)


def _write_index(path: Path, rows: Sequence[tuple[str, str, int, int, str]]) -> None:
    columns = zip(*rows, strict=True) if rows else ([] for _ in _INDEX)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, _INDEX, strict=True)]
    write_table(path, pa.table(arrays, schema=_INDEX), {"pack": path.stem})
