"""Inflates a compressed file step by step, checks it, and counts its bytes against the limits."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import IO

from roco.base.errors import RejectedInput
from roco.sources.archives.codecs import GZIP, STORED, Codec
from roco.sources.archives.limits import Limits

_READ = 64 << 10  # compressed bytes per step
_PIECE = 128 << 10  # inflated bytes per step


def inflate(data: bytes, codec: Codec, limits: Limits, what: str) -> bytes:
    """Returns the bytes of a compressed XML; raises RejectedInput if they are corrupt, or more than the limit."""
    stream = Inflated(io.BytesIO(data), limits, codec)
    out = bytearray()
    for piece in stream.pieces():
        out += piece
        if len(out) > limits.xml:
            raise RejectedInput(f"{what} is too large: more than {limits.xml} bytes")
    return bytes(out)


class Inflated:
    """The inflated bytes of a file, in order. The decompressors check the CRC at the end of each stream."""

    def __init__(self, fh: io.RawIOBase | io.BufferedIOBase, limits: Limits, codec: Codec = GZIP) -> None:
        self._fh = fh
        self._limits = limits
        self._codec = codec
        self._decompressor = codec.decompressor()
        self._rest = b""  # read and not yet inflated, of the next stream
        self._buffer = memoryview(bytearray(_READ))
        self._deadline = time.monotonic() + limits.seconds
        self._compressed = 0
        self._total = 0
        self._view = memoryview(b"")  # inflated and not yet returned

    def take(self, size: int) -> bytes:
        """Returns exactly `size` bytes; raises RejectedInput if there are fewer."""
        if len(self._view) >= size:
            data, self._view = self._view[:size], self._view[size:]
            return bytes(data)
        out = bytearray()
        for view in self._pieces(size):
            out += view
        return bytes(out)

    def pour(self, size: int, out: IO[bytes]) -> None:
        """Writes exactly `size` bytes to a file."""
        for view in self._pieces(size):
            out.write(view)

    def skip(self, size: int) -> None:
        """Skips exactly `size` bytes."""
        for _ in self._pieces(size):
            pass

    def pieces(self) -> Iterator[memoryview]:
        """Yields all bytes up to the end."""
        while self._view or self._fill():
            piece, self._view = self._view, memoryview(b"")
            yield piece

    def require_zeros(self) -> None:
        """Reads to the end, where the checksum is; raises RejectedInput for any byte that is not zero."""
        while self._view or self._fill():
            if bytes(self._view).strip(b"\0"):
                raise RejectedInput("data after the end of the archive")
            self._view = memoryview(b"")

    def _pieces(self, size: int) -> Iterator[memoryview]:
        while size:
            if not self._view and not self._fill():
                raise RejectedInput("the archive is truncated")
            piece, self._view = self._view[:size], self._view[size:]
            size -= len(piece)
            yield piece

    def _fill(self) -> bool:
        """Inflates the next piece; returns False at the end of the last stream, which must be the end of the file."""
        while not self._decompressor.eof or self._starts_next_stream():
            data = self._next_input() if self._decompressor.needs_input else b""
            if self._codec is STORED and not data:
                return False
            piece = self._inflate(data)
            # Checked even without output: a gzip of empty blocks takes time and gives no bytes.
            if time.monotonic() > self._deadline:
                raise RejectedInput(f"reading takes longer than {self._limits.seconds:g} s")
            if piece:
                self._count(len(piece))
                self._view = memoryview(piece)
                return True
        return False

    def _next_input(self) -> bytes | memoryview:
        if self._rest:
            data, self._rest = self._rest, b""
            return data
        size = self._fh.readinto(self._buffer)
        name = self._codec.name
        if not size:
            if self._codec is STORED and self._compressed:
                return b""
            raise RejectedInput(f"{name}: the file is truncated" if self._compressed else "the file is empty")
        is_first = not self._compressed
        if is_first and not bytes(self._buffer[:size]).startswith(self._codec.magic):
            raise RejectedInput(f"{name}: not a {name} file")
        self._compressed += size
        return self._buffer[:size]

    def _inflate(self, data: bytes | memoryview) -> bytes:
        try:
            return self._decompressor.decompress(data, _PIECE)
        except self._codec.errors as err:
            raise RejectedInput(f"{self._codec.name}: {_problem(err)}") from err

    def _count(self, size: int) -> None:
        self._total += size
        if self._total > self._limits.total:
            raise RejectedInput(f"inflates to more than {self._limits.total} bytes")
        if self._total > max(self._limits.ratio_from, self._limits.ratio * self._compressed):
            raise RejectedInput(f"inflates to more than {self._limits.ratio} times its size")

    def _starts_next_stream(self) -> bool:
        """Opens the next stream of a file that may have several; returns False at the end of the file.

        Zeros after a stream are padding by tapes and mirrors; anything else is a second archive or junk.
        """
        rest = self._decompressor.unused_data.lstrip(b"\0")
        while len(rest) < len(self._codec.magic):
            more = self._fh.read(_READ)
            if not more:
                break
            self._compressed += len(more)
            rest = (rest + more).lstrip(b"\0")
        if not rest:
            return False
        if not self._codec.is_repeatable or not rest.startswith(self._codec.magic):
            raise RejectedInput(f"{self._codec.name}: data after the end")
        self._rest = rest
        self._decompressor = self._codec.decompressor()
        return True


def _problem(err: Exception) -> str:
    """Returns what a decompressor reports: a wrong checksum, too little memory, or other corrupt data."""
    message = str(err)
    if "checksum" in message:
        return "CRC does not match"
    return "needs too much memory" if "Memory usage limit" in message else "corrupt data"
