"""Counts the bytes that are sent to a hub."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from roco.base.progress import Progress
from roco.release.hubs.client import Body


class SentBytes:
    """Reports the bytes of an upload to a progress, in MB, or in kB where the whole is small."""

    def __init__(self, progress: Progress, total: int, done: int) -> None:
        self._progress = progress
        self._unit, name = (1_000_000, "MB") if total >= 20_000_000 else (1_000, "kB")
        self._bytes, self._reported = done, done // self._unit
        progress.start(name, -(-total // self._unit), self._reported)

    def counted(self, body: Body) -> Body:
        """Returns a body whose bytes are counted while it is sent; if it is sent again, they count once."""
        return Body(body.length, _Counted(self, body.blocks).blocks, body.type)

    def add(self, n: int) -> None:
        self._bytes += n
        new = self._bytes // self._unit
        if new != self._reported:
            self._progress.advance(new - self._reported)
            self._reported = new


class _Counted:
    """The blocks of one body: a new try takes back what the last one counted."""

    def __init__(self, sent: SentBytes, blocks: Callable[[], Iterable[bytes]]) -> None:
        self._sent, self._blocks, self._counted = sent, blocks, 0

    def blocks(self) -> Iterator[bytes]:
        self._sent.add(-self._counted)
        self._counted = 0
        for block in self._blocks():
            yield block
            self._counted += len(block)
            self._sent.add(len(block))
