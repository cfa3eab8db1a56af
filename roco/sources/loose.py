"""Packages of loose files: an article XML in a folder with its images, and the search for such files.

`FolderSource` and `CloudSource` list folders with `scan` and `files_below`, and open an article as `Loose`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from roco.base.errors import RejectedInput
from roco.base.terminal import quoted
from roco.sources.archives.reader import STANDARD, inflate, is_article, is_packing_list, xml_codec
from roco.sources.listing import file_error, is_inside, valid_utf8

NOT_A_FILE = "not a file, or a broken link"


class File(NamedTuple):
    """A file of a folder; time: last modification in nanoseconds."""

    name: str
    path: Path
    size: int
    time: int


class Folder(NamedTuple):
    """The contents of a folder.

    unreadable: names of entries that are not readable files, with the reason; error: why the folder itself cannot be
    read; cause: the error of the system.
    """

    files: list[File]
    folders: list[Path]
    unreadable: list[tuple[str, str]]
    error: str | None = None
    cause: OSError | None = None


class Loose:
    """A package of loose files; a file in a subfolder has the subfolder in its name: `figures/f1.jpg`."""

    def __init__(self, files: Iterable[File], xmls: Sequence[str], md5s: Mapping[str, str] | None = None) -> None:
        self._files = {file.name: file for file in sorted(files)}
        self._md5s = md5s or {}
        self.xmls = [name for name in sorted(xmls) if name in self._files]

    @property
    def files(self) -> list[tuple[str, int]]:
        return [(name, file.size) for name, file in self._files.items()]

    def read(self, name: str) -> bytes:
        """Returns the bytes of one file, and the XML in a compressed one.

        Raises RejectedInput if it is missing, too large, corrupt, or has another MD5.
        """
        file = self._files.get(name)
        if file is None:
            raise RejectedInput(f"no {quoted(name)} in the folder")
        if file.size > (STANDARD.xml if is_article(name) else STANDARD.member):
            raise RejectedInput(f"{quoted(name)} is too large: {file.size} bytes")
        try:
            with file.path.open("rb") as fh:
                data = fh.read(file.size + 1)
        except FileNotFoundError as err:
            raise RejectedInput(f"{quoted(name)} is missing") from err
        except OSError as err:
            raise RejectedInput(f"{quoted(name)} {file_error(err)}") from err
        if len(data) != file.size:
            raise RejectedInput(f"{quoted(name)} has changed since the package was opened")
        md5 = self._md5s.get(name)
        if md5 and hashlib.md5(data, usedforsecurity=False).hexdigest() != md5:
            raise RejectedInput(f"md5 does not match: {quoted(name)}")
        codec = xml_codec(name)
        return data if codec is None else inflate(data, codec, STANDARD, f"XML {quoted(name)}")

    def close(self) -> None: ...


def files_below(folder: Path, root: Path) -> list[File]:
    """Returns the files of a folder and its subfolders; subfolders with an XML of their own are other articles.

    root: the resolved root of the source; links that leave it are skipped, and so are unreadable subfolders. Raises
    RejectedInput if the folder itself cannot be read.
    """
    prefix = len(str(folder / "_")) - 1
    contents = scan(folder, root)
    if contents.error:
        raise RejectedInput(contents.error) from contents.cause
    files = contents.files
    pending = contents.folders
    while pending:
        subfolder = scan(pending.pop(), root)
        if any(is_article(file.name) and not is_packing_list(file.name) for file in subfolder.files):
            continue
        files += subfolder.files
        pending += subfolder.folders
    return [file._replace(name=valid_utf8(str(file.path)[prefix:])) for file in files]


def scan(folder: Path, root: Path) -> Folder:
    """Returns the contents of a folder without hidden entries; links to folders or out of the root are not followed."""
    contents = Folder([], [], [])
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith(".") and entry.name != "__MACOSX":
                    _add(entry, folder / entry.name, root, contents)
    except OSError as err:
        return Folder([], [], [], file_error(err), err)
    return contents


def _add(entry: os.DirEntry[str], path: Path, root: Path, contents: Folder) -> None:
    try:
        if entry.is_dir(follow_symlinks=False):
            contents.folders.append(path)
        elif not entry.is_file():
            contents.unreadable.append((entry.name, NOT_A_FILE))
        elif entry.is_symlink() and not is_inside(path, root):
            contents.unreadable.append((entry.name, "the link points outside of the source"))
        else:
            stat = entry.stat()
            contents.files.append(File(entry.name, path, stat.st_size, stat.st_mtime_ns))
    except OSError as err:
        contents.unreadable.append((entry.name, file_error(err)))
