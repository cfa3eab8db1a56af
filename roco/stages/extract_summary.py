"""Counts what extraction read: figures, captions, licences, languages, reasons."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypedDict

import pyarrow as pa

from roco.base.errors import CorruptFile, DataError
from roco.base.progress import NullProgress, Progress
from roco.base.schema import NOT_READ, OTHER_XML
from roco.base.sealed_tables import read_table
from roco.core import parts
from roco.core.run import Run

_READ = (
    "archive", "pmcid", "doi", "file", "caption", "caption_from", "credit", "figure_license", "article_language",
    "mentions_in_text", "n_graphics", "license", "license_evidence", "drop", "drop_detail",
)  # fmt: skip

_NOT_A_FIGURE = ("scope", "table", "video", "article", "superseded")
"""Reasons of rows that are not a figure of their article, such as tables or images that no figure references."""

_KINDS = ("license", "language", "type", "retracted", "standing")
"""Kinds of properties of articles that extraction counts by value, such as `language en`."""

_QUOTED = re.compile(r":.*|'.*|\b10\.\d.*|[^\s,]*\.\w{2,4}\b.*")
"""The part of a detail that names one figure, file or paper; without it equal reasons are counted together."""


class ArticleSummary(TypedDict):
    """What extraction read in one article; dropped: number of rows by reason."""

    place: str
    pmcid: str | None
    doi: str | None
    rows: int
    figures: int
    with_image: int
    dropped: dict[str, int]
    license: str | None
    license_evidence: str | None


class RowCount(TypedDict):
    """How many rows were kept, or dropped with the same reason and detail."""

    reason: str
    detail: str
    n: int


class LanguageCount(TypedDict):
    """How many captions in a language belong to articles in a language."""

    article: str
    caption: str
    n: int


class UnreadFile(TypedDict):
    """A file of the source that is not read, and why."""

    place: str
    reason: str


class Summary(TypedDict):
    """What extraction read in all articles of a run: tables of counts, and one entry per article.

    other_xml: the XML files that contain no article, or the packages with such files; not_read: files of other formats.
    """

    totals: dict[str, int]
    rows: list[RowCount]
    figures: dict[str, int]
    captions: dict[str, int]
    citations: dict[str, int]
    caption_languages: list[LanguageCount]
    licenses: dict[str, int]
    article_languages: dict[str, int]
    article_types: dict[str, int]
    retracted_by: dict[str, int]
    standing: dict[str, int]
    other_xml: list[str]
    not_read: list[UnreadFile]
    articles: list[ArticleSummary]


def articles(run: Run, language: Callable[[str], str | None], progress: Progress | None = None) -> Summary:
    """Counts what extraction read in all articles of a run; raises DataError if a part has not been read.

    Rows dropped as `scope`, `table` or similar are not counted as figures of their article. language: returns the
    language of a caption; called for every figure, including those without an image.
    """
    table = parts.read(run.files.parts)
    if not len(table.table):
        raise DataError(f"nothing has been run in {run.files.root} yet", "run the recipe first: roco run RECIPE")
    totals: Counter[str] = Counter()
    by_value: dict[str, Counter[str]] = {kind: Counter() for kind in _KINDS}
    figures = _Figures(language)
    other_xml: dict[str, None] = {}
    not_read: dict[str, str] = {}
    progress = progress or NullProgress()
    progress.start("articles", len(table.table))
    for rows, meta in _extracted(run, table):
        progress.advance(len(meta["articles"]))
        for place, counts in meta["articles"].items():
            if counts.get(OTHER_XML):
                other_xml[place] = None
            for name, n in counts.items():
                kind, _, value = name.partition(" ")
                if kind == NOT_READ:
                    not_read[place] = value
                elif kind in by_value and value:
                    by_value[kind][value] += n
                else:
                    totals[name] += n
        for row in rows.to_pylist():
            figures.add(row)
    return Summary(
        totals=dict(totals),
        rows=[RowCount(reason=reason, detail=detail, n=n) for (reason, detail), n in _by_number(figures.rows)],
        figures=dict(figures.figures),
        captions=_sorted(figures.captions),
        citations=_sorted(figures.citations),
        caption_languages=[
            LanguageCount(article=article, caption=caption, n=n)
            for (article, caption), n in _by_number(figures.languages)
        ],
        licenses=_sorted(by_value["license"]),
        article_languages=_sorted(by_value["language"]),
        article_types=_sorted(by_value["type"]),
        retracted_by=_sorted(by_value["retracted"]),
        standing=_sorted(by_value["standing"]),
        other_xml=sorted(other_xml),
        not_read=[UnreadFile(place=place, reason=reason) for place, reason in sorted(not_read.items())],
        articles=list(figures.articles.values()),
    )


def _extracted(run: Run, table: parts.Parts) -> Iterator[tuple[pa.Table, Mapping[str, Any]]]:
    """Yields the rows of each part as extraction wrote them, with the counts of its articles."""
    step = run.pipeline.steps[0]
    names = ["figure_id", *(c for c in _READ if c in (*step.writes, "drop", "drop_detail"))]
    for part in table.names:
        try:
            rows, meta = read_table(run.files.measure_file(step, part), names)
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
        self.articles: dict[str, ArticleSummary] = {}
        self.files: set[tuple[str, str]] = set()

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
        file = row["archive"], row["file"] or ""
        self.figures["with the file of another figure"] += reason is None and file in self.files
        self.files.add(file)
        self.captions[row["caption_from"] or "none"] += 1
        self.citations[_strongest_citation(row)] += 1
        language = self.language(row["caption"]) if row["caption"] else None
        self.languages[row["article_language"] or "not stated", language or "no caption"] += 1

    def _article(self, row: Mapping[str, Any]) -> ArticleSummary:
        blank = ArticleSummary(
            place=row["archive"],
            pmcid=row["pmcid"],
            doi=row["doi"],
            rows=0,
            figures=0,
            with_image=0,
            dropped={},
            license=row["license"],
            license_evidence=row["license_evidence"],
        )
        return self.articles.setdefault(row["archive"], blank)


def _strongest_citation(row: Mapping[str, Any]) -> str:
    """Returns how the text cites a figure: by a link, in a range of links, in plain words, or not at all."""
    kinds = {mention["kind"] for mention in row["mentions_in_text"] or ()}
    for kind in ("direct", "range", "text"):
        if kind in kinds:
            return kind
    return "not cited"


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(_by_number(counts))


def _by_number(counts: Counter[Any]) -> list[tuple[Any, int]]:
    """Returns the counts, largest first, then by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
