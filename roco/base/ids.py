"""Identifiers of articles and concepts: PMCID, PubMed id, DOI, CUI."""

from __future__ import annotations

import re

from roco.base.text import fold

_DIGITAL = re.compile(r"10\.\d{4,9}/\S+")
_PMCID = re.compile(r"(?:PMC)?(\d{1,10})(?:\.(\d{1,4}))?", re.I)


def clean_doi(text: str | None) -> str | None:
    """A DOI in lower case without its address, or null when it is none."""
    bare = re.sub(r"(?i)^(?:https?://(?:dx\.)?doi\.org/|info:doi/|doi:\s*)", "", fold(text or ""))
    return bare.lower() if _DIGITAL.fullmatch(bare) else None


def clean_pmcid(text: str | None) -> tuple[str | None, int | None]:
    """PMCID with its letters, and the version where the text has one: `PMC123.2` is (PMC123, 2)."""
    match = _PMCID.fullmatch(fold(text or ""))
    if not match or not int(match[1]):
        return None, None
    return f"PMC{int(match[1])}", int(match[2]) if match[2] else None


def clean_pmid(text: str | None) -> str | None:
    """A PubMed id without leading zeros, or null when it is none."""
    bare = re.sub(r"(?i)^pmid:?\s*", "", fold(text or ""))
    return str(int(bare)) if bare.isdecimal() and bare.isascii() and 0 < int(bare) < 10**10 else None
