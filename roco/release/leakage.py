"""Finds what relates two images, and counts the relations that cross the splits of a dataset."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

TIE_COLUMNS = ("figure_id", "article_key", "duplicate_group", "similar_group", "caption")
"""The columns that `tie_keys` reads."""

KINDS = ("article", "duplicate", "similar", "caption")

MIN_CAPTION_WORDS = 8
"""Equal captions relate images only from this number of words on: short captions are often equal by chance."""


def tie_keys(row: Mapping[str, Any]) -> Iterator[str]:
    """Yields the keys that images of different splits must not share: `KIND VALUE`, one of `KINDS`.

    Images of one article, of one group of duplicates or near-duplicates, and with the same long caption share a key.
    """
    yield f"article {row['article_key'] or row['figure_id']}"
    for kind in ("duplicate", "similar"):
        group = row.get(f"{kind}_group")
        if group:
            yield f"{kind} {group}"
    words = (row.get("caption") or "").casefold().split()
    if len(words) >= MIN_CAPTION_WORDS:
        yield f"caption {hashlib.blake2b(' '.join(words).encode(), digest_size=16).hexdigest()}"


def leakage(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Counts, by kind, the articles, groups and captions that have images in more than one split."""
    splits_by_tie: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        for tie in tie_keys(row):
            splits_by_tie[tie].add(row["split"])
    crossing: Counter[str] = Counter()
    for tie, splits in splits_by_tie.items():
        if len(splits) > 1:
            crossing[tie.partition(" ")[0]] += 1
    return {kind: crossing[kind] for kind in KINDS}
