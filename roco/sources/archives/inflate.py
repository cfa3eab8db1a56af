"""Inflates a gzip file step by step, checks it, and counts its bytes against the limits."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import IO

from isal import igzip_lib

from roco.base.errors import RejectedInput
from roco.sources.archives.limits import Limits

_READ = 64 << 10  # compressed bytes per step
_PIECE = 128 << 10  # inflated bytes per step
_GZIP_MAGIC = b"\x1f\x8b"


class Inflated:
    """The inflated bytes of a gzip file, in order. isal checks the CRC and length at the end of the gzip."""

    def __init__(self, fh: io.FileIO, limits: Limits) -> None:
        self._fh = fh
        self._limits = limits
        self._gzip = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
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

    def require_zeros(self) -> None:
        """Reads to the end, where the gzip is checked; raises RejectedInput for any byte that is not zero."""
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
        """Inflates the next piece; returns False at the end of the gzip, which must be the end of the file."""
        while not self._gzip.eof:
            piece = self._inflate(self._next_input() if self._gzip.needs_input else b"")
            # Checked even without output: a gzip of empty blocks takes time and gives no bytes.
            if time.monotonic() > self._deadline:
                raise RejectedInput(f"reading takes longer than {self._limits.seconds:g} s")
            if piece:
                self._count(len(piece))
                self._view = memoryview(piece)
                return True
        self._require_end_of_file()
        return False

    def _next_input(self) -> memoryview:
        size = self._fh.readinto(self._buffer)
        if not size:
            raise RejectedInput("gzip: the file is truncated" if self._compressed else "the file is empty")
        is_first = not self._compressed
        if is_first and bytes(self._buffer[: min(2, size)]) != _GZIP_MAGIC:
            raise RejectedInput("gzip: not a gzip file")
        self._compressed += size
        return self._buffer[:size]

    def _inflate(self, data: bytes | memoryview) -> bytes:
        try:
            piece: bytes = self._gzip.decompress(data, _PIECE)
            return piece
        except igzip_lib.IsalError as err:  # type: ignore[misc]
            is_checksum = "checksum" in str(err)
            raise RejectedInput("gzip: CRC does not match" if is_checksum else "gzip: corrupt data") from err

    def _count(self, size: int) -> None:
        self._total += size
        if self._total > self._limits.total:
            raise RejectedInput(f"inflates to more than {self._limits.total} bytes")
        if self._total > max(self._limits.ratio_from, self._limits.ratio * self._compressed):
            raise RejectedInput(f"inflates to more than {self._limits.ratio} times its size")

    def _require_end_of_file(self) -> None:
        # Zeros after a gzip are padding by tapes and mirrors; anything else is a second archive or junk.
        rest: bytes = self._gzip.unused_data
        while rest:
            if rest.strip(b"\0"):
                raise RejectedInput("gzip: data after the end")
            rest = self._fh.read(_READ)
