"""How an article stands: retracted, a notice that retracts another, or a scan of print."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lxml import etree

from roco.base.text import fold
from roco.sources.jats.meta import Related
from roco.sources.jats.text import child, children, text_of

_TITLE = re.compile(r"\W*(?:retracted\s*(?:article|paper|chapter)?\s*[:\]\).\u2013\u2014-]|RETRACTED\b)", re.I)
_NO_TITLE = re.compile(r"\W*[Rr]etracted\s+[a-z]")
_RETRACTED = frozenset(
    {"retracted", "retracted-article", "retracted article", "retracted paper", "retracted publication"}
)
_NOTICES = frozenset({
    "retraction", "retraction-notice", "retraction notice", "retraction note", "partial-retraction",
    "retraction of publication",
})  # fmt: skip
_POINTS_TO_PAPER = frozenset({"retracted-article", "retracted"})
_POINTS_TO_NOTICE = frozenset({"retraction-forward", "retraction", "retraction-notice"})


def is_notice(kind: str | None, meta: etree._Element | None) -> bool:
    """Whether the article is the notice of a retraction and not the retracted paper."""
    return (kind or "").lower() in _NOTICES or any(s in _NOTICES for s in _subjects(meta))


def retraction(kind: str | None, meta: etree._Element | None, title: str, related: Sequence[Related]) -> str | None:
    """Where the XML says that this paper is retracted; null where it does not, and for a notice of retraction."""
    if is_notice(kind, meta):
        return None
    if (kind or "").lower() in _RETRACTED:
        return "article-type"
    if any(s in _RETRACTED for s in _subjects(meta)):
        return "subject"
    if any(r.kind in _POINTS_TO_NOTICE for r in related):
        return "related-article"
    return "title" if _TITLE.match(title) and not _NO_TITLE.match(title) else None


def retracts(kind: str | None, meta: etree._Element | None, related: Sequence[Related]) -> tuple[str, ...]:
    """The papers that this notice retracts: `doi:…`, `pmid:…`, `pmcid:…`; none for an article that is no notice."""
    return tuple(r.id for r in related if r.kind in _POINTS_TO_PAPER) if is_notice(kind, meta) else ()


def is_scan(xml: bytes, custom: Mapping[str, str]) -> bool:
    """Whether the article is a scan of print, so that its images are pages and its text comes from OCR."""
    if custom.get("pmc-prop-is-scanned-article", "").lower() in ("yes", "true", "1"):
        return True
    return b"pmc-ocr-text" in xml


def _subjects(meta: etree._Element | None) -> list[str]:
    groups = children(child(meta, "article-categories"), "subj-group")
    return [fold(text_of(s)).lower() for g in groups for s in children(g, "subject")]
