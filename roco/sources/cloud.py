"""The layout of PMC's cloud bucket: a folder for each version of an article, with XML, metadata and media."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from roco.errors import DataError, Refused
from roco.files import digest, file_digest
from roco.sources.folder import Loose, Row, as_listing, demand_folder, gathered, listed, rows_by_article

METADATA = 8 << 20
"""Bytes of metadata that are read at most; what is published has a few thousand."""

_KEY = re.compile(r"(PMC[1-9][0-9]{0,14})\.(0|[1-9][0-9]{0,5})")
_MD5 = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)


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

        facts: pmcid, version, pmid, doi, title, license, open_access, manuscript, ocr, retracted; or error.
        """
        with listed(self.path):
            return self._listing(known)

    def _listing(self, known: pa.Table | None) -> pa.Table:
        before = rows_by_article(known)
        rows = []
        for pmcid, versions in self._versions().items():
            stamp = " ".join(self._stamp(f"{pmcid}.{version}") for version in versions)
            last = before.get(pmcid)
            rows.append(last if last is not None and last.stamp == stamp else self._row(pmcid, versions, stamp))
        if not rows:
            raise DataError(f"there is no folder PMCn.v in {self.path}", "is it a source of another kind?")
        return as_listing(rows)

    def open(self, place: str) -> Loose:
        """One version's folder; raises Refused when it is gone or its metadata are not its own."""
        demand_folder(self.path)
        if not _KEY.fullmatch(place):
            raise Refused(f"{place!r} is no version of an article")
        folder = self.path / place
        if not folder.is_dir():
            raise Refused("the folder is gone")
        meta = self._metadata(place)
        return Loose(gathered(folder, self.path.resolve()), [f"{place}.xml"], _md5s(place, meta or {}))

    def _versions(self) -> dict[str, list[int]]:
        """Versions of each article there is, the newest first."""
        found: dict[str, list[int]] = defaultdict(list)
        with os.scandir(self.path) as entries:
            for entry in entries:
                if (key := _KEY.fullmatch(entry.name)) and entry.is_dir():
                    found[key[1]].append(int(key[2]))
        return {pmcid: sorted(versions, reverse=True) for pmcid, versions in found.items()}

    def _stamp(self, key: str) -> str:
        # A file that is put in place changes its folder's time; what is written over in place is the rare case.
        deciding = self._metadata_path(key) or self.path / key / f"{key}.xml"
        seen = f"{deciding.stat().st_size}:{deciding.stat().st_mtime_ns}" if deciding.exists() else "-"
        return f"{key}:{(self.path / key).stat().st_mtime_ns}:{seen}"

    def _row(self, pmcid: str, versions: list[int], stamp: str) -> Row:
        facts: dict[int, dict[str, Any]] = {}
        chosen = versions[0]
        for version in versions:
            facts[version] = self._facts(pmcid, version)
            if _is_open_access(facts[version]):
                chosen = version
                break
        key = f"{pmcid}.{chosen}"
        told = json.dumps(facts[chosen], sort_keys=True, ensure_ascii=False)
        return Row(pmcid, self._digest(key), key, stamp, told)

    def _digest(self, key: str) -> str:
        deciding = self._metadata_path(key) or self.path / key / f"{key}.xml"
        lying = sorted((f.name, f.size) for f in gathered(self.path / key, self.path.resolve()))
        return digest([key, file_digest(deciding) if deciding.is_file() else None, lying])

    def _facts(self, pmcid: str, version: int) -> dict[str, Any]:
        try:
            meta = self._metadata(f"{pmcid}.{version}")
        except Refused as err:
            return {"error": err.message}
        return {"pmcid": pmcid, "version": version, **({} if meta is None else _told(meta))}

    def _metadata_path(self, key: str) -> Path | None:
        places = (self.path / key / f"{key}.json", self.path / "metadata" / f"{key}.json")
        return next((path for path in places if path.is_file()), None)

    def _metadata(self, key: str) -> dict[str, Any] | None:
        """The metadata of a version, None where there are none; raises Refused for those of something else."""
        path = self._metadata_path(key)
        if path is None:
            return None
        with path.open("rb") as fh:
            data = fh.read(METADATA + 1)
        if len(data) > METADATA:
            raise Refused(f"metadata: more than {METADATA} bytes")
        try:
            meta = json.loads(data)
        except (ValueError, RecursionError) as err:
            raise Refused("metadata: no JSON") from err
        if not isinstance(meta, dict):
            raise Refused("metadata: no JSON object")
        if f"{meta.get('pmcid')}.{meta.get('version')}" != key:
            raise Refused("metadata: of another article or version")
        return meta


def _told(meta: Mapping[str, Any]) -> dict[str, Any]:
    texts = {"pmid": "pmid", "doi": "doi", "title": "title", "license": "license_code"}
    flags = {
        "open_access": "is_pmc_openaccess",
        "manuscript": "is_manuscript",
        "ocr": "is_historical_ocr",
        "retracted": "is_retracted",
    }
    return {name: _text(meta.get(key)) for name, key in texts.items()} | {
        name: _flag(meta.get(key)) for name, key in flags.items()
    }


def _is_open_access(facts: Mapping[str, Any]) -> bool:
    """Whether a version is of the open access subset; without metadata there is nothing that speaks against it."""
    if "error" in facts:
        return False
    return facts.get("open_access", True) is True and not facts.get("manuscript") and not facts.get("ocr")


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).encode(errors="replace").decode().strip() or None


def _flag(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _md5s(key: str, meta: Mapping[str, Any]) -> dict[str, str]:
    """MD5 of each object by its name in the folder, from addresses such as `s3://…/PMC1.1/f1.jpg?md5=…`."""
    return dict(_md5_pairs(key, meta))


def _md5_pairs(key: str, meta: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    media = meta.get("media_urls")
    for url in [meta.get("xml_url"), *(media if isinstance(media, list) else [])]:
        address, _, md5 = url.rpartition("?md5=") if isinstance(url, str) else ("", "", "")
        if f"/{key}/" in address and _MD5.fullmatch(md5):
            yield address.partition(f"/{key}/")[2], md5.lower()
