"""What is sent to a hub: the verified files of an export or of a release, with their checksums."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from roco.base.errors import DataError, UsageError
from roco.base.files import checksum_lines, file_digest
from roco.base.json_text import parse_json
from roco.base.progress import Progress
from roco.base.readers import UNREADABLE, csv_rows, read_text
from roco.base.tables import ATTRIBUTION_COLUMNS
from roco.base.terminal import excerpt
from roco.release.format import ATTRIBUTION, CARD, CHECKSUMS, METADATA
from roco.release.hubs.client import Body
from roco.release.metadata import Metadata, read_metadata
from roco.release.read import Release

EXPORT_RECORD = "export.json"
"""The file of an export that names its format and the SHA-256 of each file (roco.release.export.engine writes it)."""

RELEASE = "release"
"""The format of a package that is the folder of a release, not an export."""

_BLOCK = 1 << 20
_AGAIN = "run the same roco export again, or choose another folder"


class LocalFile(NamedTuple):
    """A file to send: its name with `/`, its path, its size in bytes, and its checksums as hexadecimal digits."""

    name: str
    path: Path
    size: int
    sha256: str
    md5: str
    git_sha1: str  # as git names the content

    def body(self) -> Body:
        return Body(self.size, self._blocks)

    def _blocks(self) -> Iterator[bytes]:
        sent = 0
        with self.path.open("rb") as fh:
            while block := fh.read(_BLOCK):
                sent += len(block)
                if sent > self.size:
                    break
                yield block
        if sent != self.size:
            raise DataError(f"{self.path} was changed while it was sent", "repeat the command; nothing is published")


class License(NamedTuple):
    """A licence of images: its name, such as CC-BY, and its address; empty where the source states none."""

    name: str
    url: str


@dataclass(frozen=True)
class Package:
    """Verified files to send.

    seal: the file that lists the checksums of the others; digest: SHA-256 of the seal, which identifies the whole;
    format: of an export, or RELEASE; licenses: images under each licence.
    """

    folder: Path
    format: str
    seal: str
    digest: str
    files: tuple[LocalFile, ...]
    metadata: Metadata
    title: str
    licenses: Mapping[License, int]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def version(self) -> str:
        """Returns the version of the release; without one, the beginning of the digest."""
        return self.metadata.version or self.digest[:12]

    def file(self, name: str) -> LocalFile | None:
        return next((file for file in self.files if file.name == name), None)


def open_package(folder: Path, progress: Progress) -> Package:
    """Reads and verifies an export or a release; raises DataError if any file is not as its checksum says."""
    if (folder / EXPORT_RECORD).is_file():
        format, expected = _export_files(folder)
        seal = EXPORT_RECORD
    elif (folder / CHECKSUMS).is_file():
        problems = Release.open(folder).verify(progress=progress)
        if problems:
            first = f"{problems[0].where}: {problems[0].what}"
            raise DataError(f"{folder} has problems, the first: {excerpt(first)}", f"run roco verify {folder}")
        format, expected, seal = RELEASE, _release_files(folder), CHECKSUMS
    else:
        what = "neither an export nor a release" if folder.is_dir() else "no such folder"
        raise UsageError(f"{what}: {folder}", "give the folder that roco export wrote, or the folder of a release")
    progress.start("files", len(expected) + 1)
    files = [_checked(folder, name, expected.get(name), progress) for name in sorted({*expected, seal})]
    return Package(
        folder, format, seal, file_digest(folder / seal), tuple(files), _metadata(folder), _title(folder),
        _licenses(folder),
    )  # fmt: skip


def local_file(folder: Path, name: str) -> LocalFile:
    """Returns a file with its checksums, which are computed in one pass."""
    path = folder / name
    size = path.stat().st_size
    sha256, md5, git = hashlib.sha256(), hashlib.md5(usedforsecurity=False), hashlib.sha1(usedforsecurity=False)
    git.update(f"blob {size}\0".encode())
    with path.open("rb") as fh:
        while block := fh.read(_BLOCK):
            for sum in (sha256, md5, git):
                sum.update(block)
    return LocalFile(name, path, size, sha256.hexdigest(), md5.hexdigest(), git.hexdigest())


def _checked(folder: Path, name: str, sha256: str | None, progress: Progress) -> LocalFile:
    path = folder / name
    # Links could lead to files that are nobody's to publish.
    if path.is_symlink() or not path.is_file():
        raise DataError(f"missing file: {path}", _AGAIN)
    file = local_file(folder, name)
    if sha256 is not None and file.sha256 != sha256:
        raise DataError(f"{path} was changed after it was written", _AGAIN)
    progress.advance()
    return file


def _export_files(folder: Path) -> tuple[str, dict[str, str]]:
    """Returns the format of an export, and the SHA-256 of each of its files."""
    path = folder / EXPORT_RECORD
    try:
        record = parse_json(read_text(path))
        format, complete = str(record["format"]), record["complete"]
        files = {str(name): str(file["sha256"]) for name, file in record["files"].items()}
    except (*UNREADABLE, AttributeError, KeyError, TypeError) as err:
        raise DataError(f"{path} is invalid", _AGAIN) from err
    if complete is not True:
        raise DataError(f"the export is not complete: {folder}", "run the same roco export again: it continues")
    if any(name.endswith("/") for name in files):
        raise DataError(
            f"exports in the format {excerpt(format)} are not published: hubs limit the number of files ({folder})",
            "publish an export in the format webdataset, or hf for the Hugging Face Hub",
        )
    for name in files:
        parts = name.split("/")
        if name.startswith("/") or ".." in parts or "" in parts or not name.isprintable() or "\\" in name:
            raise DataError(f"invalid name of a file in {path}: {excerpt(name)}", _AGAIN)
    # Hidden files belong to file managers and to other clients; they are not sent.
    present = [path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir()]
    visible = {path.as_posix() for path in present if not any(part.startswith(".") for part in path.parts)}
    unexpected = sorted(visible - files.keys() - {EXPORT_RECORD})
    if unexpected:
        raise DataError(f"unexpected file in the export: {folder / unexpected[0]}", "move it out of the folder")
    return format, files


def _release_files(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of each file of a release; its other checks have been made."""
    lines = (line.partition("  ") for line in checksum_lines(read_text(folder / CHECKSUMS)))
    return {name: digest for digest, _, name in lines}


def _metadata(folder: Path) -> Metadata:
    try:
        return read_metadata(folder / METADATA)
    except ValueError as err:
        raise DataError(f"{folder / METADATA} is invalid: {excerpt(err)}", _AGAIN) from err


def _title(folder: Path) -> str:
    """Returns the title of the metadata; without one, the first heading of the card."""
    title = _metadata(folder).title
    if title:
        return title
    path = folder / CARD
    for line in read_text(path).splitlines() if path.is_file() else ():
        if line.startswith("# "):
            return line.removeprefix("# ").strip()
    return "Radiology images, captions and concepts"


def _licenses(folder: Path) -> Counter[License]:
    """Counts the images under each licence, from attribution.csv."""
    path = folder / ATTRIBUTION
    if not path.is_file():
        raise DataError(f"missing file: {path}", "images cannot be published without their attribution")
    name, url = ATTRIBUTION_COLUMNS.index("License"), ATTRIBUTION_COLUMNS.index("License URL")
    found = Counter[License]()
    try:
        for row in csv_rows(path, ATTRIBUTION_COLUMNS):
            if row.cells is None:
                raise ValueError(f"line {row.line}: {row.complaint}")
            found[License(row.cells[name], row.cells[url])] += 1
    except UNREADABLE as err:
        raise DataError(f"{path} is invalid: {excerpt(err)}", _AGAIN) from err
    return found
