"""Articles in the layout of PMC's cloud bucket: a folder `PMCn.v` with XML, metadata and loose media."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa

from roco.archive import shown
from roco.errors import DataError, Refused
from roco.files import digest
from roco.schema import LISTING

FOLDER = re.compile(r"(PMC\d+)\.(\d+)")
JSON_LIMIT = 8 << 20
FILE_LIMIT = 200 << 20
XML_LIMIT = 64 << 20


@dataclass(frozen=True, kw_only=True)
class CloudSource:
    """A folder that holds `PMCn.v/PMCn.v.xml` with `PMCn.v.json` beside it or in `metadata/`.

    Of several versions the newest that is open access stands for the article.
    """

    path: Path
    kind: ClassVar[str] = "cloud"

    def listing(self, known: pa.Table | None) -> pa.Table:
        if not self.path.is_dir():
            raise DataError(f"there is no folder {self.path}", "see path in [source]; it is relative to the recipe")
        versions: dict[str, list[int]] = {}
        with os.scandir(self.path) as entries:
            for entry in entries:
                if (match := FOLDER.fullmatch(entry.name)) and entry.is_dir():
                    versions.setdefault(match[1], []).append(int(match[2]))
        old = {} if known is None else {(r["place"], r["stamp"]): r for r in known.to_pylist()}
        rows = [self._row(article, sorted(found, reverse=True), old) for article, found in sorted(versions.items())]
        return pa.Table.from_pylist(rows, schema=LISTING)

    def open(self, place: str) -> CloudPackage:
        folder = self.path / place
        meta = self._metadata(place)
        if "error" in meta:
            raise Refused(meta["error"])
        with os.scandir(folder) as entries:
            sizes = {e.name: e.stat().st_size for e in entries if e.is_file(follow_symlinks=False)}
        return CloudPackage(folder, sizes, _md5s(meta))

    def _row(self, article: str, versions: Sequence[int], old: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
        newest = None
        for version in versions:
            place = f"{article}.{version}"
            stamp = self._stamp(place)
            row = old.get((place, stamp))
            if row is None:
                meta = self._metadata(place)
                facts = _facts(meta, article, version)
                said = json.dumps(facts, sort_keys=True, ensure_ascii=False)
                row = {"article": article, "place": place, "stamp": stamp, "facts": said, "digest": self._digest(place, meta, said)}
            newest = newest or row
            if _is_open(json.loads(row["facts"])):
                return row
        assert newest is not None
        return newest

    def _json(self, place: str) -> Path | None:
        beside, apart = self.path / place / f"{place}.json", self.path / "metadata" / f"{place}.json"
        return next((p for p in (beside, apart) if p.is_file()), None)

    def _stamp(self, place: str) -> str:
        found = [(self.path / place).stat(), *(p.stat() for p in [self._json(place)] if p)]
        return ":".join(str(stat.st_mtime_ns) for stat in found)

    def _metadata(self, place: str) -> dict[str, Any]:
        """The metadata of a version; empty where there is none, with `error` where it cannot be used."""
        path = self._json(place)
        if path is None:
            return {}
        try:
            if path.stat().st_size > JSON_LIMIT:
                return {"error": f"metadata: more than {JSON_LIMIT} bytes"}
            meta = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            return {"error": "metadata: not JSON"}
        if not isinstance(meta, dict):
            return {"error": "metadata: not an object"}
        says = f"{meta.get('pmcid')}.{meta.get('version')}"
        if says != place:
            return {"error": f"metadata: speaks of {shown(says)}, not of {place}"}
        return meta

    def _digest(self, place: str, meta: Mapping[str, Any], facts: str) -> str:
        with os.scandir(self.path / place) as entries:
            files = sorted((e.name, e.stat().st_size) for e in entries)
        path = self._json(place)
        seen: list[Any] = [facts, files]
        if path is not None and "error" not in meta:
            seen.append(hashlib.sha256(path.read_bytes()).hexdigest())
        xml = self.path / place / f"{place}.xml"
        if path is None and xml.is_file():
            seen.append(hashlib.sha256(xml.read_bytes()).hexdigest())
        return digest(seen)


@dataclass(frozen=True)
class CloudPackage:
    """The files of one article version; each is checked against the MD5 that the metadata give for it."""

    folder: Path
    sizes: Mapping[str, int]
    md5s: Mapping[str, str] = field(default_factory=dict)

    @property
    def xmls(self) -> Sequence[str]:
        name = f"{self.folder.name}.xml"
        return [name] if name in self.sizes else []

    @property
    def files(self) -> Sequence[tuple[str, int]]:
        return sorted(self.sizes.items())

    def read(self, name: str) -> bytes:
        if name not in self.sizes:
            raise Refused(f"no {shown(name)} in {self.folder.name}")
        if self.sizes[name] > (XML_LIMIT if name.endswith(".xml") else FILE_LIMIT):
            raise Refused(f"{shown(name)} is too large: {self.sizes[name]} bytes")
        try:
            data = (self.folder / name).read_bytes()
        except FileNotFoundError as err:
            raise Refused(f"{shown(name)} is gone") from err
        wanted = self.md5s.get(name)
        if wanted and hashlib.md5(data, usedforsecurity=False).hexdigest() != wanted:
            raise Refused(f"md5 of {shown(name)} is not what the metadata say")
        return data

    def close(self) -> None: ...


def _facts(meta: Mapping[str, Any], article: str, version: int) -> dict[str, Any]:
    if "error" in meta:
        return {"pmcid": article, "version": version, "error": meta["error"]}
    facts = {
        "pmcid": article,
        "version": version,
        "pmid": _text(meta.get("pmid")),
        "doi": _text(meta.get("doi")),
        "title": _text(meta.get("title")),
        "license": _text(meta.get("license_code")),
        "retracted": _truth(meta.get("is_retracted")),
        "open_access": _truth(meta.get("is_pmc_openaccess")),
        "manuscript": _truth(meta.get("is_manuscript")),
        "ocr": _truth(meta.get("is_historical_ocr")),
    }
    return {k: v for k, v in facts.items() if v is not None}


def _is_open(facts: Mapping[str, Any]) -> bool:
    barred = "error" in facts or facts.get("manuscript") or facts.get("ocr")
    return bool(facts.get("open_access", True)) and not barred


def _truth(value: Any) -> bool | None:
    return {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _md5s(meta: Mapping[str, Any]) -> dict[str, str]:
    """File name to MD5, from the query of the bucket addresses."""
    urls = [meta.get("xml_url"), *(meta.get("media_urls") or [])]
    found = {}
    for url in urls:
        if isinstance(url, str):
            parts = urlsplit(url)
            found[parts.path.rpartition("/")[2]] = parse_qs(parts.query).get("md5", [""])[0]
    return {name: md5 for name, md5 in found.items() if md5}
