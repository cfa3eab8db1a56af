"""The articles of a release, and the ids by which MEDLINE knows them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from roco.base.errors import DataError
from roco.base.ids import clean_pmcid, clean_pmid
from roco.release.format import FIGURES
from roco.release.read import Release


class Article(NamedTuple):
    """One article. key: its article_key. pmcid, pmid: normalised; None if the release has none."""

    key: str
    pmcid: str | None
    pmid: str | None


def release_of(path: Path) -> Path:
    """Returns the folder of a release, or the release of a run folder; raises DataError if it is neither."""
    inner = path / "release"
    has_own = (path / FIGURES).is_file()
    folder = inner if not has_own and (inner / FIGURES).is_file() else path
    with Release.open(folder) as release:
        return release.path


def articles_of(folder: Path) -> list[Article]:
    """Returns the articles of a release in the order of their keys; raises DataError if none has a PMID or PMCID.

    The PMID is that of figures.parquet, as the article or the metadata of PMC state it. The published ROCOv2 contains
    PMCIDs only.
    """
    with Release.open(folder) as release:
        known = [name for name in ("article_key", "pmcid", "pmid") if name in release.columns]
        rows = release.table(columns=known).to_pylist()
    articles: dict[str, Article] = {}
    for row in rows:
        key = row["article_key"] or ""
        pmcid = clean_pmcid(row.get("pmcid") or (key if key.startswith("PMC") else None))[0]
        pmid = clean_pmid(row.get("pmid"))
        before = articles.get(key)
        if before is not None:
            pmcid, pmid = before.pmcid or pmcid, before.pmid or pmid
        articles[key] = Article(key, pmcid, pmid)
    if not any(article.pmcid or article.pmid for article in articles.values()):
        hint = "only articles of PubMed or PubMed Central have publication types and MeSH headings"
        raise DataError(f"no article of {folder} has a PubMed id or PMCID", hint)
    return [articles[key] for key in sorted(articles)]
