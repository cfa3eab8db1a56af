"""Turns articles into figures: one row per image that an article references or that its package contains."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import pyarrow as pa

from roco.base.errors import RejectedInput
from roco.base.json_text import parse_json
from roco.base.schema import ARTICLES, NOT_READ, OTHER_XML, types
from roco.core.contract import Reason
from roco.core.stage import Extraction, Measure
from roco.sources.jats.article import Article
from roco.sources.jats.article_set import NoArticle
from roco.sources.jats.figures import Figure
from roco.sources.matching import Images
from roco.stages.extract_dataset import dataset_rows
from roco.stages.extract_images import Document, assign_images
from roco.stages.extract_rows import (
    COLUMNS,
    NO_XML,
    Row,
    Unit,
    article_counts,
    article_row,
    figure_rows,
    listed_pmcid,
    notice_row,
    read,
    safe,
    suffix_of,
    unreadable_row,
    unreferenced_rows,
)


@dataclass(frozen=True, kw_only=True)
class Extract(Measure):
    """Reads the figures of each article from its XML, and adds what the index and the package contain about it.

    The counts of each package are: articles, articles_unreadable, articles_without_figures, images_in_packages,
    renditions, images_unread. images_in_packages = renditions + distinct files of the rows; images of a package whose
    XML cannot be read count as images_unread instead. Since most articles have no figure, properties of articles are
    counted there too: `license CC-BY | stated | href`, `language en`, `type case-report`, `retracted title`,
    `standing notice of retraction`. XML files that are no articles (xml_without_article) and files of formats that are
    not read (`not_read 7z archive`) are counted apart, and have no rows.
    """

    reads = tuple(ARTICLES.names)
    writes = types(*COLUMNS)
    reasons = {
        "missing": Reason("the article names the image, but the package does not contain it"),
        "no_graphic": Reason("the figure has no image"),
        "video": Reason("the figure is a video or another medium"),
        "table": Reason("the image shows a table"),
        "scope": Reason("not a figure of the article itself: translation, letter, portrait, formula, supplement"),
        "article": Reason("the package or its XML is unreadable; one row represents the article"),
    }
    scope = "article"
    version = 16

    def __call__(self, batch: pa.Table) -> Extraction:
        packages: dict[str, list[Unit]] = {}
        for unit in _units(batch):
            packages.setdefault(unit.place, []).append(unit)

        rows: list[Row] = []
        counts: dict[str, dict[str, int]] = {}
        for place, units in packages.items():
            is_dataset = units[0].origin == "release"
            package_rows, counts[place] = _dataset(units[0]) if is_dataset else _package(units)
            rows += package_rows
        columns = {name: pa.array([safe(name, row[name]) for row in rows], kind) for name, kind in self.writes.items()}
        return Extraction(pa.table(columns), counts)


def _units(batch: pa.Table) -> Iterator[Unit]:
    """Yields the rows of the source's table as units."""
    # The names of millions of files are taken from the Arrow list directly: a dict for each would be slow.
    files = batch["files"].combine_chunks()
    names = files.values.field("name").to_pylist()
    offsets = files.offsets.to_pylist()
    for i, row in enumerate(batch.drop_columns(["files"]).to_pylist()):
        yield Unit(
            article=row["article"],
            place=row["place"],
            origin=row["origin"],
            facts=parse_json(row["facts"]) if row["facts"] else {},
            xml_name=row["xml_name"] or "",
            xml=row["xml"],
            files=names[offsets[i] : offsets[i + 1]],
            error=row["error"],
        )


def _dataset(unit: Unit) -> tuple[list[Row], dict[str, int]]:
    """Returns all rows of one article of a previous dataset, and its counts."""
    try:
        return dataset_rows(unit)
    except RejectedInput as err:
        return [unreadable_row(unit, "", err.message)], {"articles": 1, "articles_unreadable": 1}


class _Entry(NamedTuple):
    """An article of a package, or the reason why it cannot be read."""

    unit: Unit
    suffix: str
    article: Article | RejectedInput


def _package(units: Sequence[Unit]) -> tuple[list[Row], dict[str, int]]:
    """Returns all rows of one package, and its counts."""
    reason = units[0].facts.get(NOT_READ)
    if reason:
        return [], {f"{NOT_READ} {reason}": 1}
    images = Images(units[0].files)
    entries, n_other_xml = _entries(units)
    counts: Counter[str] = Counter(articles=len(entries), articles_unreadable=0, articles_without_figures=0)
    if n_other_xml:
        counts[OTHER_XML] = n_other_xml
    rows: list[Row] = []
    documents: list[Document] = []
    articles: list[tuple[Unit, Row]] = []
    for unit, suffix, article in entries:
        if isinstance(article, RejectedInput):
            counts["articles_unreadable"] += 1
            rows.append(unreadable_row(unit, suffix, article.message))
            continue
        shared = article_row(unit, article, suffix, len(images.all))
        articles.append((unit, shared))
        documents.append(Document(article, shared["article_key"], unit.xml_name, _figures(article, unit)))

    renditions: set[str] = set()
    for (unit, shared), document, files in zip(articles, documents, assign_images(documents, images), strict=True):
        rows += figure_rows(document.figures, files, shared, unit)
        renditions.update(name for assigned in files for name in assigned.files[1:])
        if document.article.retracts:
            rows.append(notice_row(shared))
        has_figures = any(figure.hrefs and figure.drop is None for figure in document.figures)
        counts["articles_without_figures"] += not has_figures
        counts.update(article_counts(document.article, shared))

    if not articles:
        # The images beside an XML that is no article belong to the articles of the folder, if there are any.
        is_loose = posixpath.basename(units[0].place) == units[0].xml_name
        unread = 0 if is_loose and not entries else len(images.all)
        counts.update(images_in_packages=0, renditions=0, images_unread=unread)
    else:
        # Every image of the package is a row or a rendition of one: the rest are files that no figure references.
        referenced = {row["file"] for row in rows if row["file"]}
        renditions = (images.renditions(referenced | renditions) | renditions) - referenced
        rest = [name for name in images.all if name not in referenced and name not in renditions]
        unreferenced = images.best(rest)
        _, first_article = articles[0]
        rows += unreferenced_rows(unreferenced, first_article)
        renditions |= set(rest) - set(unreferenced)
        counts.update(images_in_packages=len(images.all), renditions=len(renditions), images_unread=0)
    _make_ids_unique(rows)
    return rows, dict(counts)


def _entries(units: Sequence[Unit]) -> tuple[list[_Entry], int]:
    """Returns the articles of a package in order, and the number of XML files that are other documents."""
    read_units: list[tuple[Unit, list[Article | RejectedInput]]] = []
    for unit in units:
        articles = _read(unit)
        if articles:
            read_units.append((unit, articles))
    n_other_xml = len(units) - len(read_units)
    pmcid, _ = listed_pmcid(units[0])
    if not read_units and pmcid:
        # The source lists an article, so a package without one is an unreadable article.
        read_units = [(units[0], [RejectedInput(NO_XML)])]
        n_other_xml = 0
    entries = []
    for unit, articles in read_units:
        for number, article in enumerate(articles, 1):
            suffix = suffix_of(unit, len(read_units), number, len(articles))
            entries.append(_Entry(unit, suffix, article))
    return entries, n_other_xml


def _read(unit: Unit) -> list[Article | RejectedInput]:
    """Returns the articles of one XML file, or the reason why it cannot be read; nothing if it is another document."""
    try:
        return read(unit)
    except NoArticle:
        return []
    except RejectedInput as err:
        return [err]


def _figures(article: Article, unit: Unit) -> list[Figure]:
    """Returns the figures of an article; all are dropped if it is a scan, or the notice of a retraction."""
    if article.scan or unit.facts.get("ocr") is True:
        detail = "page of a scanned article"
    elif article.notice:
        detail = "figure printed in a retraction notice"
    else:
        return list(article.figures)
    return [figure if figure.drop else replace(figure, drop="scope", detail=detail) for figure in article.figures]


def _make_ids_unique(rows: Sequence[Row]) -> None:
    """Appends a number to ids that occur again in a package, as in translations, which repeat those of the article."""
    used: set[str] = set()
    for row in rows:
        base, _, k = row["figure_id"].rpartition("/")
        n = 1
        while row["figure_id"] in used:
            n += 1
            row["figure_id"] = f"{base}~{n}/{k}"
        used.add(row["figure_id"])
