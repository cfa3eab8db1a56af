"""The layout of PMC's cloud bucket: a folder for each version of an article, with XML, metadata and media."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import stat
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.parse import unquote

import pyarrow as pa

from roco.errors import DataError, Refused
from roco.files import digest, file_digest
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

METADATA = 1 << 20
"""Bytes of metadata that are read at most; what is published has a few thousand."""
TEXT = 4000
"""Characters of one value that are believed; a longer one is unknown."""

_KEY = re.compile(r"(PMC[1-9][0-9]{0,14})\.(0|[1-9][0-9]{0,5})")
_ALMOST = re.compile(r"PMC[0-9]+(?:\.[0-9]*)?", re.IGNORECASE)
_PMCID = re.compile(r"(?:PMC)?0*([1-9][0-9]{0,14})(?:\.([0-9]{1,6}))?", re.IGNORECASE)
_WHOLE = re.compile(r"([0-9]{1,15})(?:\.0+)?")
_IN_KEY = re.compile(r"/PMC([0-9]{1,15})\.([0-9]{1,6})/")
_MD5 = re.compile(r"[0-9a-f]{32}")
_MOST = 10**15
_TEXTS = {"pmid": "pmid", "doi": "doi", "mid": "mid", "title": "title", "citation": "citation",
          "license": "license_code"}  # fmt: skip
_FLAGS = {"open_access": "is_pmc_openaccess", "manuscript": "is_manuscript", "ocr": "is_historical_ocr",
          "retracted": "is_retracted"}  # fmt: skip
_WORDS = dict.fromkeys(("true", "yes", "y", "t", "1"), True) | dict.fromkeys(("false", "no", "n", "f", "0"), False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CloudSource:
    """Lists one package for each article: its newest version that is open access, else its newest."""

    path: Path
    kind: ClassVar[str] = "cloud"

    @property
    def spec(self) -> Mapping[str, Any]:
        return {"kind": self.kind, "path": str(self.path.absolute())}

    def listing(self, known: pa.Table | None) -> pa.Table:
        """Article is the PMCID, so that a new version takes the place of the old; place is the version's folder.

        facts: pmcid, version, pmid, doi, mid, title, citation, license, open_access, manuscript, ocr, retracted; or
        error; versions: number and state of each there is, the newest first; media: how many the metadata name,
        absent: names of those that are not in the folder.
        """
        with listed(self.path):
            return self._listing(known)

    def _listing(self, known: pa.Table | None) -> pa.Table:
        before = rows_by_article(known)
        root = self.path.resolve()
        versions, rows = self._versions(root)
        for pmcid, numbers in versions.items():
            stamp = self._stamp([f"{pmcid}.{number}" for number in numbers])
            last = before.get(pmcid)
            same = stamp and last is not None and last.stamp == stamp
            rows.append(last if same and last is not None else self._row(pmcid, numbers, stamp, root))
        if not rows:
            raise DataError(f"there is no folder PMCn.v in {self.path}", "is it a source of another kind?")
        return as_listing(rows)

    def open(self, place: str) -> Loose:
        """One version's folder; raises Refused when it is gone or its metadata are not its own."""
        demand_folder(self.path)
        if not _KEY.fullmatch(place):
            raise Refused(f"{place!r} is no version of an article")
        folder, root = self.path / place, self.path.resolve()
        if not stays(folder, root):
            raise Refused("the link leads out of the source")
        try:
            if not folder.is_dir():
                raise Refused("the folder is gone")
            meta, _ = self._metadata(place)
            return Loose(gathered(folder, root), [f"{place}.xml"], _md5s(place, meta or {}))
        except OSError as err:
            raise Refused(of_the_file(err)) from err

    def _versions(self, root: Path) -> tuple[dict[str, list[int]], list[Row]]:
        """Versions of each article there is, the newest first; and rows of what only looks like one."""
        found: dict[str, list[int]] = defaultdict(list)
        odd = []
        with os.scandir(self.path) as entries:
            for entry in entries:
                if not _ALMOST.fullmatch(entry.name):
                    continue
                if reason := _unfit(entry, self.path, root):
                    odd.append(broken(utf8(entry.name), reason)._replace(article=f"./{utf8(entry.name)}"))
                elif key := _KEY.fullmatch(entry.name):
                    found[key[1]].append(int(key[2]))
        return {pmcid: sorted(versions, reverse=True) for pmcid, versions in found.items()}, odd

    def _stamp(self, keys: Sequence[str]) -> str:
        """Sizes and times of what decides, empty where it cannot be read: so it is looked at every time."""
        stamps = []
        for key in keys:
            try:
                # A file put in place changes its folder's time; what is written over in place is the rare case.
                _, seen = self._deciding(key)
                changed = os.stat(f"{self.path}/{key}").st_mtime_ns  # noqa: PTH116 - a third of a listing's time
            except OSError as err:
                of_the_file(err)
                return ""
            stamps.append(f"{key}:{changed}:" + (f"{seen.st_size}:{seen.st_mtime_ns}" if seen else "-"))
        return " ".join(stamps)

    def _row(self, pmcid: str, numbers: Sequence[int], stamp: str, root: Path) -> Row:
        versions = [self._version(pmcid, number) for number in numbers]
        chosen = max(versions, key=_worth)
        key = f"{pmcid}.{chosen.number}"
        facts = dict(chosen.facts)
        facts["versions"] = [{"version": v.number, "state": _state(v.facts)} for v in versions]
        if any(v.facts.get("retracted") for v in versions if v.number > chosen.number):
            facts["retracted"] = True
        try:
            lying = sorted((file.name, file.size) for file in gathered(self.path / key, root))
        except Refused as err:
            facts, lying, stamp = facts | {"error": err.message}, [], ""
        if chosen.media is not None:
            there = {name for name, _ in lying}
            facts["media"] = len(chosen.media)
            absent = [name for name in chosen.media if name not in there and unquote(name) not in there]
            facts |= {"absent": absent} if absent else {}
        told = json.dumps(facts, sort_keys=True, ensure_ascii=False)
        return Row(pmcid, digest([key, chosen.content, told, lying]), key, stamp, told)

    def _version(self, pmcid: str, number: int) -> _Version:
        key = f"{pmcid}.{number}"
        facts: dict[str, Any] = {"pmcid": pmcid, "version": number}
        try:
            meta, content = self._metadata(key)
        except OSError as err:
            return _Version(number, facts | {"error": of_the_file(err)}, None, None)
        except Refused as err:
            return _Version(number, facts | {"error": err.message}, None, None)
        if meta is None:
            return _Version(number, facts, None, content)
        facts |= {name: _text(meta.get(written)) for name, written in _TEXTS.items()}
        facts |= {name: _flag(meta.get(written)) for name, written in _FLAGS.items()}
        urls = meta.get("media_urls")
        media = sorted({name for name, _ in _objects(key, urls)}) if isinstance(urls, list) else None
        return _Version(number, facts, media, content)

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

    def _metadata(self, key: str) -> tuple[dict[str, Any] | None, str | None]:
        """The metadata of a version, None where there are none, and the digest of the file that stands for it.

        Raises Refused for metadata that cannot be read or are of something else.
        """
        path, _ = self._deciding(key)
        if path is None or path.suffix != ".json":
            return None, file_digest(path) if path else None
        with path.open("rb") as fh:
            data = fh.read(METADATA + 1)
        return read_metadata(data, key), hashlib.sha256(data).hexdigest()


class _Version(NamedTuple):
    """One version of an article: what its metadata say, the media they name, the digest of what stands for it."""

    number: int
    facts: dict[str, Any]
    media: list[str] | None
    content: str | None


def _unfit(entry: os.DirEntry[str], source: Path, root: Path) -> str | None:
    """Why an entry that is named about like a version is none; null for versions, and for what is no folder."""
    try:
        if not entry.is_dir():
            return "the link leads nowhere" if entry.is_symlink() else None
        if not _KEY.fullmatch(entry.name):
            return "the folder is named like an article, but not PMCn.v"
        if entry.is_symlink() and not stays(source / entry.name, root):
            return "the link leads out of the source"
    except OSError as err:
        return of_the_file(err)
    return None


def read_metadata(data: bytes, key: str) -> dict[str, Any]:
    """The metadata of the version `PMC1.2`; raises Refused where they are no JSON object, too large, or another's."""
    if len(data) > METADATA:
        raise Refused(f"metadata: more than {METADATA} bytes")
    try:
        meta = json.loads(data, object_pairs_hook=_once, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as err:
        raise Refused("metadata: no JSON") from err
    if not isinstance(meta, dict):
        raise Refused("metadata: no JSON object")
    link = _IN_KEY.search(url) if isinstance(url := meta.get("xml_url"), str) else None
    pmcid = _PMCID.fullmatch(_text(meta.get("pmcid")) or (f"{link[1]}.{link[2]}" if link else ""))
    version = _WHOLE.fullmatch(_text(meta.get("version")) or (pmcid and pmcid[2]) or (link[2] if link else ""))
    if not pmcid or not version:
        raise Refused("metadata: they do not say of which article and version")
    if f"PMC{pmcid[1]}.{int(version[1])}" != key or (pmcid[2] and int(pmcid[2]) != int(version[1])):
        raise Refused("metadata: of another article or version")
    if link and f"PMC{link[1]}.{link[2]}" != key:
        raise Refused("metadata: their xml_url is of another article or version")
    return meta


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused("metadata: a key stands twice")
    return found


def _worth(version: _Version) -> tuple[int, int]:
    """Open access and published first, then an open manuscript or scan, then whatever is newest.

    Without metadata there is nothing that speaks against a version.
    """
    facts = version.facts
    is_open = "error" not in facts and facts.get("open_access", True) is True
    return is_open * (2 - bool(facts.get("manuscript") or facts.get("ocr"))), version.number


def _state(facts: Mapping[str, Any]) -> str:
    """What a version is, in a few words: `open`, `closed manuscript`, `open retracted`."""
    if "error" in facts:
        return f"unreadable, {facts['error']}"
    access = {True: "open", False: "closed"}.get(facts.get("open_access"), "untold")  # type: ignore[arg-type]
    return " ".join([access, *(flag for flag in ("manuscript", "ocr", "retracted") if facts.get(flag))])


def _text(value: Any) -> str | None:
    """A string, or a whole number as one; null for anything else and for what is too long."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int) or (isinstance(value, int) and value > _MOST):
        return None
    text = str(value).encode(errors="replace").decode().strip()
    return text if 0 < len(text) <= TEXT else None


def _flag(value: Any) -> bool | None:
    if isinstance(value, str):
        return _WORDS.get(value.strip().lower())
    return bool(value) if isinstance(value, bool | int | float) and value in (0, 1) else None


def _md5s(key: str, meta: Mapping[str, Any]) -> dict[str, str]:
    """MD5 of each object by its name in the folder; a tag such as `…-2`, of an upload in pieces, is none."""
    media = meta.get("media_urls")
    md5s: dict[str, str] = {}
    for name, md5 in _objects(key, [*(media if isinstance(media, list) else []), meta.get("xml_url")]):
        if _MD5.fullmatch(md5):
            md5s.setdefault(unquote(name), md5)
            md5s[name] = md5
    return md5s


def _objects(key: str, urls: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Name and MD5 of the objects of one version, from addresses such as `s3://…/PMC1.1/f1.jpg?md5=…`."""
    for url in urls:
        rest = url.partition(f"/{key}/")[2] if isinstance(url, str) else ""
        name, mark, query = rest.rpartition("?")
        if not mark or "=" not in query:  # the question mark is the name's own
            name, query = rest, ""
        if name:
            values = dict(part.partition("=")[::2] for part in query.split("&"))
            yield name.encode(errors="replace").decode(), values.get("md5", "").strip().lower()
