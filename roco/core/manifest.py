"""The manifest of a run: `manifest.json`, with its steps, its source and the flows of its table stages.

What the footers of the parts contain is in `records/`; `Manifest` decides from them which parts are done.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from roco.base.errors import CorruptFile
from roco.base.files import write_text
from roco.base.json_text import parse_json
from roco.base.sealed_tables import read_meta
from roco.core.folder import RunFolder
from roco.core.funnel import Flow, reconcile
from roco.core.job import PartRecord, input_digest
from roco.core.parts import Parts
from roco.core.records import Known, Records, Stamp

_HEAD = '{"seal":"'
_BLANK = "0" * 64


class Manifest:
    """The records of the parts of a run; those that may be out of date are read from the footers again.

    table: the flows of the table stages. is_complete: whether the last run, with the same row stages, was
    complete.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        saved = load(folder.manifest)
        same_rows = saved.get("rows_digest") == folder.pipeline.rows_digest
        self.records = records_of(folder, folder.pipeline.rows_digest, saved if same_rows else {})
        self.table: list[Flow] = []
        self.is_complete = same_rows and bool(saved.get("complete"))

    def done(self, parts: Parts, names: Iterable[str] | None = None) -> list[str]:
        """Returns the parts whose decisions are valid for the current input and whose measures exist, in order."""
        files = stamps(self.folder.row_decisions_folder)
        for folder in self.folder.measure_folders:
            measured = _file_names(folder)
            files = {name: stamp for name, stamp in files.items() if name in measured}
        names = parts.names if names is None else names
        return [name for name in names if self._is_done(name, parts, files.get(f"{name}.parquet"))]

    def _is_done(self, part: str, parts: Parts, stamp: Stamp | None) -> bool:
        known = self.records.get(part)
        if stamp is None:
            self.records.remove(part)
            return False
        if known is None or known.stamp != stamp:
            try:
                record = PartRecord.of_json(read_meta(self.folder.row_decisions(part)))
            except CorruptFile:
                self.records.remove(part)
                return False
            known = self.record(part, record, parts)
        unlisted = parts.unlisted.get(part, [])
        return known.input == input_digest(self.folder.pipeline.rows_digest, part, unlisted)

    def record(self, part: str, record: PartRecord, parts: Parts) -> Known:
        """Adds the record of a part whose file has been written."""
        stat = self.folder.row_decisions(part).stat()
        return self.records.put(part, record, (stat.st_size, stat.st_mtime_ns), parts.spans[part][1])

    def contents(self, names: Iterable[str]) -> list[str]:
        """Returns the digests of the contents of parts that are done."""
        return [known.content for name in names if (known := self.records.get(name)) is not None]

    def save(self, parts: Parts, complete: bool = False) -> None:
        """Writes the manifest, with the current steps, so that a later run can report what changed."""
        pipeline = self.folder.pipeline
        if complete:
            self.records.compact(parts.names)
        self.records.save()
        value = {
            "rows_digest": pipeline.rows_digest,
            "steps": [step.describe() for step in pipeline.steps],
            "source": {"kind": pipeline.source.kind, **parts.summary},
            "table": [flow.to_json() for flow in self.table],
            "complete": complete,
        }
        write_text(self.folder.manifest, sealed(value))

    def funnel(self, parts: Parts, table: Sequence[Flow] | None = None) -> dict[str, Any]:
        """Returns rows in, kept and dropped at each stage; raises DataError if they do not add up.

        table: the flows of the table stages, if the manifest does not contain them yet.
        """
        of_parts, counts = self.records.totals(parts.names)
        flows = [*of_parts, *(self.table if table is None else table)]
        reconcile(flows, "the run")
        source = {"kind": self.folder.pipeline.source.kind, "articles": parts.summary["articles"]}
        return {"source": source, "counts": counts, "stages": [flow.to_json() for flow in flows]}


def records_of(folder: RunFolder, rows_digest: str, saved: Mapping[str, Any]) -> Records:
    """Returns the stored records of the parts for some row stages.

    saved: a manifest for these stages; that of an older version of roco contains the records itself.
    """
    records = Records(folder.records_folder(rows_digest), rows_digest, folder.rows_folder(rows_digest))
    for part, value in saved.get("parts", {}).items():
        if records.get(part) is None:
            records.put(part, PartRecord.of_json(value), tuple(value["size"]), None)
    return records


def load(path: Path) -> dict[str, Any]:
    """Reads a manifest; returns an empty one if the file is missing or corrupt."""
    try:
        text = path.read_text(encoding="utf-8")
        seal = text[len(_HEAD) : len(_HEAD) + 64]
        whole = text.replace(seal, _BLANK, 1)
        if not seal or hashlib.sha256(whole.encode()).hexdigest() != seal:
            return {}
        saved: dict[str, Any] = parse_json(text)
        return saved
    except (OSError, ValueError):
        return {}


def sealed(value: Mapping[str, Any]) -> str:
    """Returns a manifest as text, with its SHA-256 in the first line."""
    body = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    text = f'{_HEAD}{_BLANK}",\n{body[1:]}\n'
    return text.replace(_BLANK, hashlib.sha256(text.encode()).hexdigest(), 1)


def _file_names(folder: Path) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries)
    except FileNotFoundError:
        return frozenset()


def stamps(folder: Path) -> dict[str, Stamp]:
    """Returns the stamp of each table in a folder, by file name."""
    by_name: dict[str, Stamp] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".parquet") and not entry.name.startswith("."):
                    stat = entry.stat()
                    by_name[entry.name] = (stat.st_size, stat.st_mtime_ns)
    except FileNotFoundError:
        return {}
    return by_name
