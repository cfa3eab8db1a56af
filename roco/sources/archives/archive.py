"""What the readers of zip and tar.gz have in common: the class `Archive`, and rules for the names of members."""

from __future__ import annotations

import contextlib
import io
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from roco.base.errors import RejectedInput
from roco.base.formats import IMAGE_EXTENSIONS, extension_of
from roco.base.terminal import quoted
from roco.sources.archives.limits import Limits

_T = TypeVar("_T")


class Archive(contextlib.AbstractContextManager["Archive"]):
    """An open archive whose members are read by name; it is a `core.source.Package`."""

    def __init__(self, sizes: Mapping[str, int], limits: Limits) -> None:
        self._sizes = dict(sorted(sizes.items()))
        self._limits = limits

    @property
    def files(self) -> list[tuple[str, int]]:
        """Returns name and size of every regular member, sorted by name and without a top folder that all share."""
        return list(self._sizes.items())

    @property
    def xmls(self) -> list[str]:
        """Names of the article XML files, see `article_xmls`."""
        return article_xmls(self._sizes)

    def read(self, name: str) -> bytes:
        """Returns the bytes of an article XML or an image; raises RejectedInput for other files and checksum errors."""
        size = self._sizes.get(name)
        if size is None:
            raise RejectedInput(f"no {quoted(name)} in the archive")
        if not is_readable(name):
            raise RejectedInput(f"{quoted(name)} is neither an article nor an image")
        if is_xml(name) and size > self._limits.xml:
            raise RejectedInput(f"XML {quoted(name)} is too large: {size} bytes")
        return self._bytes(name, size)

    def _bytes(self, name: str, size: int) -> bytes:
        raise NotImplementedError

    def close(self) -> None:
        """Releases memory, temporary files and the file itself."""

    def __exit__(self, *_: object) -> None:
        self.close()


class BoundedFile(io.FileIO):
    """A file that rejects reads of more than `at_most` bytes at a time; 0 sets no limit.

    zipfile reads a central directory in one piece, of whatever size the archive claims.
    """

    at_most = 0

    @property
    def size(self) -> int:
        return os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = self.size - self.tell() if size is None or size < 0 else size
        if self.at_most and wanted > self.at_most:
            raise RejectedInput("zip: the directory is too large")
        return super().read(wanted) or b""


@contextlib.contextmanager
def open_bounded(path: Path, limits: Limits) -> Iterator[BoundedFile]:
    """Opens an archive file; raises RejectedInput if it is missing, not a regular file, or too large."""
    try:
        # A pipe would block the run when it is opened, so the kind is checked before.
        if not stat.S_ISREG(path.stat().st_mode):
            raise RejectedInput("not a regular file")
        fh = BoundedFile(path)
    except FileNotFoundError as err:
        raise RejectedInput("the file is missing") from err
    with fh:
        if fh.size > limits.compressed:
            raise RejectedInput(f"the file is larger than {limits.compressed} bytes")
        yield fh


# --- names of members


def is_xml(name: str) -> bool:
    """Returns whether a file is an article XML, by its name."""
    return name.lower().endswith((".nxml", ".xml", ".jats"))


def article_xmls(names: Iterable[str]) -> list[str]:
    """Returns the article XML files among the names, sorted: all .nxml; without any .nxml all .xml and .jats.

    Packages of PMC have the article as .nxml, and may have supplements as .xml.
    """
    xmls = sorted(name for name in names if is_xml(name))
    nxmls = [name for name in xmls if name.lower().endswith(".nxml")]
    return nxmls or xmls


def is_readable(name: str) -> bool:
    """Returns whether a member can be read: article XML and images. Other members are checked and listed only."""
    return is_xml(name) or extension_of(name) in IMAGE_EXTENSIONS


def without_dot(name: str) -> str:
    """Returns a name without the `./` that `tar c .` writes before each name."""
    while name.startswith("./"):
        name = name[2:]
    return name


def is_resource_fork(name: str) -> bool:
    """Returns whether macOS added the member: its resource forks have the names of the files they belong to."""
    parts = name.split("/")
    return "__MACOSX" in parts[:-1] or parts[-1].startswith("._")


def without_top_folder(members: Mapping[str, _T]) -> dict[str, _T]:
    """Returns the members by name without the top folder, if all of them are in the same one."""
    tops = {name.partition("/")[0] if "/" in name else "" for name in members}
    if len(tops) != 1 or tops <= {"", ".."}:
        return dict(members)
    return {name.partition("/")[2]: value for name, value in members.items()}
