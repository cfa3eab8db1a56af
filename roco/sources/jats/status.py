"""The status of an article: a retracted paper, the notice of a retraction, or a scan of a printed article.

Called by `article.parse`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from roco.base.text import fold
from roco.sources.jats.meta import Related
from roco.sources.jats.retraction_titles import Mark, mark_in
from roco.sources.jats.text import text_of, title_of
from roco.sources.jats.tree import child, children

# Values of article-type and of <subject>, lower case.
_RETRACTED = frozenset({
    "retracted", "retracted-article", "retracted article", "retracted paper", "retracted publication",
    "retracted-publication", "withdrawn", "withdrawn-article", "withdrawn article",
})  # fmt: skip
_NOTICES = frozenset({
    "retraction", "retractions", "retraction-notice", "retraction notice", "retraction note", "retraction statement",
    "retraction of publication", "retraction and replacement", "statement of retraction", "notice of retraction",
    "withdrawal", "withdrawal-notice", "withdrawal notice", "notice of withdrawal",
    "retratação", "retractación", "rétractation",
})  # fmt: skip
_PARTIAL_NOTICES = frozenset({"partial-retraction", "partial retraction", "retratação parcial", "retractación parcial"})
# Values of article-type under which a title such as "Retraction: …" heads a notice; under all others it marks a paper.
_EDITORIAL = frozenset({
    "addendum", "announcement", "article-commentary", "correction", "editorial", "erratum", "in-brief", "letter",
    "news", "other", "reply",
})  # fmt: skip
# Values of related-article-type, lower case.
_POINTS_TO_RETRACTED_PAPER = frozenset({"retracted-article", "retracted", "article-retracted", "withdrawn-article"})
_POINTS_TO_NOTICE = frozenset({"retraction-forward", "retraction", "retraction-notice", "retracted-by", "withdrawal"})
_POINTS_TO_PARTIAL_RETRACTION = "partial-retraction"
# Values of date-type, event-type and pub-type, lower case; and the words of an <event-desc>.
_RETRACTED_ON = frozenset({
    "retracted", "retraction", "withdrawn", "withdrawal", "retracted-article", "withdrawn-article", "article-retracted",
    "article-withdrawn", "retracted-date", "retraction-date", "withdrawn-date", "withdrawal-date",
})  # fmt: skip
_DESCRIBED_AS_RETRACTED = re.compile(
    r"(?:(?:the|this) )?(?:(?:article|paper) )?(?:(?:was|has been) )?(?:retracted|withdrawn|retraction)\b(?! of\b)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Status:
    """What an article states about retractions.

    notice: it is the notice of a retraction, in full or in part
    retraction: the place in the XML that marks it as retracted; None if it is not, and for notices
    retracts: ids (`doi:…`, `pmid:…`, `pmcid:…`) of the papers that it retracts in full
    """

    notice: bool = False
    retraction: str | None = None
    retracts: tuple[str, ...] = ()


def status_of(article_type: str | None, meta: etree._Element | None, related: Sequence[Related]) -> Status:
    """Reads the status of an article; meta: the <article-meta>."""
    article_type = (article_type or "").lower()
    kinds = {article_type, *_subjects(meta)}
    marks = set(_marks_of_titles(meta))
    targets = {other.kind.lower() for other in related}

    # A partial retraction corrects a paper, which remains valid; its notice may nevertheless be typed as a retraction.
    is_notice = not kinds.isdisjoint(_NOTICES)
    is_partial = not kinds.isdisjoint(_PARTIAL_NOTICES) or Mark.PARTIAL in marks
    if is_partial or (is_notice and _POINTS_TO_PARTIAL_RETRACTION in targets):
        return Status(notice=True)

    is_about_another = article_type in _EDITORIAL or not targets.isdisjoint(_POINTS_TO_RETRACTED_PAPER)
    if is_notice or (Mark.RETRACTION in marks and is_about_another):
        retracts = tuple(other.id for other in related if other.kind.lower() in _POINTS_TO_RETRACTED_PAPER)
        return Status(notice=True, retracts=retracts)
    return Status(retraction=_place_of_retraction(article_type, meta, targets, marks))


def _place_of_retraction(
    article_type: str, meta: etree._Element | None, targets: Collection[str], marks: Collection[Mark]
) -> str | None:
    """Returns the place that marks a paper as retracted, the most reliable first; None if there is none."""
    if article_type in _RETRACTED:
        return "article-type"
    if not _RETRACTED.isdisjoint(_subjects(meta)):
        return "subject"
    if not _POINTS_TO_NOTICE.isdisjoint(targets):
        return "related-article"
    if _has_date_of_retraction(meta):
        return "date"
    if any(text_of(version).strip().lower() in _RETRACTED for version in _versions(meta)):
        return "article-version"
    return "title" if marks else None


def is_scan(xml: bytes, custom: Mapping[str, str]) -> bool:
    """Returns whether the article is a scan of print: its images are pages, and its text comes from OCR."""
    if custom.get("pmc-prop-is-scanned-article", "").lower() in ("yes", "true", "1"):
        return True
    return b"pmc-ocr-text" in xml


def _marks_of_titles(meta: etree._Element | None) -> Iterator[Mark]:
    """Yields the marks in all titles of an article: its own, its subtitle, short and translated ones."""
    group = child(meta, "title-group")
    if group is None:
        return
    for title in group.iter("{*}article-title", "{*}subtitle", "{*}alt-title", "{*}trans-title", "{*}trans-subtitle"):
        mark = mark_in(title_of(title))
        if mark is not None:
            yield mark


def _has_date_of_retraction(meta: etree._Element | None) -> bool:
    """Returns whether the history of the article has a date or an event of its retraction."""
    for element in _dates_and_events(meta):
        kinds = {(element.get(name) or "").lower() for name in ("date-type", "pub-type", "event-type")}
        description = fold(text_of(child(element, "event-desc")))
        if not kinds.isdisjoint(_RETRACTED_ON) or _DESCRIBED_AS_RETRACTED.match(description):
            return True
    return False


def _dates_and_events(meta: etree._Element | None) -> Iterator[etree._Element]:
    """Yields all dates of an article and the events of its history, each before its own dates."""
    for place in (meta, *children(meta, "history", "pub-history")):
        for element in children(place, "event", "date", "pub-date"):
            yield element
            yield from children(element, "date", "pub-date")


def _versions(meta: etree._Element | None) -> list[etree._Element]:
    alternatives = children(meta, "article-version-alternatives")
    return [version for place in (meta, *alternatives) for version in children(place, "article-version")]


def _subjects(meta: etree._Element | None) -> list[str]:
    groups = children(child(meta, "article-categories"), "subj-group")
    return [fold(text_of(subject)).lower() for group in groups for subject in children(group, "subject")]
