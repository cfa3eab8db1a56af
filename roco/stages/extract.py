"""Turns articles into figures: one row for each image that an article names or that its package holds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from roco.base.errors import RejectedInput
from roco.base.schema import ARTICLES, types
from roco.core.stage import Measure
from roco.sources.jats.article import Article
from roco.sources.jats.figures import Figure
from roco.sources.matching import Images
from roco.stages.extract_dataset import dataset_rows
from roco.stages.extract_rows import (
    COLUMNS,
    Row,
    Unit,
    common,
    figures,
    known,
    notice,
    read,
    suffix_of,
    unnamed,
    unreadable,
)


@dataclass(frozen=True, kw_only=True)
class Extract(Measure):
    """Reads each article's XML into its figures, with what the index and the package say beside it.

    Metadata of the table, `roco.counts`, holds for each place: articles, articles_unreadable,
    articles_without_figures, images_in_packages, renditions, images_unread. images_in_packages = renditions +
    distinct files of the rows; the images of a package whose XML cannot be read are images_unread instead. What is
    known of articles is counted there too, for most of them have no figure: `license CC-BY | stated | href`,
    `language en`, `type case-report`, `retracted title`, `standing notice of retraction`.
    """

    reads = tuple(ARTICLES.names)
    writes = types(*COLUMNS)
    reasons = ("missing", "no_graphic", "video", "table", "scope", "article")
    scope = "article"
    version = 3

    def __call__(self, batch: pa.Table) -> pa.Table:
        packages: dict[str, list[Unit]] = {}
        for unit in _units(batch):
            packages.setdefault(unit.place, []).append(unit)
        rows: list[Row] = []
        counts: dict[str, dict[str, int]] = {}
        for place, units in packages.items():
            found, counts[place] = _dataset(units[0]) if units[0].origin == "release" else _package(units)
            rows += found
        schema = pa.schema(list(self.writes.items()), metadata={"roco.counts": json.dumps(counts, sort_keys=True)})
        return pa.table({n: pa.array([r[n] for r in rows], t) for n, t in self.writes.items()}, schema=schema)


def _dataset(unit: Unit) -> tuple[list[Row], dict[str, int]]:
    """All rows of one article of an earlier dataset, and its counts."""
    try:
        return dataset_rows(unit)
    except RejectedInput as err:
        return [unreadable(unit, "", err.message)], {"articles": 1, "articles_unreadable": 1}


def _units(batch: pa.Table) -> Iterator[Unit]:
    files = batch["files"].combine_chunks()
    names = files.values.field("name").to_pylist()
    starts = files.offsets.to_pylist()
    plain = [batch[c].to_pylist() for c in ("article", "place", "origin", "facts", "xml_name", "xml", "error")]
    for i, (article, place, origin, facts, xml_name, xml, error) in enumerate(zip(*plain, strict=True)):
        known = json.loads(facts) if facts else {}
        yield Unit(article, place, origin, known, xml_name or "", xml, names[starts[i] : starts[i + 1]], error)


def _package(units: Sequence[Unit]) -> tuple[list[Row], dict[str, int]]:
    """All rows of one package, and its counts."""
    images = Images(units[0].files)
    rows: list[Row] = []
    first: Row | None = None
    also: set[str] = set()
    counts: Counter[str] = Counter(articles=len(units), articles_unreadable=0, articles_without_figures=0)
    for unit in units:
        suffix = suffix_of(unit, units)
        try:
            article = read(unit)
        except RejectedInput as err:
            counts["articles_unreadable"] += 1
            rows.append(unreadable(unit, suffix, err.message))
            continue
        shared = common(unit, article, suffix, len(images.all))
        first = first or shared
        named = _as_it_stands(article, unit)
        rows += figures(named, shared, images, unit, also)
        rows += [notice(shared)] if article.retracts else []
        counts["articles_without_figures"] += not any(f.hrefs and f.drop is None for f in named)
        counts.update(known(article, shared))
    taken = {r["file"] for r in rows if r["file"]}
    spare = (images.renditions(taken | also) | also) - taken
    if first is not None:
        rest = [n for n in images.all if n not in taken and n not in spare]
        rows += unnamed(images.best(rest), first)
        spare |= set(rest) - set(images.best(rest))
    _tell_apart(rows)
    n_read = len(images.all) if first is not None else 0
    counts["images_in_packages"] = n_read
    counts["renditions"] = len(spare) if first is not None else 0
    counts["images_unread"] = len(images.all) - n_read
    return rows, dict(counts)


def _as_it_stands(article: Article, unit: Unit) -> list[Figure]:
    """The figures of an article; those of a scan are pages, whose text comes from OCR."""
    if not article.scan and unit.facts.get("ocr") is not True:
        return list(article.figures)
    return [f if f.drop else replace(f, drop="scope", detail="page of a scanned article") for f in article.figures]


def _tell_apart(rows: Sequence[Row]) -> None:
    """Gives ids that come again in a package a suffix: translations repeat those of the article."""
    used: set[str] = set()
    for row in rows:
        base, _, k = row["figure_id"].rpartition("/")
        n = 1
        while row["figure_id"] in used:
            n += 1
            row["figure_id"] = f"{base}~{n}/{k}"
        used.add(row["figure_id"])
