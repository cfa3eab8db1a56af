"""Walks a tar.gz once as it is inflated; whatever is not exactly as it must be ends in RejectedInput.

A gzip is checked by its CRC and length, a tar by the checksum of each header and by its end: without that
last check an archive that was cut between two members, or one with a spoilt header, reads as a shorter one.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, NamedTuple

from isal import igzip_lib

from roco.base.errors import RejectedInput
from roco.base.terminal import quoted

BLOCK = 512
_READ = 64 << 10  # compressed bytes at a time
_PIECE = 128 << 10  # inflated bytes at a time


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much one archive may ask for; sizes in bytes."""

    compressed: int = 2 << 30  # the file itself
    total: int = 10 << 30  # all members together, inflated
    ratio: int = 200  # inflated to compressed
    ratio_from: int = 10 << 20  # a small archive of empty pages may well exceed the ratio
    members: int = 20_000  # headers of every kind
    member: int = 200 << 20
    xml: int = 64 << 20
    name: int = 512
    header: int = 1 << 20  # all that stands before one member: long names, extended headers
    directory: int = 8 << 20  # the table of contents of a zip
    seconds: float = 300.0


class Inflated:
    """The inflated bytes of a gzip file, handed out in order and counted against the limits."""

    def __init__(self, fh: io.FileIO, limits: Limits) -> None:
        self._fh = fh
        self._limits = limits
        self._gzip = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        self._buffer = memoryview(bytearray(_READ))
        self._until = time.monotonic() + limits.seconds
        self._compressed = 0
        self._total = 0
        self._view = memoryview(b"")

    def take(self, size: int) -> bytes:
        """Exactly so many bytes; raises RejectedInput when there are fewer."""
        if len(self._view) >= size:
            data, self._view = self._view[:size], self._view[size:]
            return bytes(data)
        out = bytearray()
        for view in self._pieces(size):
            out += view
        return bytes(out)

    def pour(self, size: int, out: IO[bytes]) -> None:
        """Writes exactly so many bytes to a file."""
        for view in self._pieces(size):
            out.write(view)

    def skip(self, size: int) -> None:
        """Leaves exactly so many bytes out."""
        for _ in self._pieces(size):
            pass

    def demand_zeros(self) -> None:
        """Reads to the end, where gzip checks itself; raises RejectedInput for any byte that is not zero."""
        while self._view or self._fill():
            if bytes(self._view).strip(b"\0"):
                raise RejectedInput("there is data behind the end of the archive")
            self._view = memoryview(b"")

    def _pieces(self, size: int) -> Iterator[memoryview]:
        while size:
            if not self._view and not self._fill():
                raise RejectedInput("the archive ends too early")
            piece, self._view = self._view[:size], self._view[size:]
            size -= len(piece)
            yield piece

    def _fill(self) -> bool:
        """Inflates the next piece; False at the end of the gzip, which must be the end of the file."""
        while not self._gzip.eof:
            piece = self._inflate(self._more() if self._gzip.needs_input else b"")
            if time.monotonic() > self._until:
                raise RejectedInput(f"reading takes longer than {self._limits.seconds:g} s")
            if piece:
                self._count(len(piece))
                self._view = memoryview(piece)
                return True
        self._demand_end()
        return False

    def _more(self) -> memoryview:
        size = self._fh.readinto(self._buffer)
        if not size:
            raise RejectedInput("gzip: the file is cut" if self._compressed else "the file is empty")
        if not self._compressed and bytes(self._buffer[: min(2, size)]) != b"\x1f\x8b":
            raise RejectedInput("gzip: the file is of another kind")
        self._compressed += size
        return self._buffer[:size]

    def _inflate(self, data: bytes | memoryview) -> bytes:
        try:
            piece: bytes = self._gzip.decompress(data, _PIECE)
            return piece
        except igzip_lib.IsalError as err:  # type: ignore[misc]
            checksum = "checksum" in str(err)
            raise RejectedInput("gzip: CRC does not match" if checksum else "gzip: the data is spoilt") from err

    def _count(self, size: int) -> None:
        self._total += size
        if self._total > self._limits.total:
            raise RejectedInput(f"inflates to more than {self._limits.total} bytes")
        if self._total > max(self._limits.ratio_from, self._limits.ratio * self._compressed):
            raise RejectedInput(f"inflates to more than {self._limits.ratio} times its size")

    def _demand_end(self) -> None:
        # Zeros behind a gzip are padding of old tapes and mirrors, anything else is a second archive or junk.
        rest: bytes = self._gzip.unused_data
        while rest:
            if rest.strip(b"\0"):
                raise RejectedInput("gzip: there is data behind its end")
            rest = self._fh.read(_READ)


def members(stream: Inflated, limits: Limits) -> Iterator[tuple[str, int]]:
    """Yields name and size of each regular file; its bytes must be taken before the next step.

    Links, devices and folders are left out; names are data and may hold anything but NUL.
    """
    extra = _Extra()
    count = 0
    while any(block := stream.take(BLOCK)):
        count += 1
        if count > limits.members:
            raise RejectedInput(f"more than {limits.members} members")
        header = _header(block)
        if header.kind in _EXTENSIONS:
            extra = extra.joined(header, stream, limits)
            continue
        name = header.name if extra.name is None else extra.name
        size = header.size if extra.size is None else extra.size
        extra = _Extra()
        if size > limits.member:
            raise RejectedInput(f"{quoted(name)} is too large: {size} bytes")
        if _is_file(header.kind, name, size):
            yield _checked(name, limits), size
        else:
            stream.skip(size)
        stream.skip(-size % BLOCK)
    if extra.spent:
        raise RejectedInput("the archive ends too early")
    stream.demand_zeros()


_LONG_NAME, _LONG_LINK, _PAX_GLOBAL = b"LKg"
_EXTENSIONS = b"LKxXg"  # x and X: pax, for the next member only
_FILE = b"0\x007"  # the last asks for contiguous space and is a file like any other
_NO_DATA = b"123456"  # hard link, symlink, devices, folder, FIFO
_SPARSE = ord("S")


class _Header(NamedTuple):
    name: str
    size: int
    kind: int


class _Extra(NamedTuple):
    """What extension headers say of the member behind them."""

    name: str | None = None
    size: int | None = None
    spent: int = 0

    def joined(self, header: _Header, stream: Inflated, limits: Limits) -> _Extra:
        spent = self.spent + header.size + BLOCK
        if spent > limits.header:
            raise RejectedInput(f"more than {limits.header} bytes of headers before one member")
        data = stream.take(header.size)
        stream.skip(-header.size % BLOCK)
        name, size = self.name, self.size
        if header.kind == _LONG_NAME:
            name = _once(name, _text(data.split(b"\0", 1)[0]))
        elif header.kind != _LONG_LINK:
            told = _pax(data)
            if header.kind == _PAX_GLOBAL and ("path" in told or "size" in told):
                raise RejectedInput("a global header names a file")
            if any(key.startswith("GNU.sparse") for key in told):
                raise RejectedInput("holds a sparse file")
            name = _once(name, _text(told["path"])) if "path" in told else name
            size = _number(told["size"], 10) if "size" in told else size
        return _Extra(name, size, spent)


def _header(block: bytes) -> _Header:
    if _number(block[148:156], 8) not in _sums(block):
        raise RejectedInput("a header's checksum does not match")
    name = block[:100].split(b"\0", 1)[0]
    prefix = block[345:500].split(b"\0", 1)[0]
    # Old GNU headers keep other things where ustar keeps the folder.
    if prefix and block[257:263] == b"ustar\0":
        name = prefix + b"/" + name
    return _Header(_text(name), _number(block[124:136], 8), block[156])


def _sums(block: bytes) -> tuple[int, int]:
    """The sum of a header's bytes with its checksum blank; some old writers took the bytes as signed."""
    rest = block[:148] + block[156:]
    plain = sum(rest) + 8 * ord(" ")
    return plain, plain - 256 * sum(byte > 127 for byte in rest) if not rest.isascii() else plain


def _number(field: bytes, base: int) -> int:
    if base == 8 and field[0] & 0x80:
        if field[0] & 0x40:
            raise RejectedInput("a header tells a negative size")
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    digits = field.split(b"\0", 1)[0].strip(b" ")
    if len(digits) > 20 or digits.strip(b"01234567" if base == 8 else b"0123456789"):
        raise RejectedInput("a header's number is malformed")
    return int(digits or b"0", base)


def _pax(data: bytes) -> dict[str, bytes]:
    """Key and value of each record `LENGTH KEY=VALUE\\n`; LENGTH counts the whole record."""
    told: dict[str, bytes] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 12)
        end = at + _number(data[at:space], 10) if space > at else 0
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if end <= space + 1 or end > len(data) or data[end - 1 : end] != b"\n" or not equals:
            raise RejectedInput("an extended header is malformed")
        told[_text(key)] = value
        at = end
    return told


def _once(known: str | None, name: str) -> str:
    if known is not None and known != name:
        raise RejectedInput(f"a member has two names: {quoted(known)} and {quoted(name)}")
    return name


def _is_file(kind: int, name: str, size: int) -> bool:
    if kind == _SPARSE:
        raise RejectedInput("holds a sparse file")
    if kind in _NO_DATA or (kind in _FILE and name.endswith("/")):
        # Readers disagree on whether such data is there at all, so the next header could be read in two ways.
        if size:
            raise RejectedInput(f"{quoted(name)} is no file but has data")
        return False
    return kind in _FILE


def _checked(name: str, limits: Limits) -> str:
    if not name or "\0" in name:
        raise RejectedInput("a member's name is empty or holds a NUL")
    if len(name.encode()) > limits.name:
        raise RejectedInput(f"a name is longer than {limits.name} bytes: {quoted(name)}")
    return name


def _text(raw: bytes) -> str:
    # Always valid Unicode, for tables hold nothing else; archives of old Windows tools are not in UTF-8.
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
