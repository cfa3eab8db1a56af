"""Writes the folder of an export file by file; a second run continues where the first one ended.

`export.json` records release, format, options and the SHA-256 of each finished file. It contains no time and no path of
the machine: the same export has the same bytes. It is rewritten after every file; many small files are therefore
planned as folders, each of which is one entry and appears at once.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from roco.base.errors import DataError
from roco.base.files import file_digest, whole, write_json
from roco.base.json_text import parse_json
from roco.base.locks import hold_folder
from roco.base.progress import Progress
from roco.base.readers import UNREADABLE, read_text
from roco.base.terminal import excerpt
from roco.release.export.folder import folder_state, whole_folder

RECORD = "export.json"
_ANOTHER = "choose a new folder, or remove this one"


class ExportedFile(NamedTuple):
    """A finished file: its size in bytes, its SHA-256, and the number of images in it; of a folder, `folder_state`."""

    n_bytes: int
    sha256: str
    n_images: int


@dataclass(frozen=True)
class Writing:
    """What the writer of a file may use: the files that are finished, and a function that counts images as done."""

    files: Mapping[str, ExportedFile]
    advance: Callable[[int], None]


class PlannedFile(NamedTuple):
    """A file to write: its name in the folder, the number of images in it, and the function that writes it.

    A name that ends with `/` is a folder of files, written as a whole: `write` receives an empty folder.
    """

    name: str
    n_images: int
    write: Callable[[Path, Writing], None]

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")


class Exported(NamedTuple):
    """A complete export: its folder and its files by name."""

    folder: Path
    files: dict[str, ExportedFile]

    @property
    def n_files(self) -> int:
        """Returns the number of files, with those in folders of images."""
        return sum(file.n_images if name.endswith("/") else 1 for name, file in self.files.items())

    @property
    def n_bytes(self) -> int:
        return sum(file.n_bytes for file in self.files.values())


def write_export(
    folder: Path, identity: Mapping[str, Any], planned: Sequence[PlannedFile], progress: Progress
) -> Exported:
    """Writes the planned files in their order; those that export.json lists as finished are kept.

    identity: release, format, options and versions, as JSON values. Raises DataError if the folder contains another
    export, other files, or a file that was changed; nothing is written then.
    """
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _written(folder, identity, planned, progress)
    except Exception:
        if is_new:
            _remove_empty(folder)
        raise


def _written(folder: Path, identity: Mapping[str, Any], planned: Sequence[PlannedFile], progress: Progress) -> Exported:
    with hold_folder(folder):
        recorded = _recorded(folder, identity)
        _check_names(folder, planned)
        progress.start("images", sum(file.n_images for file in planned))
        _remove_parts(folder)
        finished = _finished(folder, planned, recorded, progress)
        for file in planned:
            if file.name not in finished:
                finished[file.name] = _write(folder, file, finished, progress)
                _record(folder, identity, finished, complete=False)
        done = {file.name: finished[file.name] for file in planned}
        _record(folder, identity, done, complete=True)
    return Exported(folder, done)


def _write(folder: Path, file: PlannedFile, finished: Mapping[str, ExportedFile], progress: Progress) -> ExportedFile:
    path = folder / file.name
    writing = Writing(finished, progress.advance)
    if file.is_folder:
        with whole_folder(path) as part:
            file.write(part, writing)
            return ExportedFile(*folder_state(part), file.n_images)
    with whole(path) as part:
        file.write(part, writing)
        return ExportedFile(part.stat().st_size, file_digest(part), file.n_images)


# --- what is there already ----------------------------------------------------------------------------------------


def _recorded(folder: Path, identity: Mapping[str, Any]) -> dict[str, ExportedFile]:
    """Returns the files that export.json lists; raises DataError if it is that of another export."""
    path = folder / RECORD
    if not path.is_file():
        return {}
    try:
        record = parse_json(read_text(path))
        files = {
            str(name): ExportedFile(int(file["bytes"]), str(file["sha256"]), int(file["images"]))
            for name, file in record["files"].items()
        }
        known = {name: record[name] for name in identity if name in record}
    except (*UNREADABLE, AttributeError, KeyError, TypeError) as err:
        raise DataError(f"{path} is invalid", _ANOTHER) from err
    for name, value in identity.items():
        if known.get(name) != value:
            raise DataError(
                f"{folder} contains another export: {name} is {_short(known.get(name))}, not {_short(value)}", _ANOTHER
            )
    return files


def _short(value: Any) -> str:
    """Returns a value of export.json in few characters; of a digest, its beginning identifies it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_short(one)}" for name, one in value.items())
    text = str(value)
    return text[:12] if len(text) == 64 else excerpt(text, 40)


def _check_names(folder: Path, planned: Iterable[PlannedFile]) -> None:
    """Raises DataError if the folder contains files that do not belong to the export.

    Hidden files are ignored: clients of hubs and file managers put their own there.
    """
    names = {RECORD, *(file.name for file in planned)}  # those below a folder are compared by its digest
    is_begun = (folder / RECORD).is_file()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        is_hidden = any(part.startswith(".") for part in Path(name).parts)
        if path.is_dir() or is_hidden:
            continue
        if not is_begun:
            raise DataError(
                f"{folder} is not empty and not an export (it contains {excerpt(name)})", "choose a new folder"
            )
        if name not in names and f"{path.parent.relative_to(folder).as_posix()}/" not in names:
            raise DataError(f"unexpected file in the export: {path}", "move it away, or choose a new folder")


def _finished(
    folder: Path, planned: Iterable[PlannedFile], recorded: Mapping[str, ExportedFile], progress: Progress
) -> dict[str, ExportedFile]:
    """Returns the finished files that are there with the bytes that were written."""
    finished = {}
    for file in planned:
        known, path = recorded.get(file.name), folder / file.name
        if known is None or not path.exists():
            continue
        if not _is_unchanged(path, file, known):
            raise DataError(f"{path} was changed after it was exported", "move it away, or choose a new folder")
        finished[file.name] = known
        progress.advance(known.n_images)
    return finished


def _is_unchanged(path: Path, file: PlannedFile, known: ExportedFile) -> bool:
    """Returns whether a file or a folder has the bytes that were written."""
    if path.is_dir() != file.is_folder:
        return False
    if file.is_folder:
        return folder_state(path) == (known.n_bytes, known.sha256)
    return path.stat().st_size == known.n_bytes and file_digest(path) == known.sha256


def _remove_parts(folder: Path) -> None:
    """Removes the incomplete files and folders of a process that was killed."""
    for path in list(folder.rglob(".*.part")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _remove_empty(folder: Path) -> None:
    """Removes the empty folders of an export that failed before its first file was finished."""
    for path in sorted([folder, *folder.rglob("*")], reverse=True):
        with contextlib.suppress(OSError):  # not empty: finished files are kept
            path.rmdir()


def _record(folder: Path, identity: Mapping[str, Any], finished: Mapping[str, ExportedFile], *, complete: bool) -> None:
    files = {
        name: {"bytes": file.n_bytes, "sha256": file.sha256, "images": file.n_images} for name, file in finished.items()
    }
    path = folder / RECORD
    record = {**identity, "complete": complete, "files": files}
    # An unchanged record is not written again: a repeated export changes nothing, not even a date.
    if not path.is_file() or parse_json(read_text(path)) != record:
        write_json(path, record)
