"""What reading the articles of a run found: figures, captions, licences, languages, and what left for which reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.base.errors import CorruptFile, DataError
from roco.base.files import read_table
from roco.core import parts
from roco.core.layout import Layout
from roco.core.pipeline import Pipeline

_READ = (
    "archive", "pmcid", "doi", "file", "caption", "caption_from", "credit", "figure_license", "article_language",
    "mentions_in_text", "n_graphics", "license", "license_evidence", "drop", "drop_detail",
)  # fmt: skip
_NOT_OWN = ("scope", "table", "video", "article", "superseded")
_KINDS = ("license", "language", "type", "retracted", "standing")
_TOLD = re.compile(r":.*|'.*|\b10\.\d.*|[^\s,]*\.\w{2,4}\b.*")


def reading(pipeline: Pipeline, folder: Path, language: Callable[[str], str | None]) -> dict[str, Any]:
    """Counts over all articles that were read, as a plain dict of tables; the last, `articles`, has a row for each.

    Figures are those of the articles themselves: what left as `scope` or `table` is none. language: tells the
    language of a caption; it is asked for all figures, those whose image is missing too.
    """
    layout = Layout(folder)
    table = parts.read(layout.parts)
    if not len(table.table):
        raise DataError(f"nothing has been run in {folder} yet", "roco run, with the same recipe, begins it")
    totals: Counter[str] = Counter()
    known: dict[str, Counter[str]] = {kind: Counter() for kind in _KINDS}
    count = _Figures(language)
    for rows, meta in _tables(pipeline, layout, table):
        for counts in meta["articles"].values():
            for name, n in counts.items():
                kind, _, value = name.partition(" ")
                (known[kind] if kind in known and value else totals).update({value if kind in known else name: n})
        for row in rows.to_pylist():
            count.add(row)
    return {"totals": dict(totals), **count.tables(), **{f"{k}s": _sorted(c) for k, c in known.items()},
            "articles": list(count.articles.values())}  # fmt: skip


def _tables(pipeline: Pipeline, layout: Layout, table: parts.Parts) -> Iterator[tuple[pa.Table, Mapping[str, Any]]]:
    step = pipeline.steps[0]
    names = ["figure_id", *(c for c in _READ if c in (*step.writes, "drop", "drop_detail"))]
    for part in table.names:
        try:
            rows, meta = read_table(layout.measure(step, part), names)
        except (FileNotFoundError, CorruptFile) as err:
            raise DataError(f"part {part} has not been read yet", "roco run, with the same recipe, goes on") from err
        yield rows, meta


class _Figures:
    """Counts of figures, and a line for each article that has rows."""

    def __init__(self, language: Callable[[str], str | None]) -> None:
        self.language = language
        self.rows: Counter[tuple[str, str]] = Counter()
        self.own: Counter[str] = Counter()
        self.captions: Counter[str] = Counter()
        self.cited: Counter[str] = Counter()
        self.licenses: Counter[str] = Counter()
        self.languages: Counter[tuple[str, str]] = Counter()
        self.articles: dict[str, dict[str, Any]] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        reason = row["drop"]
        self.rows[reason or "in", _TOLD.sub("", row["drop_detail"] or "").strip() if reason != "missing" else ""] += 1
        line = self._line(row)
        line["rows"] += 1
        if reason:
            line["left"][reason] = line["left"].get(reason, 0) + 1
        if reason in _NOT_OWN:
            return
        line["figures"] += 1
        line["matched"] += reason is None
        self.own["figures of the articles"] += 1
        self.own["with their image"] += reason is None
        self.own["with a credit line"] += row["credit"] is not None
        self.own["with permissions of their own"] += row["figure_license"] is not None
        self.own["of several images in one figure"] += (row["n_graphics"] or 0) > 1
        self.captions[row["caption_from"] or "none"] += 1
        kinds = {m["kind"] for m in row["mentions_in_text"] or ()}
        self.cited["not cited" if not kinds else next(k for k in ("direct", "range", "text") if k in kinds)] += 1
        language = self.language(row["caption"]) if row["caption"] else None
        self.languages[row["article_language"] or "not told", language or "no caption"] += 1

    def _line(self, row: Mapping[str, Any]) -> dict[str, Any]:
        blank = {"place": row["archive"], "pmcid": row["pmcid"], "doi": row["doi"], "rows": 0, "figures": 0,
                 "matched": 0, "left": {}, "license": row["license"], "found": row["license_evidence"]}  # fmt: skip
        return self.articles.setdefault(row["archive"], blank)

    def tables(self) -> dict[str, Any]:
        return {
            "rows": [{"left": r, "detail": d, "n": n} for (r, d), n in _by_number(self.rows)],
            "figures": dict(self.own),
            "captions": _sorted(self.captions),
            "cited": _sorted(self.cited),
            "caption_languages": [{"article": a, "caption": c, "n": n} for (a, c), n in _by_number(self.languages)],
        }


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(_by_number(counts))


def _by_number(counts: Counter[Any]) -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
