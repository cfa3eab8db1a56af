"""The compressions that are read, all through decompressors that can stop at a limit."""

from __future__ import annotations

import bz2
import functools
import lzma
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from isal import igzip_lib

XZ_MEMORY = 256 << 20
"""Bytes that inflating an xz may need; those written by `xz -9` need 65 MB."""


class Decompressor(Protocol):
    """The interface that the decompressors of bz2, lzma and isal share."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes | memoryview, max_length: int) -> bytes:
        """Returns at most `max_length` inflated bytes; may be called again without data until it needs input."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One compression: its name, the first bytes of its files, its decompressor and what that raises.

    is_repeatable: whether a file may contain several streams in a row, as parallel compressors write.
    """

    name: str
    magic: bytes
    decompressor: Callable[[], Decompressor]
    errors: tuple[type[Exception], ...] = ()
    is_repeatable: bool = False


class _Stored:
    """Returns bytes as they are; only the end of the file ends them."""

    eof = False
    needs_input = True
    unused_data = b""

    def decompress(self, data: bytes | memoryview, max_length: int) -> bytes:
        assert len(data) <= max_length
        return bytes(data)


STORED = Codec("tar", b"", _Stored)
GZIP = Codec(
    "gzip",
    b"\x1f\x8b",
    functools.partial(igzip_lib.IgzipDecompressor, flag=igzip_lib.DECOMP_GZIP),
    (igzip_lib.IsalError,),  # type: ignore[arg-type]  # the stub declares an instance
)
BZIP2 = Codec("bzip2", b"BZh", bz2.BZ2Decompressor, (OSError, EOFError, ValueError), is_repeatable=True)
XZ = Codec(
    "xz",
    b"\xfd7zXZ\0",
    functools.partial(lzma.LZMADecompressor, format=lzma.FORMAT_XZ, memlimit=XZ_MEMORY),
    (lzma.LZMAError, EOFError),
    is_repeatable=True,
)
