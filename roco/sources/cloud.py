"""The source `cloud`: PMC's cloud bucket, a folder for each version of an article with XML, metadata and media.

`roco fetch` downloads it. Versions are in folders of their own or in packs (see `packs.py`); a folder takes precedence.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import stat
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from roco.base.errors import DataError, RejectedInput
from roco.base.files import digest, file_digest
from roco.base.terminal import quoted
from roco.sources.cloud_metadata import (
    ALMOST,
    KEY,
    METADATA,
    Version,
    absent_media,
    article_facts,
    md5s,
    read_metadata,
    unread_version,
    version_of,
)
from roco.sources.listing import (
    Row,
    as_listing,
    file_error,
    is_inside,
    listing_errors,
    missing,
    require_folder,
    rows_by_article,
    unreadable_row,
    valid_utf8,
)
from roco.sources.loose import Loose, files_below
from roco.sources.packs import Pack, Packed, Packs, entries


@dataclasses.dataclass(frozen=True, kw_only=True)
class CloudSource:
    """Lists one package for each article: its newest open-access version, else its newest version."""

    path: Path
    kind: ClassVar[str] = "cloud"

    @property
    def spec(self) -> Mapping[str, Any]:
        return {"kind": self.kind, "path": str(self.path.absolute())}

    def listing(self, known: pa.Table | None) -> pa.Table:
        """Returns one row per article; article is the PMCID, place the chosen version, such as `PMC123.2`.

        facts: pmcid, version, pmid, doi, mid, title, citation, license, open_access, manuscript, ocr, retracted; or
        error; versions: number and state of all versions, the newest first; media: number of media in the metadata;
        absent: names of media without a file.
        """
        with listing_errors(self.path):
            return self._listing(known)

    def _listing(self, known: pa.Table | None) -> pa.Table:
        previous = rows_by_article(known)
        shelf = Shelf(self.path)
        versions, rows = shelf.versions()
        for pmcid, numbers in versions.items():
            stamp = shelf.stamp([f"{pmcid}.{number}" for number in numbers])
            last = previous.get(pmcid)
            if last is not None and stamp and last.stamp == stamp:
                rows.append(last)
            else:
                rows.append(_row(pmcid, numbers, stamp, shelf))
        if not rows:
            raise DataError(
                f"no folder PMCn.v in {self.path}", _other_path(self.path) or "check path and kind in [source]"
            )
        return as_listing(rows)

    def open(self, place: str) -> Loose | Packed:
        """Opens one version; raises RejectedInput if it is missing or has the metadata of another version."""
        require_folder(self.path)
        if not KEY.fullmatch(place):
            raise RejectedInput(f"{quoted(place)} is not a version of an article")
        folder = self.path / place
        shelf = Shelf(self.path)
        if not is_inside(folder, shelf.root):
            raise RejectedInput("the link points outside of the source")
        try:
            if folder.is_dir():
                meta, _ = shelf.metadata(place)
                return Loose(files_below(folder, shelf.root), [f"{place}.xml"], md5s(place, meta or {}))
            pack = shelf.packs.find(place)
            if pack:
                return Packed(pack, place)
        except OSError as err:
            raise RejectedInput(file_error(err)) from err
        raise RejectedInput("the folder is missing") from missing(folder)


class Shelf:
    """The article versions of a source, in folders and in packs. A key is a version: `PMC123.2`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = path.resolve()
        self.packs = Packs(path)

    def versions(self) -> tuple[dict[str, list[int]], list[Row]]:
        """Returns the versions of each article, the newest first; and rows of entries that only resemble one."""
        numbers: dict[str, set[int]] = defaultdict(set)
        unusable: list[Row] = []
        with os.scandir(self.path) as entries_of_source:
            for entry in entries_of_source:
                if not ALMOST.fullmatch(entry.name):
                    continue
                name = valid_utf8(entry.name)
                reason = _why_unusable(entry, self.path, self.root)
                key = KEY.fullmatch(entry.name)
                if reason:
                    # `./` keeps the row apart from that of the article, which may have other versions.
                    unusable.append(unreadable_row(name, reason)._replace(article=f"./{name}"))
                elif key:
                    numbers[key[1]].add(int(key[2]))
        for packed in self.packs.keys:
            key = KEY.fullmatch(packed)
            if key:
                numbers[key[1]].add(int(key[2]))
        return {pmcid: sorted(versions, reverse=True) for pmcid, versions in numbers.items()}, unusable

    def stamp(self, keys: Sequence[str]) -> str:
        """Returns sizes and times of the files that represent the versions; empty if one cannot be read.

        An article with an empty stamp is read again by every run.
        """
        stamps = []
        for key in keys:
            try:
                pack = self._pack(key)
                if pack:
                    stamps.append(f"{key}:{self.packs.stamp(pack)}")
                    continue
                _, file_stat = self._representing_file(key)
                # A file that is added or replaced changes the time of its folder; one overwritten in place does not,
                # which is rare.
                folder_time = os.stat(f"{self.path}/{key}").st_mtime_ns  # noqa: PTH116 - a third of a listing's time
            except OSError as err:
                file_error(err)  # raises if it may be the disk's
                return ""
            of_file = f"{file_stat.st_size}:{file_stat.st_mtime_ns}" if file_stat else "-"
            stamps.append(f"{key}:{folder_time}:{of_file}")
        return " ".join(stamps)

    def version(self, key: str) -> Version:
        """Returns a version with its metadata, or with the error if they cannot be read."""
        try:
            return version_of(key, *self.metadata(key))
        except OSError as err:
            return unread_version(key, file_error(err))
        except RejectedInput as err:
            return unread_version(key, err.message)

    def metadata(self, key: str) -> tuple[dict[str, Any] | None, str | None]:
        """Returns the metadata of a version, None if it has none, and the digest of the file that represents it.

        Raises RejectedInput if the metadata are invalid or of another version.
        """
        pack = self._pack(key)
        if pack:
            package = Packed(pack, key)
            try:
                data = package.read(f"{key}.json")
            finally:
                package.close()
            return read_metadata(data, key), hashlib.sha256(data).hexdigest()

        path, _ = self._representing_file(key)
        if path is None:
            return None, None
        if path.suffix != ".json":
            return None, file_digest(path)
        with path.open("rb") as fh:
            data = fh.read(METADATA + 1)  # one byte more shows that the file is too large
        return read_metadata(data, key), hashlib.sha256(data).hexdigest()

    def digest(self, key: str) -> str | None:
        """Returns the SHA-256 of the metadata in a version's folder or pack; None if it has none."""
        pack = self._pack(key)
        if pack:
            return next((file.sha256 for file in entries(pack)[key] if file.name == f"{key}.json"), None)
        try:
            return file_digest(self.path / key / f"{key}.json")
        except (FileNotFoundError, NotADirectoryError):
            return None

    def files(self, key: str) -> list[tuple[str, int]]:
        """Returns name and size of each file of a version; raises RejectedInput if the folder cannot be read."""
        pack = self._pack(key)
        if pack:
            return sorted(Packed(pack, key).files)
        return sorted((file.name, file.size) for file in files_below(self.path / key, self.root))

    def _pack(self, key: str) -> Pack | None:
        has_folder = os.path.isdir(f"{self.path}/{key}")  # noqa: PTH112 - faster, as above
        return None if has_folder else self.packs.find(key)

    def _representing_file(self, key: str) -> tuple[Path | None, os.stat_result | None]:
        """Returns the file that represents a version: its metadata, in its folder or in `metadata/`, else its XML."""
        for name in (f"{key}/{key}.json", f"metadata/{key}.json", f"{key}/{key}.xml"):
            try:
                file_stat = os.stat(f"{self.path}/{name}")  # noqa: PTH116 - faster, as above
            except (FileNotFoundError, NotADirectoryError):
                continue
            if stat.S_ISREG(file_stat.st_mode):
                return self.path / name, file_stat
        return None, None


def _row(pmcid: str, numbers: Sequence[int], stamp: str, shelf: Shelf) -> Row:
    versions = [shelf.version(f"{pmcid}.{number}") for number in numbers]
    chosen, facts = article_facts(versions)
    key = f"{pmcid}.{chosen.number}"
    files: list[tuple[str, int]] = []
    try:
        files = shelf.files(key)
    except RejectedInput as err:
        facts["error"] = err.message
        stamp = ""
    absent = absent_media(chosen.media or (), {name for name, _ in files})
    if absent:
        facts["absent"] = absent
    facts_json = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return Row(pmcid, digest([key, chosen.content, facts_json, files]), key, stamp, facts_json)


def _other_path(path: Path) -> str:
    """Returns a hint if the versions are one level above or below a path; empty if they are not."""
    if KEY.fullmatch(path.name):
        return f"set path to {path.parent}: {path.name} is one of its versions"
    for folder in sorted(folder for folder in path.iterdir() if folder.is_dir()):
        with contextlib.suppress(OSError):
            if any(KEY.fullmatch(version.name) for version in folder.iterdir()):
                return f"set path to {folder}"
    return ""


def _why_unusable(entry: os.DirEntry[str], source: Path, root: Path) -> str | None:
    """Returns why an entry that looks like a version is not one; None for versions and for files."""
    try:
        if not entry.is_dir():
            return "broken link" if entry.is_symlink() else None
        if not KEY.fullmatch(entry.name):
            return "the folder is named like an article, but not PMCn.v"
        if entry.is_symlink() and not is_inside(source / entry.name, root):
            return "the link points outside of the source"
    except OSError as err:
        return file_error(err)
    return None
