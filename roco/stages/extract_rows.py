"""The rows of one article: what all of them share, one for each image it names, one where it cannot be read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from roco.base.errors import RejectedInput
from roco.base.ids import clean_doi, clean_pmcid
from roco.models.text.licenses import normalise
from roco.sources.jats.article import Article, parse
from roco.sources.jats.figures import Figure
from roco.sources.matching import Images

Row = dict[str, Any]

COLUMNS = (
    "figure_id", "article_key", "origin", "archive", "pmcid", "version", "pmid", "doi", "title", "journal", "year",
    "year_from", "dates", "authors", "article_type", "article_language", "keywords", "related", "retracted",
    "retraction", "retracts", "open_access", "manuscript", "license", "license_url", "license_version",
    "license_port", "license_evidence", "license_trust", "copyright", "third_party", "n_images_in_package",
    "fig_id", "label", "caption_raw", "caption", "caption_from", "credit", "figure_license", "mentions_in_text",
    "file", "n_graphics", "given_id", "given_split", "given_concepts", "given_manual", "drop", "drop_detail",
)  # fmt: skip
BLANK: dict[str, Any] = dict.fromkeys(COLUMNS)

_YEAR = re.compile(r"\b((?:19|20)\d\d)\b")


@dataclass(frozen=True, slots=True)
class Unit:
    """One XML file and what is known of its package; facts: what index or metadata say of the article."""

    article: str
    place: str
    origin: str
    facts: Mapping[str, Any]
    xml_name: str
    xml: bytes | None
    files: Sequence[str]
    error: str | None


def read(unit: Unit) -> Article:
    """Parses a unit's XML; raises RejectedInput if it is missing or belongs to another article than listed."""
    if unit.error is not None:
        raise RejectedInput(unit.error)
    if unit.xml is None:
        raise RejectedInput("no article XML in the package")
    article = parse(unit.xml)
    listed = _listed(unit)[0]
    if listed and article.pmcid and listed != article.pmcid:
        raise RejectedInput(f"the XML is of {article.pmcid}, the source says {listed}")
    return article


def unreadable(unit: Unit, suffix: str, reason: str) -> Row:
    """The one row that stands for an article that cannot be read."""
    pmcid, version = _listed(unit)
    return BLANK | {
        "figure_id": f"{_base(pmcid, version, unit, suffix)}/article/0",
        "article_key": pmcid or unit.article + suffix,
        "origin": unit.origin,
        "archive": unit.place,
        "pmcid": pmcid,
        "version": version,
        "drop": "article",
        "drop_detail": reason,
    }


def common(unit: Unit, article: Article, suffix: str, n_images: int) -> Row:
    """What all rows of one article share; `figure_id` holds only its beginning."""
    facts = unit.facts
    pmcid, version = _listed(unit)
    pmcid, version = pmcid or article.pmcid, version or article.version
    doi = article.doi or clean_doi(facts.get("doi"))
    return BLANK | {
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
        "authors": list(article.authors),
        "article_type": article.article_type,
        "article_language": article.language,
        "keywords": list(article.keywords),
        "related": [one._asdict() for one in article.related],
        "retracts": list(article.retracts),
        "manuscript": facts.get("manuscript"),
        "n_images_in_package": n_images,
        **_dates(article, facts),
        **_standing(article, facts),
        **_terms(article, facts),
    }


def figures(article: Sequence[Figure], shared: Row, images: Images, unit: Unit, also: set[str]) -> Iterator[Row]:
    """Rows of the images that an article names; `also` takes the files of their other renditions."""
    folder, absent = posixpath.dirname(unit.xml_name), Images(unit.facts.get("absent") or ())
    for figure in article:
        files = list(dict.fromkeys(f for f in (images.find(h, folder) for h in figure.hrefs) if f))
        also.update(files[1:])
        missing = figure.drop is None and not files
        yield shared | {
            "figure_id": f"{shared['figure_id']}/{quote(figure.key, safe='')}/{figure.k}",
            "fig_id": figure.fig_id,
            "label": figure.label,
            "caption_raw": figure.caption_raw,
            "caption": figure.caption,
            "caption_from": figure.caption_from,
            "credit": figure.credit,
            "figure_license": figure.license,
            **_own_terms(figure.license, shared),
            "mentions_in_text": [mention._asdict() for mention in figure.mentions],
            "file": files[0] if files else None,
            "n_graphics": figure.n_graphics,
            "drop": "missing" if missing else figure.drop,
            "drop_detail": _missing(figure.hrefs, unit, absent) if missing else figure.detail,
        }


def _own_terms(license: str | None, shared: Row) -> Row:
    """The licence of a figure that asks for more than its article does: CC BY-NC in an article under CC BY."""
    asked, given = (set((name or "").removeprefix("CC-").split("-")) for name in (license, shared["license"]))
    if not (license or "").startswith("CC-BY") or not given < asked:
        return {}
    said = f"figure {license}; article {shared['license_evidence']}"
    blank = dict.fromkeys(("license_url", "license_version", "license_port"))
    return {**blank, "license": license, "license_evidence": said}


def _missing(hrefs: Sequence[str], unit: Unit, absent: Images) -> str:
    """What is missing; where the metadata list an article's media, whether they list this one."""
    names = ", ".join(hrefs)
    if any(absent.find(href) for href in hrefs):
        return f"listed but not in the folder: {names}"
    return f"withheld, not among the article's media: {names}" if "media" in unit.facts else names


def notice(shared: Row) -> Row:
    """The row that stands for a notice of retraction, so that the papers it names can be found."""
    return _other(shared, "notice", None, f"a notice: it retracts {', '.join(shared['retracts'])}")


def unnamed(files: Sequence[str], shared: Row) -> Iterator[Row]:
    """Rows of the images that no figure names."""
    for k, name in enumerate(files, 1):
        yield _other(shared, f"file-{k}", name, "no figure names it")


def known(article: Article, shared: Row) -> Iterator[str]:
    """What is counted of an article, whether it has figures or not: kind and value."""
    places = dict.fromkeys(said.split(" ")[0] for said in shared["license_evidence"].split("; "))
    where = " + ".join(places) if shared["license_trust"] else "nowhere"
    yield f"license {shared['license']} | {shared['license_trust'] or 'none'} | {where}"
    yield f"language {article.language or 'not told'}"
    yield f"type {article.article_type or 'not told'}"
    if shared["retraction"]:
        yield f"retracted {shared['retraction']}"
    for standing, holds in (("notice of retraction", article.notice), ("scan", article.scan)):
        if holds:
            yield f"standing {standing}"
    for name in ("open_access", "manuscript"):
        if shared[name] is not None:
            yield f"standing {'' if shared[name] else 'not '}{name.replace('_', ' ')}"


def _other(shared: Row, key: str, file: str | None, detail: str) -> Row:
    return shared | {
        "figure_id": f"{shared['figure_id']}/{key}/0",
        "mentions_in_text": [],
        "file": file,
        "drop": "scope",
        "drop_detail": detail,
    }


def _listed(unit: Unit) -> tuple[str | None, int | None]:
    """PMCID and version as the source tells them, in its facts or by the package's name."""
    pmcid, version = clean_pmcid(str(unit.facts.get("pmcid") or ""))
    if pmcid is None and unit.article.startswith("PMC"):
        pmcid, version = clean_pmcid(unit.article)
    told = unit.facts.get("version")
    return pmcid, told if isinstance(told, int) and not isinstance(told, bool) else version


def _base(pmcid: str | None, version: int | None, unit: Unit, suffix: str) -> str:
    if pmcid:
        return f"{pmcid}.{version}" if version else pmcid
    name = quote(unit.article, safe="")
    return f"{name}+{quote(suffix[1:], safe='')}" if suffix else name


def suffix_of(unit: Unit, units: Sequence[Unit]) -> str:
    """What tells an XML from the others of a package that holds several articles without PMCIDs."""
    return "+" + posixpath.splitext(unit.xml_name)[0] if len(units) > 1 else ""


def _dates(article: Article, facts: Mapping[str, Any]) -> Row:
    cited = None if article.year else _YEAR.search(str(facts.get("citation") or ""))
    return {
        "dates": [date._asdict() for date in article.dates],
        "year": int(cited[1]) if cited else article.year,
        "year_from": "index" if cited else article.year_from,
    }


def _standing(article: Article, facts: Mapping[str, Any]) -> Row:
    # A notice of retraction is listed as retracted nowhere but in lists that confuse the two.
    index = "index" if facts.get("retracted") is True and not article.notice else None
    found = [place for place in (index, article.retraction) if place]
    told = facts.get("open_access")
    return {
        "retracted": bool(found),
        "retraction": "; ".join(found) or None,
        "open_access": told if isinstance(told, bool) else article.open_access,
    }


def _index_said(facts: Mapping[str, Any]) -> str | None:
    """Why the index says nothing of the article, where its row cannot be read."""
    said = facts.get("index")
    return f"index {said}" if isinstance(said, str) else None


def _terms(article: Article, facts: Mapping[str, Any]) -> Row:
    license = normalise(facts.get("license"), article.terms, article.pmc_license)
    return {
        "license": license.id,
        "license_url": license.url,
        "license_version": license.version,
        "license_port": license.port,
        "license_evidence": "; ".join(filter(None, (_index_said(facts), license.evidence))),
        "license_trust": license.trust,
        "copyright": article.copyright,
        "third_party": article.third_party,
    }
