"""Members of zips by their position: one read each, without the directory of the zip, from any thread or process."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

_HEADER = struct.Struct("<4s22xHH")  # signature, lengths of the name and of the extra field
_SLACK = 64  # bytes; most members have an extra field of at most that size


class Place(NamedTuple):
    """Where the bytes of a member are in its container, as the directory of the container states it.

    start: position of the local header in a zip, or of the bytes where there is none. packed: their number in the
    container. method: of compression. crc: CRC-32 of the unpacked bytes; None where the container has none.
    has_header: whether a zip's local header precedes the bytes.
    """

    start: int
    packed: int
    method: int = zipfile.ZIP_STORED
    crc: int | None = None
    has_header: bool = True


def place_of(info: zipfile.ZipInfo) -> Place | None:
    """Returns the place of a member; None if it is encrypted or compressed by a method that only zipfile unpacks."""
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return None
    return Place(info.header_offset, info.compress_size, info.compress_type, info.CRC)


class Container:
    """A file that members are read from; it has no position, so threads and forked processes can share it."""

    def __init__(self, path: Path) -> None:
        self._fd = -1  # also where opening fails
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self, place: Place, name: str, size: int) -> bytes:
        """Returns the unpacked bytes of a member, at most one more than `size`; raises BadZipFile for corrupt ones.

        name: of the member, whose length the header is expected to state.
        """
        # Deflate adds at most a few bytes per block: a larger member would only take memory.
        if place.packed > size + size // 1000 + 1024:
            raise zipfile.BadZipFile("the directory states more bytes than the image has")
        data = self._packed(place, len(name.encode()))
        if place.method == zipfile.ZIP_DEFLATED:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, size + 1)
        if place.crc is not None and zlib.crc32(data) != place.crc:
            raise zipfile.BadZipFile("bad CRC-32")
        return data

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        # When Python ends, the module `os` may be gone before this object is; the system closes the file then.
        if os is not None:
            self.close()

    def _packed(self, place: Place, length_of_name: int) -> bytes:
        if not place.has_header:
            return self._pread(place.packed, place.start)
        # The extra field of the header may differ from that in the directory, so its length is known only now.
        data = self._pread(_HEADER.size + length_of_name + _SLACK + place.packed, place.start)
        if len(data) < _HEADER.size:
            raise zipfile.BadZipFile("truncated")
        signature, name, extra = _HEADER.unpack_from(data)
        if signature != b"PK\3\4":
            raise zipfile.BadZipFile("no local header where the directory refers to it")
        start = _HEADER.size + name + extra
        if start + place.packed > len(data):
            return self._pread(place.packed, place.start + start)
        return data[start : start + place.packed]

    def _pread(self, size: int, start: int) -> bytes:
        """Returns bytes at a position: one call, unless the system reads less than it was asked for."""
        data = os.pread(self._fd, size, start)
        while len(data) < size:
            more = os.pread(self._fd, size - len(data), start + len(data))
            if not more:
                break
            data += more
        return data
