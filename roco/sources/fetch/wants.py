"""Which articles are wanted, and what a bucket's metadata, or an article's own XML, say for and against each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from roco.base.licenses import DEFAULT_LICENSES
from roco.models.text.licenses import normalise
from roco.sources.cloud_metadata import Version, worth
from roco.sources.jats.article import Article

_YEAR = re.compile(r"\b((?:18|19|20)[0-9]{2})\b")


@dataclass(frozen=True, kw_only=True)
class Wants:
    """licenses: as normalised; years: first and last of publication; types: of article, as JATS names them."""

    licenses: tuple[str, ...] = DEFAULT_LICENSES
    retracted: bool = False
    manuscripts: bool = False
    first_year: int | None = None
    last_year: int | None = None
    types: tuple[str, ...] = ()

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Wants:
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in told.items()}
        return cls(**plain)

    def as_mapping(self) -> dict[str, Any]:
        return asdict(self)

    def year_fits(self, year: int) -> bool:
        return (self.first_year or year) <= year <= (self.last_year or year)


class Judged(NamedTuple):
    """What is made of an article: the version that stands for it, and why it is not wanted, null where it is."""

    chosen: Version
    reason: str | None
    detail: str | None
    license: str
    retracted: bool


def judge(versions: Sequence[Version], wants: Wants) -> Judged:
    """Judges an article by the metadata of its versions; what they leave open is left to its XML.

    reason: metadata, closed, ocr, manuscript, retracted, license, date.
    """
    chosen = max(versions, key=worth)
    facts = chosen.facts
    license = normalise(facts.get("license")).id
    newer = [v for v in versions if v.number >= chosen.number]
    retracted = any(v.facts.get("retracted") for v in newer)
    reason, detail = _against(facts, license, retracted, wants)
    return Judged(chosen, reason, detail, license, retracted)


def _against(facts: Mapping[str, Any], license: str, retracted: bool, wants: Wants) -> tuple[str | None, str | None]:
    year = year_of(facts)
    if "error" in facts:
        return "metadata", facts["error"]
    if facts.get("open_access") is not True:
        return "closed", "not of the open access subset"
    if facts.get("ocr"):
        return "ocr", "a scan"
    if facts.get("manuscript") and not wants.manuscripts:
        return "manuscript", "an author's manuscript"
    if retracted and not wants.retracted:
        return "retracted", None
    if license not in wants.licenses:
        return "license", license
    if year is not None and not wants.year_fits(year):
        return "date", str(year)
    return None, None


def year_of(facts: Mapping[str, Any]) -> int | None:
    """The year of publication as the citation tells it."""
    # Names of journals hold years in brackets: J Appl Physiol (1985). 2015 Jan 15; 118(2):103-10
    found = _YEAR.search(re.sub(r"\([^()]*\)", "", str(facts.get("citation") or "")))
    return int(found[1]) if found else None


def judge_xml(article: Article, facts: Mapping[str, Any], wants: Wants) -> tuple[str | None, str | None]:
    """What only an article's XML tells: its type, and its year where the metadata have none."""
    if wants.types and article.article_type not in wants.types:
        return "type", article.article_type or "not told"
    if year_of(facts) is None and article.year is not None and not wants.year_fits(article.year):
        return "date", str(article.year)
    return None, None
