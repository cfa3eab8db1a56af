"""What extraction found in the articles of a run: figures, captions, licences, languages and the reasons of drops."""

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

_NOT_A_FIGURE = ("scope", "table", "video", "article", "superseded")
"""Reasons of rows that are no figure of their article, such as tables or images that no figure names."""

_TABLES = {
    "license": "licenses",
    "language": "article_languages",
    "type": "article_types",
    "retracted": "retracted_by",
    "standing": "standing",
}
"""The counts of extraction that carry a value (`language en`), and the table in which each is returned."""

_QUOTED = re.compile(r":.*|'.*|\b10\.\d.*|[^\s,]*\.\w{2,4}\b.*")
"""The part of a detail that names one figure, file or paper; without it equal reasons are counted together."""


def articles(pipeline: Pipeline, folder: Path, language: Callable[[str], str | None]) -> dict[str, Any]:
    """Summarizes what extraction found in all articles of a run; raises DataError if a part has not been read.

    Returns plain tables of counts; the last, `articles`, has one entry per article. A figure is counted as one of its
    article unless it was dropped as `scope`, `table` or the like. language: returns the language of a caption; called
    for every figure, including those without an image.
    """
    layout = Layout(folder)
    table = parts.read(layout.parts)
    if not len(table.table):
        raise DataError(f"nothing has been run in {folder} yet", "run the recipe first: roco run RECIPE")
    totals: Counter[str] = Counter()
    tables: dict[str, Counter[str]] = {name: Counter() for name in _TABLES.values()}
    figures = _Figures(language)
    for rows, meta in _extracted(pipeline, layout, table):
        for counts in meta["articles"].values():
            for name, n in counts.items():
                kind, _, value = name.partition(" ")
                if kind in _TABLES and value:
                    tables[_TABLES[kind]][value] += n
                else:
                    totals[name] += n
        for row in rows.to_pylist():
            figures.add(row)
    return {
        "totals": dict(totals),
        **figures.tables(),
        **{name: _sorted(counts) for name, counts in tables.items()},
        "articles": list(figures.articles.values()),
    }


def _extracted(pipeline: Pipeline, layout: Layout, table: parts.Parts) -> Iterator[tuple[pa.Table, Mapping[str, Any]]]:
    """The rows of each part as extraction wrote them, with the counts of its articles."""
    step = pipeline.steps[0]
    names = ["figure_id", *(c for c in _READ if c in (*step.writes, "drop", "drop_detail"))]
    for part in table.names:
        try:
            rows, meta = read_table(layout.measure(step, part), names)
        except (FileNotFoundError, CorruptFile) as err:
            raise DataError(f"part {part} has not been read yet", "finish the run first: roco run RECIPE") from err
        yield rows, meta


class _Figures:
    """Counts of figures, and one entry per article that has rows."""

    def __init__(self, language: Callable[[str], str | None]) -> None:
        self.language = language
        self.rows: Counter[tuple[str, str]] = Counter()
        self.figures: Counter[str] = Counter()
        self.captions: Counter[str] = Counter()
        self.citations: Counter[str] = Counter()
        self.languages: Counter[tuple[str, str]] = Counter()
        self.articles: dict[str, dict[str, Any]] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        reason = row["drop"]
        detail = "" if reason == "missing" else _QUOTED.sub("", row["drop_detail"] or "").strip()
        self.rows[reason or "kept", detail] += 1
        article = self._article(row)
        article["rows"] += 1
        if reason:
            article["dropped"][reason] = article["dropped"].get(reason, 0) + 1
        if reason in _NOT_A_FIGURE:
            return
        article["figures"] += 1
        article["with_image"] += reason is None
        self.figures["figures of the articles"] += 1
        self.figures["with their image"] += reason is None
        self.figures["with a credit line"] += row["credit"] is not None
        self.figures["with permissions of their own"] += row["figure_license"] is not None
        self.figures["with several images"] += (row["n_graphics"] or 0) > 1
        self.captions[row["caption_from"] or "none"] += 1
        self.citations[_strongest_citation(row)] += 1
        language = self.language(row["caption"]) if row["caption"] else None
        self.languages[row["article_language"] or "not stated", language or "no caption"] += 1

    def _article(self, row: Mapping[str, Any]) -> dict[str, Any]:
        blank = {
            "place": row["archive"],
            "pmcid": row["pmcid"],
            "doi": row["doi"],
            "rows": 0,
            "figures": 0,
            "with_image": 0,
            "dropped": {},
            "license": row["license"],
            "license_evidence": row["license_evidence"],
        }
        return self.articles.setdefault(row["archive"], blank)

    def tables(self) -> dict[str, Any]:
        return {
            "rows": [{"reason": r, "detail": d, "n": n} for (r, d), n in _by_number(self.rows)],
            "figures": dict(self.figures),
            "captions": _sorted(self.captions),
            "citations": _sorted(self.citations),
            "caption_languages": [{"article": a, "caption": c, "n": n} for (a, c), n in _by_number(self.languages)],
        }


def _strongest_citation(row: Mapping[str, Any]) -> str:
    """How the text cites a figure: by a link, else within a range, else in plain words, else not at all."""
    kinds = {mention["kind"] for mention in row["mentions_in_text"] or ()}
    for kind in ("direct", "range", "text"):
        if kind in kinds:
            return kind
    return "not cited"


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(_by_number(counts))


def _by_number(counts: Counter[Any]) -> list[tuple[Any, int]]:
    """Largest count first, then by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
