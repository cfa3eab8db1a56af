"""The folder that a run publishes: which files in it are those that were written, and how a new one takes its place."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from roco.base.files import checksum_lines, exchange, file_digest, sync

CHECKSUMS = "checksums.sha256"


class Stamp(NamedTuple):
    """What identifies a file as it was written: SHA-256, size, time of modification."""

    sha256: str
    size: int
    mtime_ns: int


Stamps = Mapping[str, Stamp]
"""The files of a published folder by name."""


@dataclass(frozen=True)
class Contents:
    """What is in a published folder, compared with the files that were written.

    modified: files whose bytes are others now; missing: files that were deleted; foreign: names of files and folders
    that were not written by the run.
    """

    modified: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()

    @property
    def is_intact(self) -> bool:
        return not self.modified and not self.missing


def stamps_of(folder: Path) -> Stamps:
    """Returns the stamps of all files of a folder; those that its checksums list are not read again."""
    listed = listed_digests(folder)
    stamps = {}
    for path in sorted(folder.iterdir()):
        stat = path.stat()
        stamps[path.name] = Stamp(listed.get(path.name) or file_digest(path), stat.st_size, stat.st_mtime_ns)
    return stamps


def listed_digests(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of each file that the checksums of a folder list; none without checksums."""
    try:
        lines = checksum_lines((folder / CHECKSUMS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    pairs = [line.split(maxsplit=1) for line in lines]
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}


def n_unchanged(folder: Path, stamps: Stamps, *, by_content: bool) -> int:
    """Returns how many files of a folder are those with the stamps, compared by content, or by size and time alone."""
    return sum(_is_unchanged(folder / name, stamp, by_content) for name, stamp in stamps.items())


def inspect(folder: Path, stamps: Stamps) -> Contents:
    """Compares a folder with the files that were written; a file is read only if its size or time has changed."""
    missing, modified = [], []
    for name, stamp in stamps.items():
        path = folder / name
        if not os.path.lexists(path):
            missing.append(name)
        elif not _is_unchanged(path, stamp, by_content=False) and not _is_unchanged(path, stamp, by_content=True):
            modified.append(name)
    foreign = [path.name for path in sorted(folder.iterdir()) if path.name not in stamps] if folder.is_dir() else []
    return Contents(tuple(modified), tuple(missing), tuple(foreign))


def _is_unchanged(path: Path, stamp: Stamp, by_content: bool) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    stat = path.stat()
    if not by_content:
        return (stat.st_size, stat.st_mtime_ns) == (stamp.size, stamp.mtime_ns)
    return stamp.size in (stat.st_size, UNKNOWN_SIZE) and file_digest(path) == stamp.sha256


UNKNOWN_SIZE = -1
"""The size in the stamp of a file of which only the checksum is known."""


# --- replacing ------------------------------------------------------------------------------------------------------


def carry_over(old: Path, contents: Contents, new: Path) -> dict[str, str]:
    """Links what others wrote in the old folder into the new one; returns the new name of each file or folder.

    A file that the run wrote and somebody edited becomes `README.edited.md` beside the new `README.md`.
    """
    names = {}
    for name in (*contents.foreign, *contents.modified):
        names_to_try = _names_to_try(new / name, is_edited=name in contents.modified)
        target = next(path for path in names_to_try if not os.path.lexists(path))
        source = old / name
        if source.is_dir() and not source.is_symlink():
            shutil.copytree(source, target, symlinks=True, copy_function=_link_or_copy)
        else:
            _link_or_copy(source, target)
        names[name] = target.name
    return names


def _names_to_try(path: Path, *, is_edited: bool) -> Iterator[Path]:
    if not is_edited:
        yield path
    number = 1
    while True:
        word = "edited" if number == 1 else f"edited-{number}"
        yield path.with_name(f"{path.stem}.{word}{path.suffix}")
        number += 1


def _link_or_copy(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # not every file system has hard links
        shutil.copy2(source, target, follow_symlinks=False)


def replace_folder(target: Path, new: Path) -> None:
    """Puts a complete new folder in the place of the old one, which is kept until then; `recover` resumes."""
    old = _old(target)
    if not target.exists():
        new.rename(target)
    elif exchange(target, new):
        old = new
    else:
        target.rename(old)
        new.rename(target)
    sync(target.parent)
    remove(old)


def recover(target: Path) -> None:
    """Completes or undoes a replacement that was interrupted: the old folder returns unless the new one is in place."""
    old = _old(target)
    if old.exists() and not target.exists():
        old.rename(target)
        sync(target.parent)
    for path in (old, unfinished(target)):
        remove(path)


def remove(folder: Path) -> None:
    """Removes a folder if it exists, also one that was made read-only to protect the release."""
    for path, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            Path(path).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def unfinished(target: Path) -> Path:
    """Returns the folder in which the new content of a folder is written."""
    return target.with_name(f".{target.name}.part")


def _old(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")
