"""Which articles are wanted: options of the user, applied to an article's metadata and later to its XML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from roco.base.licenses import DEFAULT_LICENSES
from roco.models.text.licenses import normalise
from roco.sources.cloud_metadata import Version, worth
from roco.sources.jats.article import Article

_YEAR = re.compile(r"\b((?:18|19|20)[0-9]{2})\b")
_IN_BRACKETS = re.compile(r"\([^()]*\)")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """licenses: normalised names; years: first and last of publication; types: article types as JATS names them."""

    licenses: tuple[str, ...] = DEFAULT_LICENSES
    retracted: bool = False
    manuscripts: bool = False
    first_year: int | None = None
    last_year: int | None = None
    types: tuple[str, ...] = ()

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Selection:
        """Reads what `as_mapping` returned, after a round trip through JSON."""
        with_tuples: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**with_tuples)

    def as_mapping(self) -> dict[str, Any]:
        return asdict(self)

    def includes_year(self, year: int) -> bool:
        after_first = self.first_year is None or year >= self.first_year
        before_last = self.last_year is None or year <= self.last_year
        return after_first and before_last


class Exclusion(NamedTuple):
    """Why an article is not wanted.

    reason: metadata, closed, ocr, manuscript, retracted, license, date or type.
    """

    reason: str
    detail: str | None


class Verdict(NamedTuple):
    """The version that represents an article, and why the article is not wanted, null if it is."""

    chosen: Version
    exclusion: Exclusion | None
    license: str
    retracted: bool


def judge_metadata(versions: Sequence[Version], selection: Selection) -> Verdict:
    """Chooses the version that represents an article and applies everything that the metadata answer."""
    chosen = max(versions, key=worth)
    license = _license_id(chosen.facts.get("license"))
    # A newer version that is not open access can still announce the retraction of the chosen one.
    retracted = any(v.facts.get("retracted") for v in versions if v.number >= chosen.number)
    exclusion = _exclusion(chosen.facts, license, retracted, selection)
    return Verdict(chosen, exclusion, license, retracted)


@lru_cache(maxsize=1000)
def _license_id(code: str | None) -> str:
    """Returns the normalised licence of a code; millions of articles have a few dozen of them."""
    return normalise(code).id


def judge_xml(article: Article, facts: Mapping[str, Any], selection: Selection) -> Exclusion | None:
    """Applies what only the XML answers: the type of the article, and its year where the metadata have none."""
    if selection.types and article.article_type not in selection.types:
        return Exclusion("type", article.article_type or "no article type")
    if publication_year(facts) is None and article.year is not None and not selection.includes_year(article.year):
        return Exclusion("date", str(article.year))
    return None


def _exclusion(facts: Mapping[str, Any], license: str, retracted: bool, selection: Selection) -> Exclusion | None:
    if "error" in facts:
        return Exclusion("metadata", facts["error"])
    if facts.get("open_access") is not True:
        return Exclusion("closed", "not in the open access subset")
    if facts.get("ocr"):
        return Exclusion("ocr", "a scan")
    if facts.get("manuscript") and not selection.manuscripts:
        return Exclusion("manuscript", "an author manuscript")
    if retracted and not selection.retracted:
        return Exclusion("retracted", None)
    if license not in selection.licenses:
        return Exclusion("license", license)
    year = publication_year(facts)
    if year is not None and not selection.includes_year(year):
        return Exclusion("date", str(year))
    return None


def publication_year(facts: Mapping[str, Any]) -> int | None:
    """Returns the year of publication in the citation, null where it has none."""
    # Names of journals contain years in brackets: J Appl Physiol (1985). 2015 Jan 15; 118(2):103-10
    citation = _IN_BRACKETS.sub("", str(facts.get("citation") or ""))
    year = _YEAR.search(citation)
    return int(year[1]) if year else None
