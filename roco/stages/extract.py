"""Turns articles into figures: one row for each image that an article names or that its package holds."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from roco.core.stage import Measure
from roco.errors import Refused
from roco.schema import ARTICLES, types
from roco.sources.jats import Article, clean_doi, clean_pmcid, parse
from roco.sources.jats_figures import Figure
from roco.sources.licenses import normalise
from roco.sources.matching import Images

_COLUMNS = (
    "figure_id", "article_key", "origin", "archive", "pmcid", "version", "pmid", "doi", "title", "journal", "year",
    "authors", "article_type", "retracted", "license", "license_url", "license_evidence", "n_images_in_package",
    "fig_id", "label", "caption_raw", "caption", "mentions_in_text", "file", "n_graphics", "drop", "drop_detail",
)  # fmt: skip
_BLANK: dict[str, Any] = dict.fromkeys(_COLUMNS)
_YEAR = re.compile(r"\b((?:19|20)\d\d)\b")

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Extract(Measure):
    """Reads each article's XML into its figures, with what the index and the package say beside it.

    Metadata of the table, `roco.counts`, holds for each place: articles, articles_unreadable,
    articles_without_figures, images_in_packages, renditions, images_unread. images_in_packages = renditions +
    distinct files of the rows; the images of a package whose XML cannot be read are images_unread instead.
    """

    reads = tuple(ARTICLES.names)
    writes = types(*_COLUMNS)
    reasons = ("missing", "no_graphic", "video", "table", "scope", "article")
    scope = "article"

    def __call__(self, batch: pa.Table) -> pa.Table:
        packages: dict[str, list[_Unit]] = {}
        for unit in _units(batch):
            packages.setdefault(unit.place, []).append(unit)
        rows: list[Row] = []
        counts: dict[str, dict[str, int]] = {}
        for place, units in packages.items():
            found, counts[place] = _package(units)
            rows += found
        schema = pa.schema(list(self.writes.items()), metadata={"roco.counts": json.dumps(counts, sort_keys=True)})
        return pa.table({n: pa.array([r[n] for r in rows], t) for n, t in self.writes.items()}, schema=schema)


@dataclass(frozen=True, slots=True)
class _Unit:
    """One row of the input: an XML file and what is known of its package."""

    article: str
    place: str
    origin: str
    facts: Mapping[str, Any]
    xml_name: str
    xml: bytes | None
    files: Sequence[str]
    error: str | None


def _units(batch: pa.Table) -> Iterator[_Unit]:
    files = batch["files"].combine_chunks()
    names = files.values.field("name").to_pylist()
    starts = files.offsets.to_pylist()
    plain = [batch[c].to_pylist() for c in ("article", "place", "origin", "facts", "xml_name", "xml", "error")]
    for i, (article, place, origin, facts, xml_name, xml, error) in enumerate(zip(*plain, strict=True)):
        known = json.loads(facts) if facts else {}
        yield _Unit(article, place, origin, known, xml_name or "", xml, names[starts[i] : starts[i + 1]], error)


def _package(units: Sequence[_Unit]) -> tuple[list[Row], dict[str, int]]:
    """All rows of one package, and its counts."""
    images = Images(units[0].files)
    rows: list[Row] = []
    first: Row | None = None
    also: set[str] = set()
    without = unreadable = 0
    for unit in units:
        suffix = _suffix(unit, units)
        try:
            article = _read(unit)
        except Refused as err:
            unreadable += 1
            rows.append(_unreadable(unit, suffix, err.message))
            continue
        common = _common(unit, article, suffix, images)
        first = first or common
        rows += _figures(article.figures, common, images, posixpath.dirname(unit.xml_name), also)
        without += not any(f.hrefs and f.drop is None for f in article.figures)
    named = {r["file"] for r in rows if r["file"]}
    spare = (images.renditions(named | also) | also) - named
    if first is not None:
        rest = [n for n in images.all if n not in named and n not in spare]
        rows += _unnamed(images.best(rest), first)
        spare |= set(rest) - set(images.best(rest))
    _tell_apart(rows)
    read = len(images.all) if first is not None else 0
    return rows, {
        "articles": len(units),
        "articles_unreadable": unreadable,
        "articles_without_figures": without,
        "images_in_packages": read,
        "renditions": len(spare) if first is not None else 0,
        "images_unread": len(images.all) - read,
    }


def _read(unit: _Unit) -> Article:
    """Parses a unit's XML; raises Refused when there is none or when it is another article than the source says."""
    if unit.error is not None:
        raise Refused(unit.error)
    if unit.xml is None:
        raise Refused("no article XML in the package")
    article = parse(unit.xml)
    listed = _listed(unit)[0]
    if listed and article.pmcid and listed != article.pmcid:
        raise Refused(f"the XML is of {article.pmcid}, the source says {listed}")
    return article


def _listed(unit: _Unit) -> tuple[str | None, int | None]:
    """PMCID and version as the source tells them, in its facts or by the package's name."""
    pmcid, version = clean_pmcid(str(unit.facts.get("pmcid") or ""))
    if pmcid is None and unit.article.startswith("PMC"):
        pmcid, version = clean_pmcid(unit.article)
    told = unit.facts.get("version")
    return pmcid, told if isinstance(told, int) and not isinstance(told, bool) else version


def _suffix(unit: _Unit, units: Sequence[_Unit]) -> str:
    """What tells an XML from the others of a package that holds several articles without PMCIDs."""
    return "+" + posixpath.splitext(unit.xml_name)[0] if len(units) > 1 else ""


def _base(pmcid: str | None, version: int | None, unit: _Unit, suffix: str) -> str:
    if pmcid:
        return f"{pmcid}.{version}" if version else pmcid
    name = quote(unit.article, safe="")
    return f"{name}+{quote(suffix[1:], safe='')}" if suffix else name


def _unreadable(unit: _Unit, suffix: str, reason: str) -> Row:
    """The one row that stands for an article that cannot be read."""
    pmcid, version = _listed(unit)
    return _BLANK | {
        "figure_id": f"{_base(pmcid, version, unit, suffix)}/article/0",
        "article_key": pmcid or unit.article + suffix,
        "origin": unit.origin,
        "archive": unit.place,
        "pmcid": pmcid,
        "version": version,
        "drop": "article",
        "drop_detail": reason,
    }


def _common(unit: _Unit, article: Article, suffix: str, images: Images) -> Row:
    """What all rows of one article share; `figure_id` holds only its beginning."""
    facts = unit.facts
    pmcid, version = _listed(unit)
    pmcid, version = pmcid or article.pmcid, version or article.version
    doi = article.doi or clean_doi(facts.get("doi"))
    license = normalise(facts.get("license"), article.terms, article.pmc_license)
    cited = _YEAR.search(str(facts.get("citation") or ""))
    return _BLANK | {
        "figure_id": _base(pmcid, version, unit, suffix),
        "article_key": pmcid or doi or unit.article + suffix,
        "origin": unit.origin,
        "archive": unit.place,
        "pmcid": pmcid,
        "version": version,
        "pmid": str(facts.get("pmid") or "") or article.pmid,
        "doi": doi,
        "title": article.title or facts.get("title"),
        "journal": article.journal,
        "year": article.year or (int(cited[1]) if cited else None),
        "authors": list(article.authors),
        "article_type": article.article_type,
        "retracted": article.retracted or facts.get("retracted") is True,
        "license": license.id,
        "license_url": license.url,
        "license_evidence": license.evidence,
        "n_images_in_package": len(images.all),
    }


def _figures(figures: Sequence[Figure], common: Row, images: Images, folder: str, also: set[str]) -> Iterator[Row]:
    """Rows of the images that an article names; `also` takes the files of their other renditions."""
    for figure in figures:
        files = list(dict.fromkeys(f for f in (images.find(h, folder) for h in figure.hrefs) if f))
        also.update(files[1:])
        missing = figure.drop is None and not files
        yield common | {
            "figure_id": f"{common['figure_id']}/{quote(figure.key, safe='')}/{figure.k}",
            "fig_id": figure.fig_id,
            "label": figure.label,
            "caption_raw": figure.caption_raw,
            "caption": figure.caption,
            "mentions_in_text": list(figure.mentions_in_text),
            "file": files[0] if files else None,
            "n_graphics": figure.n_graphics,
            "drop": "missing" if missing else figure.drop,
            "drop_detail": ", ".join(figure.hrefs) if missing else figure.detail,
        }


def _unnamed(files: Sequence[str], common: Row) -> Iterator[Row]:
    for k, name in enumerate(files, 1):
        yield common | {
            "figure_id": f"{common['figure_id']}/file-{k}/0",
            "mentions_in_text": [],
            "file": name,
            "drop": "scope",
            "drop_detail": "no figure names it",
        }


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
