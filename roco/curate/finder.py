"""The query of the search page, and the interface of what answers it: the command passes an index."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

FILTERS = ("modality", "region", "license", "split")
"""The filters of the page that offer the values of the index."""

MOST_HITS = 200
"""Hits of one query."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One query of the search page; empty fields are not asked for.

    words, concepts: as they were typed. like: the id of an image of the index. image: the bytes of an uploaded file.
    by: how words are searched: words, dense or hybrid; empty for the default of the index.
    not_same_article: no images of the article of the query. diverse: hits that differ from each other. n: number of
    hits. filters: the values of each of FILTERS and of `year`; several are alternatives. commercial: only licences that
    allow commercial use.
    """

    words: str = ""
    concepts: str = ""
    by: str = ""
    like: str = ""
    image: bytes | None = None
    not_same_article: bool = False
    diverse: bool = False
    n: int = 10
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    commercial: bool = False


class Answer(NamedTuple):
    """The hits of a query as JSON values, the best first; a warning; and the encoders that compared, by method.

    Each hit has rank, score, id, split, caption, concepts, names, modality, region, license, attribution, link, year
    and matched, as `Hit.to_json` writes them.
    """

    hits: Sequence[Mapping[str, Any]]
    note: str = ""
    encoders: Mapping[str, str] = {}


class Finder(Protocol):
    """What searches for the page; its methods are called from several threads at once."""

    @property
    def title(self) -> str:
        """What is searched, such as the folder of the index."""

    def __len__(self) -> int: ...

    def values(self) -> Mapping[str, Sequence[str]]:
        """Returns the values that each of FILTERS offers, and those of `by` where it has more than one."""

    def find(self, wanted: Wanted) -> Answer:
        """Returns the hits; raises UsageError for an invalid query, RejectedInput for an invalid image."""

    def image(self, id: str) -> bytes:
        """Returns the image file of an id; raises UnknownFigure for an unknown one, NoImage if the file is missing."""


@dataclass(frozen=True, kw_only=True)
class SearchServer:
    """What one server of the search page serves; token, hosts and write_token as of `app_state.Server`."""

    finder: Finder
    token: str = ""
    hosts: frozenset[str] = frozenset()
    write_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
