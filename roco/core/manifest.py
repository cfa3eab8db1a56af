"""The manifest: a sum of footers, kept so that nobody has to read ten thousand of them again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from roco.base.errors import CorruptFile
from roco.base.files import read_meta, write_text
from roco.core.funnel import reconcile, total
from roco.core.layout import Layout
from roco.core.part import expected_input
from roco.core.parts import Parts
from roco.core.pipeline import Pipeline

_HEAD = '{"seal":"'
_BLANK = "0" * 64


class Manifest:
    """What is known of the parts of a run under one pipeline; anything doubtful is read from the footers again."""

    def __init__(self, pipeline: Pipeline, layout: Layout) -> None:
        self.pipeline, self.layout = pipeline, layout
        self.saved = load(layout.manifest)
        same = self.saved.get("rows_digest") == pipeline.rows_digest
        self.parts: dict[str, dict[str, Any]] = dict(self.saved.get("parts", {})) if same else {}
        self.table: list[dict[str, Any]] = []
        self.published: dict[str, Any] = self.saved.get("published", {})

    def done(self, parts: Parts, names: Iterable[str] | None = None) -> list[str]:
        """The parts whose decisions stand for the present input, in order."""
        found = sizes(self.layout.rows_folder(self.pipeline))
        names = parts.names if names is None else names
        return [name for name in names if self._is_done(name, parts, found.get(f"{name}.parquet"))]

    def _is_done(self, part: str, parts: Parts, size: list[int] | None) -> bool:
        if size is None:
            self.parts.pop(part, None)
            return False
        record = self.parts.get(part)
        if record is None or record["size"] != size:
            try:
                record = self.record(part, read_meta(self.layout.rows(self.pipeline, part)))
            except CorruptFile:
                self.parts.pop(part, None)
                return False
        return bool(record["input"] == expected_input(self.pipeline, part, parts.set_aside.get(part, [])))

    def record(self, part: str, meta: Mapping[str, Any]) -> dict[str, Any]:
        """Takes over the footer of a part."""
        stat = self.layout.rows(self.pipeline, part).stat()
        kept = {name: meta[name] for name in ("input", "content", "funnel", "counts")}
        self.parts[part] = {**kept, "size": [stat.st_size, stat.st_mtime_ns]}
        return self.parts[part]

    def save(self, parts: Parts, complete: bool = False) -> None:
        """Writes the manifest; steps as they are now, so that a later run can say what changed."""
        here = {name: record for name, record in self.parts.items() if name in parts.spans}
        value = {
            "rows_digest": self.pipeline.rows_digest,
            "steps": [s.describe() for s in self.pipeline.steps],
            "source": {"kind": self.pipeline.source.kind, **parts.summary},
            "parts": here,
            "table": self.table,
            "published": self.published,
            "complete": complete,
        }
        write_text(self.layout.manifest, sealed(value))

    def funnel(self, parts: Parts, table: Sequence[Mapping[str, Any]] | None = None) -> dict[str, Any]:
        """Rows in, kept and dropped at each stage; raises DataError when they do not add up.

        table: the stages behind the row pass, where the manifest does not hold them yet.
        """
        found = total(self.parts[n] for n in parts.names if n in self.parts)
        stages = [*found["stages"], *(self.table if table is None else table)]
        reconcile(stages, "the run")
        source = {"kind": self.pipeline.source.kind, "articles": parts.summary["articles"]}
        return {"source": source, "counts": found["counts"], "stages": stages}


def load(path: Path) -> dict[str, Any]:
    """The manifest as it was saved; empty where there is none or it is not whole."""
    try:
        text = path.read_text(encoding="utf-8")
        seal = text[len(_HEAD) : len(_HEAD) + 64]
        whole = text.replace(seal, _BLANK, 1)
        if not seal or hashlib.sha256(whole.encode()).hexdigest() != seal:
            return {}
        saved: dict[str, Any] = json.loads(text)
        return saved
    except (OSError, ValueError):
        return {}


def sealed(value: Mapping[str, Any]) -> str:
    """A manifest as text, the SHA-256 of it in its first line."""
    body = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    text = f'{_HEAD}{_BLANK}",\n{body[1:]}\n'
    return text.replace(_BLANK, hashlib.sha256(text.encode()).hexdigest(), 1)


def sizes(folder: Path) -> dict[str, list[int]]:
    """Size and time of each table in a folder; they tell whether a footer was read already."""
    try:
        with os.scandir(folder) as entries:
            found = ((e.name, e.stat()) for e in entries if e.name.endswith(".parquet") and not e.name.startswith("."))
            return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in found}
    except FileNotFoundError:
        return {}
