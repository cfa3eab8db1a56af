"""A source that counts what is read from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.core.source import Package, Source


class CountedSource:
    """Reads another source, and counts bytes and requests.

    n_bytes: of packages that are one file, their size; of others, the bytes of the files that are read. n_requests:
    packages that were opened, if they are one file, and else files that were read.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.n_bytes = self.n_requests = 0

    @property
    def kind(self) -> str:
        return self.source.kind

    @property
    def path(self) -> Path | str:
        return self.source.path

    def listing(self, known: pa.Table | None) -> pa.Table:
        return self.source.listing(known)

    def open(self, place: str) -> Package:
        package = self.source.open(place)
        file = Path(self.path) / place
        if isinstance(self.path, str) or not file.is_file():
            return _CountedPackage(package, self)
        self.n_bytes += file.stat().st_size
        self.n_requests += 1
        return package

    def __getattr__(self, name: str) -> Any:
        """Returns what only some sources have, such as `expect` and `origin`."""
        return getattr(self.source, name)


class _CountedPackage:
    def __init__(self, package: Package, counts: CountedSource) -> None:
        self.package, self.counts = package, counts

    @property
    def xmls(self) -> Sequence[str]:
        return self.package.xmls

    @property
    def files(self) -> Sequence[tuple[str, int]]:
        return self.package.files

    def read(self, name: str) -> bytes:
        data = self.package.read(name)
        self.counts.n_bytes += len(data)
        self.counts.n_requests += 1
        return data

    def close(self) -> None:
        self.package.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.package, name)
