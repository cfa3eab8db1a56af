"""Which files of an article are images of its own figures."""

from __future__ import annotations

from collections.abc import Sequence

from roco.sources.jats.article import Article
from roco.sources.matching import Images


def referred(article: Article, media: Sequence[str]) -> list[str]:
    """The files that an article's own figures are read from: no tables, supplements, videos, other renditions."""
    fit = Images(name for name in media if fits(name))
    found = []
    for figure in article.figures:
        if figure.drop is None and (files := [f for f in map(fit.find, figure.hrefs) if f]):
            found.append(files[0])
    return list(dict.fromkeys(found))


def fits(name: str) -> bool:
    """Whether the name of an object can be that of a file."""
    return (
        0 < len(name.encode()) <= 180
        and "/" not in name
        and "\\" not in name
        and not name.startswith(".")
        and name.isprintable()
    )
