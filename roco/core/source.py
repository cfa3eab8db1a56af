"""What the engine asks of a source: a listing of packages, and a package opened by its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa


class Package(Protocol):
    """One opened package: an archive, a folder, an XML file with what lies beside it."""

    @property
    def xmls(self) -> Sequence[str]:
        """Names of the article XML files in it, sorted."""

    @property
    def files(self) -> Sequence[tuple[str, int]]:
        """Name and size in bytes of every file in it, the XML files included, sorted by name."""

    def read(self, name: str) -> bytes:
        """The bytes of one file; raises RejectedInput when they cannot be had."""

    def close(self) -> None: ...


class Source(Protocol):
    """Where articles come from: a frozen dataclass. Sources read; they never write below their own root."""

    @property
    def kind(self) -> str:
        """package, cloud, folder, release; or several."""

    @property
    def path(self) -> Path:
        """The root of the source."""

    def listing(self, known: pa.Table | None) -> pa.Table:
        """All packages there are now: `schema.LISTING`, sorted by article, each article once.

        known: rows listed earlier; a package whose stamp has not changed keeps its digest unopened.
        """

    def open(self, place: str) -> Package:
        """Opens one package for reading; raises RejectedInput with the reason when it cannot be read."""


def origin(source: Source, place: str) -> str:
    """The kind of source that a package comes from: its own, or that of one of several (see `sources/several.py`)."""
    of = getattr(source, "origin", None)
    return str(of(place)) if of else source.kind
