"""Reads text files from outside, plain or compressed, line by line within limits."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa

from roco.base.errors import DataError

LONGEST_LINE = 1_000_000  # characters
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}


class _Bounded(io.RawIOBase):
    """Raises DataError as soon as more than `most` bytes were read from a stream, or if it cannot be decompressed."""

    def __init__(self, stream: IO[bytes], path: Path, most: int) -> None:
        self.stream, self.path, self.most = stream, path, most
        self.total = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.total

    def readinto(self, buffer: Any) -> int:
        try:
            data = self.stream.read(len(buffer))
        except (OSError, pa.ArrowException) as err:
            if isinstance(err, OSError) and err.errno is not None:
                raise
            message = f"corrupt file {self.path}: it cannot be decompressed"  # pyarrow's errors of data have no number
            raise DataError(message, "download or copy it again") from err
        self.total += len(data)
        if self.total > self.most:
            size = f"{self.most // 1_000_000:,} MB"
            is_packed = self.path.suffix.lower() in _COMPRESSIONS
            raise DataError(
                f"{self.path} is larger than {size}" + (" decompressed" if is_packed else ""),
                "keep only the rows that you need",
            )
        buffer[: len(data)] = data
        return len(data)


@contextlib.contextmanager
def open_bytes(path: Path, most_bytes: int) -> Iterator[IO[bytes]]:
    """Opens a file, decompressed if its name ends in .gz or .zst; reading more than most_bytes raises DataError."""
    if path.is_dir():
        raise DataError(f"{path} is a folder", "give the path of a file")
    if not path.exists():
        raise DataError(f"{path} does not exist", "check the path")
    suffix = path.suffix.lower()
    with contextlib.ExitStack() as stack:
        stream: Any
        if suffix in _COMPRESSIONS:
            stream = stack.enter_context(pa.input_stream(str(path), compression=_COMPRESSIONS[suffix]))
        else:
            stream = stack.enter_context(path.open("rb"))
        yield io.BufferedReader(_Bounded(cast(IO[bytes], stream), path, most_bytes), 1 << 20)


def lines(path: Path, most_bytes: int, longest: int = LONGEST_LINE) -> Iterator[str]:
    """Yields the lines of a file in UTF-8, plain or compressed, with their ends.

    Raises DataError if the file is not UTF-8, is corrupt, is larger than most_bytes decompressed, or has a line of more
    than `longest` characters.
    """
    number = 0
    with open_bytes(path, most_bytes) as stream, io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
        while True:
            try:
                line = text.readline(longest + 1)
            except UnicodeDecodeError as err:
                raise DataError(f"{path} is not UTF-8 (after line {number})", "save it as UTF-8") from err
            if not line:
                return
            number += 1
            if len(line) > longest:
                raise DataError(
                    f"{path}, line {number}: longer than {longest:,} characters", "check the format of the file"
                )
            yield line
