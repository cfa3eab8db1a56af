"""Finds what relates two images, and counts the relations that cross the splits of a dataset."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

TIE_COLUMNS = ("figure_id", "article_key", "duplicate_group", "similar_group", "caption")
"""The columns that `tie_keys` reads."""

KINDS = ("article", "duplicate", "similar", "caption")

MIN_CAPTION_WORDS = 8
"""Equal captions relate images only from this number of words on: short captions are often equal by chance."""


def tie_keys(row: Mapping[str, Any]) -> Iterator[str]:
    """Yields the keys that images of different splits must not share: `KIND VALUE`, one of `KINDS`.

    Images of one article, of one group of duplicates or near-duplicates, and with the same long caption share a key.
    """
    yield f"article {row['article_key'] or row.get('figure_id')}"
    for kind in ("duplicate", "similar"):
        group = row.get(f"{kind}_group")
        if group:
            yield f"{kind} {group}"
    words = (row.get("caption") or "").casefold().split()
    if len(words) >= MIN_CAPTION_WORDS:
        yield f"caption {hashlib.blake2b(' '.join(words).encode(), digest_size=16).hexdigest()}"


class Crossing(NamedTuple):
    """How many articles, groups or captions have images in more than one split, and how many images they have."""

    groups: int
    images: int


def crossing(rows: Iterable[Mapping[str, Any]]) -> dict[str, Crossing]:
    """Counts, by kind, what has images in more than one split; a column that the rows lack relates no images."""
    splits_by_tie: defaultdict[str, set[str]] = defaultdict(set)
    images_by_tie: Counter[str] = Counter()
    for row in rows:
        for tie in tie_keys(row):
            splits_by_tie[tie].add(row["split"])
            images_by_tie[tie] += 1
    groups: Counter[str] = Counter()
    images: Counter[str] = Counter()
    for tie, splits in splits_by_tie.items():
        if len(splits) > 1:
            kind = tie.partition(" ")[0]
            groups[kind] += 1
            images[kind] += images_by_tie[tie]
    return {kind: Crossing(groups[kind], images[kind]) for kind in KINDS}


def leakage(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Counts, by kind, the articles, groups and captions that have images in more than one split."""
    return {kind: one.groups for kind, one in crossing(rows).items()}
