"""Table S1 of the paper: the publication types that MEDLINE gives the articles of a dataset."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from roco.evaluate.report.render import Cell, ReportTable

EXPECTED = Path(__file__).with_name("paper_s1.csv")

PAPER_TOTAL = 59_446
PAPER_WITHOUT = 187
NOTE = "the paper's rows sum up to 59,436, its total is 59,446: ten omitted types of one article would explain it"
"""A known peculiarity of Table S1 of the paper."""


@dataclass(frozen=True, kw_only=True)
class PublicationTypes:
    """How many articles have each publication type; an article counts once for each of its types.

    articles: distinct articles; without: those of them without a type. counts: articles of every type, also of types
    of one article, the most frequent first and equal counts by name.
    """

    articles: int
    without: int
    counts: Mapping[str, int]

    @property
    def shown(self) -> dict[str, int]:
        """Returns the types of two or more articles: the paper omits the others."""
        return {name: number for name, number in self.counts.items() if number > 1}

    @property
    def singletons(self) -> int:
        """Returns the number of types that only one article has."""
        return len(self.counts) - len(self.shown)

    def as_report(self) -> ReportTable:
        """Returns the table as the reports render it; shares are of the articles with types."""
        with_types = self.articles - self.without
        rows: list[tuple[Cell, ...]] = [(name, number, number / with_types) for name, number in self.shown.items()]
        left_out = f"{self.without:,} of {self.articles:,} articles without types"
        if self.singletons:
            left_out += f"; {self.singletons:,} types of one article omitted"
        title = f"Table S1. Publication types of {with_types:,} articles in MEDLINE ({left_out})"
        return ReportTable(title, ("publication type", "articles", "share"), rows)


def publication_types(pubmed: pa.Table, pmcids: Sequence[str]) -> ReportTable:
    """Returns Table S1: publication type, number and share of the articles that have it.

    pubmed: the sidecar of the release (roco.release.pubmed). pmcids: the PMCID, or article_key, of each article;
    repetitions count once. An article that the sidecar lacks counts as one without types.
    """
    return count_types(pubmed, pmcids).as_report()


def count_types(pubmed: pa.Table, pmcids: Sequence[str]) -> PublicationTypes:
    """Counts the publication types of distinct articles; see `publication_types`."""
    names_of: dict[str, set[str]] = {}
    for row in pubmed.select(["article_key", "publication_types"]).to_pylist():
        names_of[row["article_key"]] = {one["name"] for one in row["publication_types"] or () if one["name"]}
    articles = set(pmcids)
    counts: Counter[str] = Counter()
    without = 0
    for article in articles:
        names = names_of.get(article, set())
        counts.update(names)
        without += not names
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return PublicationTypes(articles=len(articles), without=without, counts=dict(ordered))


def expected() -> dict[str, int]:
    """Returns the articles of each publication type as the paper prints them for ROCOv2."""
    with EXPECTED.open(encoding="utf-8", newline="") as fh:
        return {row["type"]: int(row["articles"]) for row in csv.DictReader(fh)}
