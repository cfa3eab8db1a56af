"""Packages in the layout of the paper: `oa_package/xx/yy/PMCn.tar.gz`, with or without NLM's file list."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from roco.archive import Archive, open_tar_gz
from roco.errors import DataError
from roco.schema import LISTING

NAME = re.compile(r"(PMC\d+)\.tar\.gz", re.IGNORECASE)
INDEX = "oa_file_list.csv"
COLUMNS = ("File", "Article Citation", "Accession ID", "Last Updated", "PMID", "License", "Retracted")
"""The file list of NLM; a list without a header has them in this order."""


@dataclass(frozen=True, kw_only=True)
class PackageSource:
    """A folder that holds PMCn.tar.gz at any depth.

    index: NLM's `oa_file_list.csv` (or `.txt`); the one at the root is used where none is named.
    """

    path: Path
    index: Path | None = None
    kind: ClassVar[str] = "package"

    def listing(self, known: pa.Table | None) -> pa.Table:
        if not self.path.is_dir():
            raise DataError(f"there is no folder {self.path}", "see path in [source]; it is relative to the recipe")
        found = _packages(self.path)
        facts = self._facts(found)
        old = {} if known is None else {row["article"]: row for row in known.to_pylist()}
        rows = []
        for article in sorted(found):
            place, stamp = _one(found[article], facts.get(article, {}).get("file"))
            said = json.dumps({k: v for k, v in facts.get(article, {}).items() if k != "file"}, sort_keys=True)
            row = {"article": article, "place": place, "stamp": stamp, "facts": said}
            before = old.get(article)
            if before is not None and all(before[k] == row[k] for k in row):
                row["digest"] = before["digest"]
            else:
                row["digest"] = _digest(self.path / place, said)
            rows.append(row)
        return pa.Table.from_pylist(rows, schema=LISTING)

    def open(self, place: str) -> Archive:
        return open_tar_gz(self.path / place)

    def _facts(self, found: dict[str, list[tuple[str, str]]]) -> dict[str, dict[str, Any]]:
        """What the list says of the packages that are there; a named list that is not there is an error."""
        index = self.index or self.path / INDEX
        if not index.exists():
            if self.index is None:
                return {}
            raise DataError(f"there is no file list {index}", "see index in [source]")
        return {row["article"]: row["facts"] for row in _rows(index) if row["article"] in found}


def _packages(root: Path) -> dict[str, list[tuple[str, str]]]:
    """Place and stamp of each package by PMCID."""
    found: dict[str, list[tuple[str, str]]] = {}
    folders = [root]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                elif match := NAME.fullmatch(entry.name):
                    stat = entry.stat()
                    place = Path(entry.path).relative_to(root).as_posix()
                    found.setdefault(match[1].upper(), []).append((place, f"{stat.st_size}:{stat.st_mtime_ns}"))
    return found


def _one(places: list[tuple[str, str]], listed: str | None) -> tuple[str, str]:
    """Of several packages of one article the one that the list names, else the last by path."""
    places = sorted(places)
    return next((p for p in places if listed and p[0].endswith(listed)), places[-1])


def _digest(path: Path, facts: str) -> str:
    """Size, gzip header and gzip trailer, which holds CRC and length: they change with the content."""
    size = path.stat().st_size
    with path.open("rb") as fh:
        head = fh.read(10)
        fh.seek(max(0, size - 8))
        tail = fh.read(8)
    return hashlib.sha256(f"{size}\n{facts}\n".encode() + head + tail).hexdigest()


def _rows(index: Path) -> Iterator[dict[str, Any]]:
    with index.open(newline="", encoding="utf-8-sig", errors="replace") as fh:
        tabs = index.suffix == ".txt"
        if tabs:
            fh.readline()  # a time stamp
        names: tuple[str, ...] = COLUMNS if not tabs else ("File", "Article Citation", "Accession ID", "PMID", "License")
        for row in csv.reader(fh, delimiter="\t" if tabs else ","):
            if row and row[0].strip() == "File":
                names = tuple(_column(name) for name in row)
                continue
            values = dict(zip(names, (v.strip() for v in row), strict=False))
            if values.get("Accession ID"):
                yield {"article": values["Accession ID"].upper(), "facts": _known(values)}


def _column(name: str) -> str:
    name = name.strip()
    return next((known for known in COLUMNS if name.startswith(known)), {"AccessionID": "Accession ID"}.get(name, name))


def _known(values: dict[str, str]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "file": values.get("File"),
        "license": values.get("License"),
        "pmid": (values.get("PMID") or "").removeprefix("PMID:"),
        "citation": values.get("Article Citation"),
        "updated": values.get("Last Updated"),
    }
    if values.get("Retracted"):
        facts["retracted"] = values["Retracted"].lower() in ("yes", "y", "true", "1")
    return {k: v for k, v in facts.items() if v not in (None, "")}
