"""The status of an article: a retracted paper, the notice of a retraction, or a scan of a printed article.

Called by `article.parse`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lxml import etree

from roco.base.text import fold
from roco.sources.jats.meta import Related
from roco.sources.jats.text import text_of
from roco.sources.jats.tree import child, children

# Publishers put "RETRACTED:" or "Retracted Article -" before the title of a retracted paper; a title such as
# "Retracted publications in radiology" is about retractions.
_RETRACTED_TITLE = re.compile(
    r"\W*(?:retracted\s*(?:article|paper|chapter)?\s*[:\]\).\u2013\u2014-]|RETRACTED\b)", re.I
)
_TITLE_ABOUT_RETRACTIONS = re.compile(r"\W*[Rr]etracted\s+[a-z]")
# Values of article-type and of <subject>, lower case.
_RETRACTED = frozenset(
    {"retracted", "retracted-article", "retracted article", "retracted paper", "retracted publication"}
)
_NOTICES = frozenset({
    "retraction", "retraction-notice", "retraction notice", "retraction note", "partial-retraction",
    "retraction of publication",
})  # fmt: skip
# Values of related-article-type.
_POINTS_TO_RETRACTED_PAPER = frozenset({"retracted-article", "retracted"})
_POINTS_TO_NOTICE = frozenset({"retraction-forward", "retraction", "retraction-notice"})


def is_retraction_notice(article_type: str | None, meta: etree._Element | None) -> bool:
    """Returns whether the article is the notice of a retraction; meta: the <article-meta>."""
    if (article_type or "").lower() in _NOTICES:
        return True
    return any(subject in _NOTICES for subject in _subjects(meta))


def retraction(
    article_type: str | None, meta: etree._Element | None, title: str, related: Sequence[Related]
) -> str | None:
    """Returns the place in the XML that marks the article as retracted; None if it is not, and for notices.

    The places are "article-type", "subject", "related-article" and "title", the most reliable first.
    """
    if is_retraction_notice(article_type, meta):
        return None
    if (article_type or "").lower() in _RETRACTED:
        return "article-type"
    if any(subject in _RETRACTED for subject in _subjects(meta)):
        return "subject"
    if any(other.kind in _POINTS_TO_NOTICE for other in related):
        return "related-article"
    if _RETRACTED_TITLE.match(title) and not _TITLE_ABOUT_RETRACTIONS.match(title):
        return "title"
    return None


def retracted_papers(
    article_type: str | None, meta: etree._Element | None, related: Sequence[Related]
) -> tuple[str, ...]:
    """Returns ids (`doi:…`, `pmid:…`, `pmcid:…`) of the papers that a notice retracts; empty if it is not a notice."""
    if not is_retraction_notice(article_type, meta):
        return ()
    return tuple(other.id for other in related if other.kind in _POINTS_TO_RETRACTED_PAPER)


def is_scan(xml: bytes, custom: Mapping[str, str]) -> bool:
    """Returns whether the article is a scan of print: its images are pages, and its text comes from OCR."""
    if custom.get("pmc-prop-is-scanned-article", "").lower() in ("yes", "true", "1"):
        return True
    return b"pmc-ocr-text" in xml


def _subjects(meta: etree._Element | None) -> list[str]:
    groups = children(child(meta, "article-categories"), "subj-group")
    return [fold(text_of(subject)).lower() for group in groups for subject in children(group, "subject")]
