"""Builds the rows of one article: one per image that it references, or a single one if it cannot be read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from roco.base.errors import RejectedInput
from roco.base.ids import clean_doi, clean_pmcid
from roco.base.text import escaped, fold, visible
from roco.models.text.licenses import normalise
from roco.sources.archives.reader import is_archive
from roco.sources.assignment import Assigned
from roco.sources.jats.article import Article, parse_all
from roco.sources.jats.figures import Figure
from roco.sources.matching import Images

Row = dict[str, Any]

COLUMNS = (
    "figure_id", "article_key", "origin", "archive", "pmcid", "version", "pmid", "doi", "title", "journal", "year",
    "year_from", "dates", "authors", "article_type", "article_language", "keywords", "related", "retracted",
    "retraction", "retracts", "open_access", "manuscript", "license", "license_url", "license_version",
    "license_port", "license_evidence", "license_trust", "copyright", "third_party", "n_images_in_package",
    "fig_id", "label", "caption_raw", "caption", "caption_from", "located_in", "credit", "figure_license",
    "mentions_in_text", "file", "n_graphics", "given_id", "given_split", "given_concepts", "given_manual",
    "given_names", "drop", "drop_detail",
)  # fmt: skip
NO_XML = "no article XML in the package"
BLANK: dict[str, Any] = dict.fromkeys(COLUMNS)

_NAMES = frozenset({"archive", "file"})
"""Columns by which files are found again; they are escaped where they are published."""

_YEAR = re.compile(r"\b((?:19|20)\d\d)\b")


@dataclass(frozen=True, slots=True)
class Unit:
    """One XML file and its package; facts: what index or metadata contain about the article."""

    article: str
    place: str
    origin: str
    facts: Mapping[str, Any]
    xml_name: str
    xml: bytes | None
    files: Sequence[str]
    error: str | None


def safe(column: str, value: Any) -> Any:
    """Returns a value without control, bidirectional and other invisible characters in its texts."""
    if isinstance(value, str):
        return value if value.isprintable() or column in _NAMES else visible(value)
    if isinstance(value, list):
        return [safe(column, element) for element in value]
    if isinstance(value, dict):
        return {name: safe(column, element) for name, element in value.items()}
    return value


def read(unit: Unit) -> list[Article | RejectedInput]:
    """Parses a unit's XML: its articles, and errors in place of those that cannot be used.

    Raises RejectedInput if none can be read, and NoArticle if the XML is another document than an article.
    """
    if unit.error is not None:
        raise RejectedInput(unit.error)
    if unit.xml is None:
        has_archives = any(map(is_archive, unit.files))
        raise RejectedInput(NO_XML + (", but archives, which are not read: unpack it" if has_archives else ""))
    articles = parse_all(unit.xml)
    listed, _ = listed_pmcid(unit)
    return [*articles] if listed is None else _of_listed(articles, listed)


def _of_listed(articles: Sequence[Article], listed: str) -> list[Article | RejectedInput]:
    """Returns the article that the source lists, and errors in place of others."""
    own = next((article for article in articles if article.pmcid == listed), None)
    own = own or next((article for article in articles if article.pmcid is None), None)
    read: list[Article | RejectedInput] = []
    for article in articles:
        other = article.pmcid or "another article"
        read.append(article if article is own else RejectedInput(f"XML of {other} instead of {listed}"))
    return read


def unreadable_row(unit: Unit, suffix: str, reason: str) -> Row:
    """Returns the single row of an article that cannot be read."""
    pmcid, version = listed_pmcid(unit)
    return BLANK | {
        "figure_id": f"{_id_base(pmcid, version, unit, suffix)}/article/0",
        "article_key": pmcid or escaped(unit.article + suffix),
        "origin": unit.origin,
        "archive": unit.place,
        "pmcid": pmcid,
        "version": version,
        "drop": "article",
        "drop_detail": reason,
    }


def article_row(unit: Unit, article: Article, suffix: str, n_images: int) -> Row:
    """Returns the columns that all rows of one article share; `figure_id` contains only the beginning of their ids."""
    facts = unit.facts
    pmcid_of_source, version_of_source = listed_pmcid(unit)
    pmcid = pmcid_of_source or article.pmcid
    version = version_of_source or article.version
    doi = article.doi or clean_doi(facts.get("doi"))
    return BLANK | {
        "figure_id": _id_base(pmcid, version, unit, suffix),
        "article_key": pmcid or doi or escaped(unit.article + suffix),
        "origin": unit.origin,
        "archive": unit.place,
        "pmcid": pmcid,
        "version": version,
        "pmid": str(facts.get("pmid") or "") or article.pmid,
        "doi": doi,
        "title": article.title or facts.get("title"),
        "journal": article.journal,
        "authors": list(article.authors),
        "article_type": article.article_type,
        "article_language": article.language,
        "keywords": list(article.keywords),
        "related": [related._asdict() for related in article.related],
        "retracts": list(article.retracts),
        "manuscript": facts.get("manuscript"),
        "n_images_in_package": n_images,
        **_dates(article, facts),
        **_status(article, facts),
        **_terms(article, facts),
    }


def figure_rows(figures: Sequence[Figure], images: Sequence[Assigned], shared: Row, unit: Unit) -> list[Row]:
    """Returns the rows of the images that an article references; images: the files of each figure."""
    absent = Images(unit.facts.get("absent") or ())
    rows: list[Row] = []
    for figure, assigned in zip(figures, images, strict=True):
        files = assigned.files
        drop, detail = figure.drop, figure.detail
        if drop is None and not files:
            drop, detail = "missing", _missing(figure.hrefs, assigned.contested, unit, absent)
        rows.append(
            shared
            | {
                "figure_id": f"{shared['figure_id']}/{quote(figure.key, safe='')}/{figure.k}",
                "fig_id": figure.fig_id,
                "label": figure.label,
                "caption_raw": figure.caption_raw,
                "caption": figure.caption,
                "caption_from": figure.caption_from,
                "located_in": figure.located_in,
                "credit": figure.credit,
                "figure_license": figure.license,
                **_own_terms(figure.license, shared),
                "mentions_in_text": [mention._asdict() for mention in figure.mentions],
                "file": files[0] if files else None,
                "n_graphics": figure.n_graphics,
                "drop": drop,
                "drop_detail": detail,
            }
        )
    return rows


def _own_terms(license: str | None, shared: Row) -> Row:
    """Returns the licence columns of a figure with stricter terms than its article: CC BY-NC in a CC BY article."""
    if license is None or not license.startswith("CC-BY"):
        return {}
    conditions = set(license.removeprefix("CC-").split("-"))
    article_conditions = set((shared["license"] or "").removeprefix("CC-").split("-"))
    if not article_conditions < conditions:
        return {}
    return {
        "license": license,
        "license_url": None,
        "license_version": None,
        "license_port": None,
        "license_evidence": f"figure {license}; article {shared['license_evidence']}",
    }


def _missing(hrefs: Sequence[str], contested: str | None, unit: Unit, absent: Images) -> str:
    """Returns the names of missing files, and why they are missing if that is known.

    contested: a file that they match, but that others match better or just as well. If the metadata list the article's
    media, they show whether the missing files are listed.
    """
    names = ", ".join(hrefs)
    if contested:
        return f"{names}; another figure matches {contested} at least as well"
    if any(absent.find(href) for href in hrefs):
        return f"listed but not in the folder: {names}"
    if "media" in unit.facts:
        return f"withheld, not among the article's media: {names}"
    return names


def notice_row(shared: Row) -> Row:
    """Returns the row of a retraction notice, from which `retraction` takes the retracted papers."""
    return _scope_row(shared, "notice", None, f"retraction notice: retracts {', '.join(shared['retracts'])}")


def unreferenced_rows(files: Sequence[str], shared: Row) -> Iterator[Row]:
    """Yields the rows of the images that no figure references."""
    for k, name in enumerate(files, 1):
        yield _scope_row(shared, f"file-{k}", name, "not referenced by any figure")


def article_counts(article: Article, shared: Row) -> Iterator[str]:
    """Yields the names under which an article is counted, with or without figures: kind and value."""
    places = dict.fromkeys(evidence.split(" ")[0] for evidence in shared["license_evidence"].split("; "))
    where = " + ".join(places) if shared["license_trust"] else "nowhere"
    yield f"license {shared['license']} | {shared['license_trust'] or 'none'} | {where}"
    yield f"language {fold(article.language or '') or 'not stated'}"
    yield f"type {fold(article.article_type or '') or 'not stated'}"
    if shared["retraction"]:
        yield f"retracted {shared['retraction']}"
    if article.notice:
        yield "standing notice of retraction"
    if article.scan:
        yield "standing scan"
    for column, name in (("open_access", "open access"), ("manuscript", "manuscript")):
        if shared[column] is not None:
            yield f"standing {name}" if shared[column] else f"standing not {name}"


def _scope_row(shared: Row, key: str, file: str | None, detail: str) -> Row:
    return shared | {
        "figure_id": f"{shared['figure_id']}/{key}/0",
        "mentions_in_text": [],
        "file": file,
        "drop": "scope",
        "drop_detail": detail,
    }


def listed_pmcid(unit: Unit) -> tuple[str | None, int | None]:
    """Returns PMCID and version as listed by the source, in the facts or in the name of the package."""
    pmcid, version = clean_pmcid(str(unit.facts.get("pmcid") or ""))
    if pmcid is None and unit.article.startswith("PMC"):
        pmcid, version = clean_pmcid(unit.article)
    listed_version = unit.facts.get("version")
    if isinstance(listed_version, int) and not isinstance(listed_version, bool):
        version = listed_version
    return pmcid, version


def _id_base(pmcid: str | None, version: int | None, unit: Unit, suffix: str) -> str:
    """Returns the beginning of the figure_ids of an article."""
    if pmcid:
        return f"{pmcid}.{version}" if version else pmcid
    name = quote(unit.article, safe="")
    return f"{name}+{quote(suffix[1:], safe='')}" if suffix else name


def suffix_of(unit: Unit, n_units: int, number: int, n_articles: int) -> str:
    """Returns what distinguishes the articles of a package if they have no PMCID.

    n_units: number of XML files with articles in the package; number: that of the article among the n_articles of its
    XML, from 1.
    """
    of_xml = "+" + posixpath.splitext(unit.xml_name)[0] if n_units > 1 else ""
    return f"{of_xml}+{number}" if n_articles > 1 else of_xml


def _dates(article: Article, facts: Mapping[str, Any]) -> Row:
    year, year_from = article.year, article.year_from
    if not year:
        cited = _YEAR.search(str(facts.get("citation") or ""))
        if cited:
            year, year_from = int(cited[1]), "index"
    return {"dates": [date._asdict() for date in article.dates], "year": year, "year_from": year_from}


def _status(article: Article, facts: Mapping[str, Any]) -> Row:
    """Returns the columns on retraction and open access."""
    places = []
    # An index that lists a retraction notice as retracted confuses the notice with the paper.
    if facts.get("retracted") is True and not article.notice:
        places.append("index")
    if article.retraction:
        places.append(article.retraction)
    listed = facts.get("open_access")
    return {
        "retracted": bool(places),
        "retraction": "; ".join(places) or None,
        "open_access": listed if isinstance(listed, bool) else article.open_access,
    }


def _terms(article: Article, facts: Mapping[str, Any]) -> Row:
    """Returns the columns on licence and copyright."""
    license = normalise(facts.get("license"), article.terms, article.pmc_license, article.copyright)
    index = facts.get("index")  # why the article's row of the index cannot be used
    evidence = [f"index {index}"] if isinstance(index, str) else []
    if license.evidence:
        evidence.append(license.evidence)
    return {
        "license": license.id,
        "license_url": license.url,
        "license_version": license.version,
        "license_port": license.port,
        "license_evidence": "; ".join(evidence),
        "license_trust": license.trust,
        "copyright": article.copyright,
        "third_party": article.third_party,
    }
