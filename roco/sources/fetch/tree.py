"""The articles that are here: in folders of their own, or in packs of a thousand."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from roco.base.errors import RejectedInput
from roco.base.files import sync_folder
from roco.sources.archives.reader import STANDARD
from roco.sources.cloud import Shelf
from roco.sources.packs import FOLDER, Packed, Packs, entries, forget, write_pack

PACK = 1000
"""Articles in one pack."""
STATE = "fetch"
"""The folder of plan, metadata and receipts, beside the articles."""


class Tree:
    """A folder that the `cloud` source reads. An article comes into it in one rename for each of its versions."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.aside = path / STATE / "part"
        self._shelf = Shelf(path)

    def versions(self) -> dict[int, list[int]]:
        """The versions of each article that are here, by the number of its PMCID."""
        if not self.path.is_dir():
            return {}
        return {int(pmcid[3:]): numbers for pmcid, numbers in self._shelf.versions()[0].items()}

    def holds(self, keys: Mapping[str, str], chosen: str) -> bool:
        """Whether an article is here as it should be: SHA-256 of each version's metadata, and the chosen one's XML."""
        return all(
            self._shelf.digest(key) == sha256 and (f"{key}.xml" in self.names(key)) == (key == chosen)
            for key, sha256 in keys.items()
        )

    def names(self, key: str) -> set[str]:
        """Names of the files of a version; none where it is not here."""
        try:
            return {name for name, _ in self._shelf.files(key)}
        except (RejectedInput, FileNotFoundError):
            return set()

    def read(self, key: str, name: str) -> bytes | None:
        """A file that is here, null where it is not or cannot be read."""
        try:
            if not (self.path / key).is_dir() and (pack := self._shelf.packs.find(key)):
                package = Packed(pack, key)
                try:
                    return package.read(name)
                finally:
                    package.close()
            path = self.path / key / name
            return path.read_bytes() if path.stat().st_size <= STANDARD.member else None
        except (RejectedInput, FileNotFoundError, NotADirectoryError):
            return None

    def place(self, folder: Path) -> None:
        """Puts the versions that were gathered in a folder in their places, and the folder away."""
        for made in sorted(folder.iterdir()):
            sync_folder(made)
            old = self.path / made.name
            if old.is_dir():
                away = self._away(made.name)
                os.replace(old, away)  # noqa: PTH105 - one name for the tests that kill here
                os.replace(made, old)  # noqa: PTH105
                shutil.rmtree(away)
            else:
                os.replace(made, old)  # noqa: PTH105
        folder.rmdir()
        sync_folder(self.path)

    def remove(self, keys: Iterable[str]) -> None:
        """Takes versions out, from folders and from packs."""
        wanted = set(keys)
        for key in sorted(wanted):
            if (self.path / key).is_dir():
                away = self._away(key)
                os.replace(self.path / key, away)  # noqa: PTH105
                shutil.rmtree(away)
        for pack in self._shelf.packs.all:
            if held := wanted & entries(pack).keys():
                forget(pack, held)
        self._shelf = Shelf(self.path)

    def sweep(self) -> None:
        """Clears away what a killed process had put aside."""
        if self.aside.is_dir():
            for path in self.aside.glob(".away-*"):
                shutil.rmtree(path)

    def next_pack(self) -> int:
        return 1 + max((int(pack.path.name[:6]) for pack in self._shelf.packs.all), default=0)

    def seal(self, number: int, keys: Iterable[str]) -> None:
        """Packs versions that lie in folders, and clears the folders away; what is packed already stays so."""
        made = next((p for p in Packs(self.path).all if int(p.path.name[:6]) == number), None)
        if made is None:
            lying = {key: sorted((self.path / key).iterdir()) for key in keys if (self.path / key).is_dir()}
            if not lying:
                return
            made = write_pack(self.path / FOLDER, number, lying)
        for key in entries(made):
            if (self.path / key).is_dir():
                away = self._away(key)
                os.replace(self.path / key, away)  # noqa: PTH105
                shutil.rmtree(away)
        self._shelf = Shelf(self.path)

    def _away(self, key: str) -> Path:
        self.aside.mkdir(parents=True, exist_ok=True)
        away = self.aside / f".away-{key}"
        if away.is_dir():
            shutil.rmtree(away)
        return away
