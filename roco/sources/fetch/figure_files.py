"""Reads the XML of an article and selects the files that are images of its own figures."""

from __future__ import annotations

from collections.abc import Sequence

from roco.base.errors import RejectedInput
from roco.sources.assignment import Claim, assign
from roco.sources.jats.article import Article, parse
from roco.sources.matching import Images

MAX_NAME_BYTES = 180


def figure_files(article: Article, media: Sequence[str]) -> list[str]:
    """Returns the files of an article's own figures, without tables, supplements, videos and other renditions.

    media: names of all files that the metadata list.
    """
    images = Images(name for name in media if is_file_name(name))
    claims = [Claim(figure.hrefs) for figure in article.figures if figure.drop is None]
    return list(dict.fromkeys(assigned.files[0] for assigned in assign(claims, images) if assigned.files))


def parse_article(xml: bytes, pmcid: str) -> Article | None:
    """Parses the XML of an article; null where it is unreadable or of another article."""
    try:
        article = parse(xml)
    except RejectedInput:
        return None
    return article if article.pmcid in (None, pmcid) else None


def is_file_name(name: str) -> bool:
    """Returns whether the last part of a key can safely be used as the name of a file."""
    return (
        0 < len(name.encode()) <= MAX_NAME_BYTES
        and "/" not in name
        and "\\" not in name
        and not name.startswith(".")
        and name.isprintable()
    )
