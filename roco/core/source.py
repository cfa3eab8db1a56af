"""The interface of sources: they list their packages, and open a package by its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa


class Package(Protocol):
    """One opened package: an archive, a folder, or an XML file with the other files in its folder."""

    @property
    def xmls(self) -> Sequence[str]:
        """Returns the names of its article XML files, sorted."""

    @property
    def files(self) -> Sequence[tuple[str, int]]:
        """Returns name and size in bytes of all its files, including the XML files, sorted by name."""

    def read(self, name: str) -> bytes:
        """Returns the bytes of one file; raises RejectedInput if it cannot be read."""

    def close(self) -> None: ...


class Source(Protocol):
    """Where articles come from: a frozen dataclass. Sources never write below their root."""

    @property
    def kind(self) -> str:
        """Returns the kind of source: package, cloud, folder, release or several."""

    @property
    def path(self) -> Path:
        """Returns the root of the source."""

    def listing(self, known: pa.Table | None) -> pa.Table:
        """Returns all current packages: `schema.LISTING`, sorted by article, each article once.

        known: rows of the previous listing; a package with the same stamp keeps its digest and is not opened.
        """

    def open(self, place: str) -> Package:
        """Opens one package for reading; raises RejectedInput, with the reason, if it cannot be read."""


def origin(source: Source, place: str) -> str:
    """Returns the kind of the source, or of that one among several (`sources/several.py`) that contains the package."""
    of = getattr(source, "origin", None)
    return str(of(place)) if of else source.kind
