"""The folder of downloaded articles: one folder per article version, or packs of a thousand articles."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from roco.base.errors import Busy, DataError, RejectedInput
from roco.base.files import full_disk, sync
from roco.base.locks import hold
from roco.sources.archives.reader import STANDARD
from roco.sources.cloud import Shelf
from roco.sources.packs import FOLDER, Pack, Packed, Packs, entries, forget, write_pack

ARTICLES_PER_PACK = 1000
STATE_FOLDER = "fetch"
"""The folder beside the articles that holds the plan, the metadata and the receipts."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Locks a folder for one process; raises Busy if another process has locked it."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"not a folder: {folder}", "name a new folder, or one that roco fetch has written")
    path = folder / STATE_FOLDER / "lock"
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(hold(path))
        except Busy as err:
            raise Busy(f"another process is downloading into {folder}", "wait until it is done, or stop it") from err
        except OSError as err:
            raise full_disk(err, path) from err
        yield


class ArticlesFolder:
    """Reads and changes a folder that the `cloud` source reads, one rename for each version.

    staging: where articles are collected before they are moved in.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.staging = path / STATE_FOLDER / "part"
        self._shelf = Shelf(path)

    def versions(self) -> dict[int, list[int]]:
        """Returns the version numbers of each article in the folder, by the number of its PMCID."""
        if not self.path.is_dir():
            return {}
        by_pmcid = self._shelf.versions()[0]
        return {int(pmcid.removeprefix("PMC")): numbers for pmcid, numbers in by_pmcid.items()}

    def is_up_to_date(self, metadata_sha256: Mapping[str, str], chosen: str) -> bool:
        """Returns whether all versions of an article are present with the given metadata, and XML only in one.

        metadata_sha256: SHA-256 of the metadata, by version; chosen: the version that represents the article.
        """
        for key, sha256 in metadata_sha256.items():
            has_xml = f"{key}.xml" in self.file_names(key)
            if self._shelf.digest(key) != sha256 or has_xml != (key == chosen):
                return False
        return True

    def file_names(self, key: str) -> set[str]:
        """Returns the names of the files of a version; empty where the version is not in the folder."""
        try:
            return {name for name, _ in self._shelf.files(key)}
        except (RejectedInput, FileNotFoundError):
            return set()

    def read_file(self, key: str, name: str) -> bytes | None:
        """Returns the content of a file, null where it is missing or unreadable."""
        try:
            pack = self._pack_of(key)
            if pack is not None:
                with contextlib.closing(Packed(pack, key)) as package:
                    return package.read(name)
            path = self.path / key / name
            return path.read_bytes() if path.stat().st_size <= STANDARD.member else None
        except (RejectedInput, FileNotFoundError, NotADirectoryError):
            return None

    def move_in(self, staged: Path) -> None:
        """Moves the versions collected in a staging folder to their places and deletes that folder."""
        for version in sorted(staged.iterdir()):
            sync(version)
            target = self.path / version.name
            if target.is_dir():
                # A folder cannot be renamed over another, so the previous version is moved away first.
                previous = self._path_to_delete(version.name)
                os.replace(target, previous)  # noqa: PTH105 - the tests that kill a process patch os.replace
                os.replace(version, target)  # noqa: PTH105
                shutil.rmtree(previous)
            else:
                os.replace(version, target)  # noqa: PTH105
        staged.rmdir()
        sync(self.path)

    def remove(self, keys: Iterable[str]) -> None:
        """Removes versions, from folders and from packs."""
        removed = set(keys)
        for key in sorted(removed):
            self._delete_folder(key)
        for pack in self._shelf.packs.all:
            in_pack = removed & entries(pack).keys()
            if in_pack:
                forget(pack, in_pack)
        self._shelf = Shelf(self.path)

    def delete_leftovers(self) -> None:
        """Deletes the folders that a killed process had moved away."""
        if self.staging.is_dir():
            for path in self.staging.glob(".away-*"):
                shutil.rmtree(path)

    def next_pack_number(self) -> int:
        return 1 + max((_number(pack) for pack in self._shelf.packs.all), default=0)

    def pack(self, number: int, keys: Iterable[str]) -> None:
        """Packs versions that are in folders of their own and deletes these folders; a pack that exists is kept."""
        pack = next((existing for existing in Packs(self.path).all if _number(existing) == number), None)
        if pack is None:
            files = {key: sorted((self.path / key).iterdir()) for key in keys if (self.path / key).is_dir()}
            if not files:
                return
            pack = write_pack(self.path / FOLDER, number, files)
        for key in entries(pack):
            self._delete_folder(key)
        self._shelf = Shelf(self.path)

    def _pack_of(self, key: str) -> Pack | None:
        """Returns the pack that contains a version; a folder of its own takes precedence."""
        return None if (self.path / key).is_dir() else self._shelf.packs.find(key)

    def _delete_folder(self, key: str) -> None:
        """Deletes the folder of a version; it disappears in one rename."""
        if (self.path / key).is_dir():
            path = self._path_to_delete(key)
            os.replace(self.path / key, path)  # noqa: PTH105
            shutil.rmtree(path)

    def _path_to_delete(self, key: str) -> Path:
        self.staging.mkdir(parents=True, exist_ok=True)
        path = self.staging / f".away-{key}"
        if path.is_dir():
            shutil.rmtree(path)
        return path


def _number(pack: Pack) -> int:
    return int(pack.path.name[:6])
