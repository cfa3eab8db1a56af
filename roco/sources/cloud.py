"""The layout of PMC's cloud bucket: a folder for each version of an article, with XML, metadata and media.

Versions lie in folders of their own or in packs (see `packs.py`); a folder counts before a pack.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import stat
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

import pyarrow as pa

from roco.base.errors import DataError, RejectedInput
from roco.base.files import digest, file_digest
from roco.sources.cloud_metadata import (
    ALMOST,
    KEY,
    METADATA,
    Version,
    md5s,
    read_metadata,
    state,
    unread_version,
    version_of,
    worth,
)
from roco.sources.folder import (
    Loose,
    Row,
    as_listing,
    broken,
    demand_folder,
    gathered,
    listed,
    of_the_file,
    rows_by_article,
    stays,
    utf8,
)
from roco.sources.packs import Pack, Packed, Packs, entries


@dataclasses.dataclass(frozen=True, kw_only=True)
class CloudSource:
    """Lists one package for each article: its newest version that is open access, else its newest."""

    path: Path
    kind: ClassVar[str] = "cloud"

    @property
    def spec(self) -> Mapping[str, Any]:
        return {"kind": self.kind, "path": str(self.path.absolute())}

    def listing(self, known: pa.Table | None) -> pa.Table:
        """Article is the PMCID, so that a new version takes the place of the old; place is the version's name.

        facts: pmcid, version, pmid, doi, mid, title, citation, license, open_access, manuscript, ocr, retracted; or
        error; versions: number and state of each there is, the newest first; media: how many the metadata name,
        absent: names of those that are not in the folder.
        """
        with listed(self.path):
            return self._listing(known)

    def _listing(self, known: pa.Table | None) -> pa.Table:
        before = rows_by_article(known)
        shelf = Shelf(self.path)
        versions, rows = shelf.versions()
        for pmcid, numbers in versions.items():
            stamp = shelf.stamp([f"{pmcid}.{number}" for number in numbers])
            last = before.get(pmcid)
            same = stamp and last is not None and last.stamp == stamp
            rows.append(last if same and last is not None else _row(pmcid, numbers, stamp, shelf))
        if not rows:
            raise DataError(f"there is no folder PMCn.v in {self.path}", "is it a source of another kind?")
        return as_listing(rows)

    def open(self, place: str) -> Loose | Packed:
        """One version; raises RejectedInput when it is gone or its metadata are not its own."""
        demand_folder(self.path)
        if not KEY.fullmatch(place):
            raise RejectedInput(f"{place!r} is no version of an article")
        folder, shelf = self.path / place, Shelf(self.path)
        if not stays(folder, shelf.root):
            raise RejectedInput("the link leads out of the source")
        try:
            if folder.is_dir():
                meta, _ = shelf.metadata(place)
                return Loose(gathered(folder, shelf.root), [f"{place}.xml"], md5s(place, meta or {}))
            if pack := shelf.packs.find(place):
                return Packed(pack, place)
        except OSError as err:
            raise RejectedInput(of_the_file(err)) from err
        raise RejectedInput("the folder is gone")


class Shelf:
    """The versions of a source, in folders and in packs, as they lie there now."""

    def __init__(self, path: Path) -> None:
        self.path, self.root, self.packs = path, path.resolve(), Packs(path)

    def versions(self) -> tuple[dict[str, list[int]], list[Row]]:
        """Versions of each article there is, the newest first; and rows of what only looks like one."""
        found: dict[str, set[int]] = defaultdict(set)
        odd = []
        with os.scandir(self.path) as lying:
            for entry in lying:
                if not ALMOST.fullmatch(entry.name):
                    continue
                if reason := _unfit(entry, self.path, self.root):
                    odd.append(broken(utf8(entry.name), reason)._replace(article=f"./{utf8(entry.name)}"))
                elif key := KEY.fullmatch(entry.name):
                    found[key[1]].add(int(key[2]))
        for name in self.packs.keys:
            if key := KEY.fullmatch(name):
                found[key[1]].add(int(key[2]))
        return {pmcid: sorted(versions, reverse=True) for pmcid, versions in found.items()}, odd

    def stamp(self, keys: Sequence[str]) -> str:
        """Sizes and times of what decides, empty where it cannot be read: so it is looked at every time."""
        stamps = []
        for key in keys:
            try:
                if pack := self._pack(key):
                    stamps.append(f"{key}:{self.packs.stamp(pack)}")
                    continue
                # A file put in place changes its folder's time; what is written over in place is the rare case.
                _, seen = self._deciding(key)
                changed = os.stat(f"{self.path}/{key}").st_mtime_ns  # noqa: PTH116 - a third of a listing's time
            except OSError as err:
                of_the_file(err)
                return ""
            stamps.append(f"{key}:{changed}:" + (f"{seen.st_size}:{seen.st_mtime_ns}" if seen else "-"))
        return " ".join(stamps)

    def version(self, key: str) -> Version:
        try:
            return version_of(key, *self.metadata(key))
        except OSError as err:
            return unread_version(key, of_the_file(err))
        except RejectedInput as err:
            return unread_version(key, err.message)

    def metadata(self, key: str) -> tuple[dict[str, Any] | None, str | None]:
        """The metadata of a version, None where there are none, and the digest of the file that stands for it.

        Raises RejectedInput for metadata that cannot be read or are of something else.
        """
        if pack := self._pack(key):
            package = Packed(pack, key)
            try:
                data = package.read(f"{key}.json")
            finally:
                package.close()
            return read_metadata(data, key), hashlib.sha256(data).hexdigest()
        path, _ = self._deciding(key)
        if path is None or path.suffix != ".json":
            return None, file_digest(path) if path else None
        with path.open("rb") as fh:
            data = fh.read(METADATA + 1)
        return read_metadata(data, key), hashlib.sha256(data).hexdigest()

    def digest(self, key: str) -> str | None:
        """SHA-256 of the metadata that lie with a version, null where there are none; of a pack as its index has it."""
        if pack := self._pack(key):
            return next((file.sha256 for file in entries(pack)[key] if file.name == f"{key}.json"), None)
        try:
            return file_digest(self.path / key / f"{key}.json")
        except (FileNotFoundError, NotADirectoryError):
            return None

    def files(self, key: str) -> list[tuple[str, int]]:
        """Name and size of each file of a version; raises RejectedInput where they cannot be listed."""
        if pack := self._pack(key):
            return sorted(Packed(pack, key).files)
        return sorted((file.name, file.size) for file in gathered(self.path / key, self.root))

    def _pack(self, key: str) -> Pack | None:
        return None if os.path.isdir(f"{self.path}/{key}") else self.packs.find(key)  # noqa: PTH112 - as above

    def _deciding(self, key: str) -> tuple[Path | None, os.stat_result | None]:
        """The file that stands for a version: its metadata, beside it or among all, else its XML."""
        for name in (f"{key}/{key}.json", f"metadata/{key}.json", f"{key}/{key}.xml"):
            try:
                seen = os.stat(f"{self.path}/{name}")  # noqa: PTH116
            except (FileNotFoundError, NotADirectoryError):
                continue
            if stat.S_ISREG(seen.st_mode):
                return self.path / name, seen
        return None, None


def _row(pmcid: str, numbers: Sequence[int], stamp: str, shelf: Shelf) -> Row:
    versions = [shelf.version(f"{pmcid}.{number}") for number in numbers]
    chosen = max(versions, key=worth)
    key = f"{pmcid}.{chosen.number}"
    facts = dict(chosen.facts)
    facts["versions"] = [{"version": v.number, "state": state(v.facts)} for v in versions]
    if any(v.facts.get("retracted") for v in versions if v.number > chosen.number):
        facts["retracted"] = True
    lying: list[tuple[str, int]] = []
    try:
        lying = shelf.files(key)
    except RejectedInput as err:
        facts, stamp = facts | {"error": err.message}, ""
    if chosen.media is not None:
        there = {name for name, _ in lying}
        facts["media"] = len(chosen.media)
        absent = [name for name in chosen.media if name not in there and unquote(name) not in there]
        facts |= {"absent": absent} if absent else {}
    told = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return Row(pmcid, digest([key, chosen.content, told, lying]), key, stamp, told)


def _unfit(entry: os.DirEntry[str], source: Path, root: Path) -> str | None:
    """Why an entry that is named about like a version is none; null for versions, and for what is no folder."""
    try:
        if not entry.is_dir():
            return "the link leads nowhere" if entry.is_symlink() else None
        if not KEY.fullmatch(entry.name):
            return "the folder is named like an article, but not PMCn.v"
        if entry.is_symlink() and not stays(source / entry.name, root):
            return "the link leads out of the source"
    except OSError as err:
        return of_the_file(err)
    return None
