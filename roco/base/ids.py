"""Patterns and normalisation of identifiers: PMCID, PubMed ID and DOI of articles, CUI of concepts, ORCID of people."""

from __future__ import annotations

import re

from roco.base.text import fold, whole_number

PMCID_NUMBER = r"[1-9][0-9]{0,14}"
PMCID = rf"PMC{PMCID_NUMBER}"
"""Pattern of a PMCID as PMC writes it: `PMC123`, in capitals and without leading zeros."""
VERSION = r"(?:0|[1-9][0-9]{0,5})"
"""Pattern of the version number that follows a PMCID and a dot: the 2 of `PMC123.2`."""
CUI = r"C[0-9]{7}"
"""Pattern of a UMLS concept unique identifier: `C0040405`."""

_WRITTEN_PMCID = re.compile(rf"(?:PMC)?0*({PMCID_NUMBER})(?:\.([0-9]{{1,6}}))?", re.IGNORECASE)
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_DOI_PREFIX = re.compile(r"https?://(?:dx\.)?doi\.org/|info:doi/|doi:\s*", re.IGNORECASE)
_PMID_PREFIX = re.compile(r"pmid:?\s*", re.IGNORECASE)
_LARGEST_PMID = 10**10 - 1
_CUI = re.compile(CUI)
_ORCID = re.compile(r"(?:https?://(?:www\.)?orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dXx])/?", re.ASCII)


def is_cui(text: str) -> bool:
    """Returns whether a text is a CUI: `C` and seven digits."""
    return _CUI.fullmatch(text) is not None


def clean_doi(text: str | None) -> str | None:
    """Returns a DOI in lower case, without `doi:` or the address of a resolver; None if the text is not a DOI."""
    folded = fold(text or "")
    prefix = _DOI_PREFIX.match(folded)
    doi = folded[prefix.end() :] if prefix else folded
    return doi.lower() if _DOI.fullmatch(doi) else None


def clean_pmcid(text: str | None) -> tuple[str | None, int | None]:
    """Returns the PMCID and the version of an article, each None if the text has none.

    Case, leading zeros and a missing `PMC` are normalised: `pmc0123.2` is ("PMC123", 2), `123` is ("PMC123", None).
    """
    match = _WRITTEN_PMCID.fullmatch(fold(text or ""))
    if match is None:
        return None, None
    version = None if match[2] is None else int(match[2])
    return f"PMC{match[1]}", version


def clean_pmid(text: str | None) -> str | None:
    """Returns a PubMed ID without `PMID:` and leading zeros; None if the text is not one."""
    folded = fold(text or "")
    prefix = _PMID_PREFIX.match(folded)
    digits = folded[prefix.end() :] if prefix else folded
    number = whole_number(digits)
    return str(number) if number is not None and 0 < number <= _LARGEST_PMID else None


def clean_orcid(text: str) -> str | None:
    """Returns an ORCID iD as `0000-0002-1825-0097`, without the address; None if its form or check digit is wrong.

    The check digit is that of ISO 7064, MOD 11-2.
    """
    match = _ORCID.fullmatch(text.strip())
    if match is None:
        return None
    orcid = match[1].upper()
    total = 0
    for digit in orcid.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    return orcid if orcid[-1] == ("X" if check == 10 else str(check)) else None
