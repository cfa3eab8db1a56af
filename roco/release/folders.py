"""The image files of a dataset: members of its zips, or files of the folders they were unpacked to."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from roco.base.errors import DataError
from roco.base.formats import FORMAT_OF_EXTENSION
from roco.base.readers import UNREADABLE, check_zip_directory
from roco.base.schema import SPLITS
from roco.base.terminal import excerpt
from roco.release.members import Container, Place, place_of
from roco.release.problems import Problem, unreadable

ID = re.compile(r"[A-Za-z0-9._-]{1,200}")
"""The id of an image; it is also the stem of its file name."""

IMAGE_SUFFIXES = tuple(f".{extension}" for extension in FORMAT_OF_EXTENSION)

MAX_IMAGE_BYTES = 512 << 20

# The zips contain a folder named after the split. Unpacking may put it into a folder named after the zip.
_FOLDERS = ("{split}_images/{split}", "{split}_images", "{split}", "images/{split}", "{split}/images")


class ImageFile(NamedTuple):
    """One image file of a dataset: where it is, and a stamp that changes when the file does."""

    name: str  # id and extension
    split: str
    container: str  # the zip or the folder, relative to the dataset
    member: str  # its name in the container
    size: int  # bytes
    stamp: str
    place: Place | None = None  # in a zip; None for a loose file, and for a member that only zipfile can read

    @property
    def where(self) -> str:
        return f"{self.container}, {excerpt(self.member)}"


@dataclass(frozen=True, kw_only=True)
class ImageIndex:
    """The image files of a dataset by id, and what is wrong with them.

    unreadable: containers that cannot be read at all; problems: problems of single images.
    """

    files: dict[str, ImageFile] = field(default_factory=dict)
    unreadable: list[Problem] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def index_images(root: Path) -> ImageIndex:
    """Lists the image files of a dataset: those of its zips, and of a split without a zip those in its folder."""
    index = ImageIndex()
    for split in SPLITS:
        archive = root / f"{split}_images.zip"
        try:
            for file in _in_zip(archive, split) if archive.is_file() else _in_folder(root, split):
                id = file.name.rpartition(".")[0]
                if id in index.files:
                    index.problems.append(Problem("duplicate image", file.where))
                else:
                    index.files[id] = file
        except UNREADABLE as err:
            index.unreadable.append(unreadable(err, archive.name))
    return index


class ImageReader:
    """Reads the image files of one dataset, from any thread; its containers stay open until `close`.

    Forked processes share the containers safely; a copy sent to another process opens its own.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._containers: dict[str, Container] = {}

    def read(self, file: ImageFile) -> bytes:
        """Returns the bytes of an image file; raises DataError if it is missing, corrupt or has changed."""
        name = excerpt(file.name)
        hint = f"run roco verify {self._root} for details"
        if file.size > MAX_IMAGE_BYTES:
            raise DataError(f"image too large: {name} ({file.size:,} bytes)", hint)
        try:
            data = self._bytes(file)
        except KeyError as err:
            raise DataError(f"missing image: {name}", hint) from err
        except UNREADABLE as err:
            raise DataError(f"unreadable image: {name}: {excerpt(err) or type(err).__name__}", hint) from err
        if len(data) != file.size:
            raise DataError(f"image changed while the dataset was in use: {name}", hint)
        return data

    def close(self) -> None:
        for container in self._containers.values():
            container.close()
        self._containers.clear()

    def __getstate__(self) -> Path:
        return self._root

    def __setstate__(self, root: Path) -> None:
        self.__init__(root)  # type: ignore[misc]

    def _bytes(self, file: ImageFile) -> bytes:
        # One byte more than in the index: a file that has grown is detected without being read completely.
        if file.place is not None:
            return self._container(file.container).read(file.place, file.member, file.size)
        if not file.container.endswith(".zip"):
            with (self._root / file.container / file.member).open("rb") as fh:
                return fh.read(file.size + 1)
        # Members by rare methods of compression. A zip that forked processes shared would lose its position.
        with zipfile.ZipFile(self._root / file.container) as archive, archive.open(file.member) as member:
            return member.read(file.size + 1)

    def _container(self, name: str) -> Container:
        # Without a lock, which a process could be forked with: a container that is opened twice is closed again.
        container = self._containers.get(name)
        return container or self._containers.setdefault(name, Container(self._root / name))


def _in_zip(path: Path, split: str) -> Iterator[ImageFile]:
    with path.open("rb") as fh:
        check_zip_directory(fh)
        with zipfile.ZipFile(fh) as archive:
            for info in archive.infolist():
                name = info.filename.rpartition("/")[2]
                # macOS adds a `__MACOSX/` folder with a file for each real one.
                if info.is_dir() or info.filename.startswith("__MACOSX/") or not _is_image_name(name):
                    continue
                stamp = f"{info.file_size}:{info.CRC:08x}"
                yield ImageFile(name, split, path.name, info.filename, info.file_size, stamp, place_of(info))


def _in_folder(root: Path, split: str) -> Iterator[ImageFile]:
    """Yields the images of the first of the known folders that has any; links out of the dataset are ignored."""
    for pattern in _FOLDERS:
        folder = root / pattern.format(split=split)
        if not folder.is_dir() or not folder.resolve().is_relative_to(root.resolve()):
            continue
        files = [entry for entry in folder.iterdir() if _is_image_name(entry.name) and not entry.is_symlink()]
        container = folder.relative_to(root).as_posix()
        for file in sorted(files):
            stat = file.stat()
            stamp = f"{stat.st_size}:{stat.st_mtime_ns}"
            yield ImageFile(file.name, split, container, file.name, stat.st_size, stamp)
        if files:
            return


def _is_image_name(name: str) -> bool:
    stem, dot, _ = name.rpartition(".")
    if not dot or name.startswith("."):
        return False
    return name.lower().endswith(IMAGE_SUFFIXES) and ID.fullmatch(stem) is not None
