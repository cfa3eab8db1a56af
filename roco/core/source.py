"""The interface of sources: they list their packages, and open a package by its place.

A source over a network may offer more: a method `expect`, to which the engine announces what it reads next, and
`add_facts` on its packages, for facts that only an opened package has.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import pyarrow as pa

from roco.base.json_text import parse_json
from roco.base.progress import Progress
from roco.base.schema import NOT_READ


class Package(Protocol):
    """One opened package: an archive, a folder, or an XML file with the other files in its folder.

    `xmls`, `files` and `read` raise RejectedInput for what is wrong with the package itself, and SourceUnavailable if
    the source cannot be read now but may be later.
    """

    @property
    def xmls(self) -> Sequence[str]:
        """Returns the names of its article XML files, sorted."""

    @property
    def files(self) -> Sequence[tuple[str, int]]:
        """Returns name and size in bytes of all its files, including the XML files, sorted by name.

        A source that does not know the size of a file before it is read estimates it.
        """

    def read(self, name: str) -> bytes:
        """Returns the bytes of one file; raises RejectedInput if it cannot be read."""

    def close(self) -> None: ...


class Wanted(NamedTuple):
    """A file that will be read: place of its package, and name; None for the XML files."""

    place: str
    file: str | None


class Source(Protocol):
    """Where articles come from: a frozen dataclass. Sources never write below their root."""

    @property
    def kind(self) -> str:
        """Returns the kind of source: package, cloud, folder, release or several."""

    @property
    def path(self) -> Path | str:
        """Returns the root of the source: a folder, or the address of a bucket."""

    def listing(self, known: pa.Table | None) -> pa.Table:
        """Returns all current packages: `schema.LISTING`, sorted by article, each article once.

        known: rows of the previous listing; a package with the same stamp keeps its digest and is not opened.
        """

    def open(self, place: str) -> Package:
        """Opens one package for reading; raises RejectedInput, with the reason, if it cannot be read.

        Raises SourceUnavailable if the source cannot be read now.
        """


def origin(source: Source, place: str) -> str:
    """Returns the kind of the source, or of that one among several (`sources/several.py`) that contains the package."""
    of = getattr(source, "origin", None)
    return str(of(place)) if of else source.kind


def listing_of(source: Source, known: pa.Table | None, progress: Progress) -> pa.Table:
    """Lists a source; one over a network has a method `listing_with_progress`, because its first listing takes long."""
    with_progress = getattr(source, "listing_with_progress", None)
    table: pa.Table = source.listing(known) if with_progress is None else with_progress(known, progress)
    return table


def expect(source: Source, files: Sequence[Wanted]) -> None:
    """Announces what is read next, instead of what was announced before; most sources do not need it."""
    announce = getattr(source, "expect", None)
    if announce is not None:
        announce(files)


def facts_of(package: Package, facts: str) -> str:
    """Returns the facts of a listing, with those that only the opened package has."""
    add = getattr(package, "add_facts", None)
    return facts if add is None else str(add(facts))


def not_opened(facts: str) -> str | None:
    """Returns why a source does not open what it lists, if that is all that it states; else None."""
    stated = parse_json(facts or "{}")
    return str(next(iter(stated.values()))) if stated.keys() in ({"error"}, {NOT_READ}) else None


def is_unreadable(facts: str) -> bool:
    """Returns whether a listing contains a package as unreadable: its facts are then the error."""
    return "error" in parse_json(facts or "{}")
