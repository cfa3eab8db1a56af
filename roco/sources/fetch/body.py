"""The bytes of an object as they come in: in memory, or in a file that can be gone on with."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

_ETAG = re.compile(r"[0-9A-Za-z-]{1,64}")


class Body:
    """Bytes with their digests; etag: of the object that they are the beginning of.

    part: the file, without it they are kept in memory. While it grows its name holds the ETag, so that another
    process can go on with it: `.NAME.ETAG.part`. A file of an object without a usable ETag is begun anew.
    """

    def __init__(self, part: Path | None) -> None:
        self._part = part
        self._at: Path | None = None
        self._fd: int | None = None
        self._pieces: list[bytes] = []
        self._forget()
        if part is not None:
            self._take_up(part)

    @property
    def md5(self) -> str:
        return self._md5.hexdigest()

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def data(self) -> bytes:
        """The bytes, where they are in memory."""
        return b"".join(self._pieces)

    def begin(self, etag: str) -> None:
        """Starts anew, with an object of that ETag."""
        self.clear()
        self.etag = etag if _ETAG.fullmatch(etag) else ""
        if self._part is not None:
            self._at = _named(self._part, self.etag or "-")
            self._fd = os.open(self._at, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)

    def write(self, piece: bytes) -> None:
        if self._fd is None:
            self._pieces.append(piece)
        else:
            view = memoryview(piece)
            while view:
                view = view[os.write(self._fd, view) :]
        self._count(piece)

    def clear(self) -> None:
        """Throws away what is there."""
        self._shut()
        if self._at is not None:
            self._at.unlink(missing_ok=True)
            self._at = None
        self._pieces.clear()
        self._forget()

    def finish(self) -> bytes:
        """Puts the bytes on the disk and gives the file its name; gives the bytes back where there is no file."""
        if self._part is None:
            return self.data
        assert self._at is not None
        if self._fd is not None:
            os.fsync(self._fd)
        self._shut()
        os.replace(self._at, self._part)  # noqa: PTH105 - one name for the tests that kill here
        self._at = None
        return b""

    def close(self) -> None:
        """What is there without an ETag cannot be gone on with, and goes."""
        self._shut()
        if self._at is not None and not (self.size and self.etag):
            self.clear()

    def _take_up(self, part: Path) -> None:
        """Goes on with what another process left; of several files with the one that changed last."""
        start, end = f".{part.name}.", ".part"
        names = os.listdir(part.parent)  # noqa: PTH208 - for every object there is
        found = [part.with_name(name) for name in names if name.startswith(start) and name.endswith(end)]
        found.sort(key=lambda p: p.stat().st_mtime_ns)
        for path in found[:-1]:
            path.unlink()
        if not found:
            return
        path = found[-1]
        etag = path.name[len(start) : -len(end)]
        if not _ETAG.fullmatch(etag) or etag == "-":
            path.unlink()
            return
        self._fd = os.open(path, os.O_RDWR | os.O_APPEND)
        self._at, self.etag = path, etag
        while piece := os.read(self._fd, 1 << 20):
            self._count(piece)

    def _forget(self) -> None:
        self._md5, self._sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        self.size, self.etag, self.head = 0, "", b""

    def _count(self, piece: bytes) -> None:
        self._md5.update(piece)
        self._sha256.update(piece)
        self.size += len(piece)
        if len(self.head) < 512:
            self.head += piece[: 512 - len(self.head)]

    def _shut(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _named(part: Path, etag: str) -> Path:
    return part.with_name(f".{part.name}.{etag}.part")
