"""Finds what relates two images, and counts the relations that cross the splits of a dataset."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    article = row.get("article_key") or row.get("figure_id")
    if article:
        yield f"article {article}"
    for kind in ("duplicate", "similar"):
        group = row.get(f"{kind}_group")
        if group:
            yield f"{kind} {group}"
    words = (row.get("caption") or "").casefold().split()
    if len(words) >= MIN_CAPTION_WORDS:
        yield f"caption {hashlib.blake2b(' '.join(words).encode(), digest_size=16).hexdigest()}"


class Ties(NamedTuple):
    """The keys of one kind: their number, and those with images in more than one split, with the ids of the images."""

    number: int
    crossing: Mapping[str, Sequence[str]]

    @property
    def images(self) -> int:
        """Returns the number of images that the crossing keys relate."""
        return sum(map(len, self.crossing.values()))


def ties(rows: Iterable[Mapping[str, Any]]) -> dict[str, Ties]:
    """Returns, by kind, how many articles, groups and captions there are, and which of them cross the splits.

    rows: split, the columns of TIE_COLUMNS, and id, without which images are named by their figure_id; a column that
    they lack relates no images.
    """
    members: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        for tie in tie_keys(row):
            members[tie].append((row["split"], row.get("id") or row["figure_id"]))
    numbers: Counter[str] = Counter()
    crossing: dict[str, dict[str, list[str]]] = {kind: {} for kind in KINDS}
    for tie, images in members.items():
        kind, _, value = tie.partition(" ")
        numbers[kind] += 1
        if len({split for split, _ in images}) > 1:
            crossing[kind][value] = [id for _, id in images]
    return {kind: Ties(numbers[kind], crossing[kind]) for kind in KINDS}


def leakage(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Counts, by kind, the articles, groups and captions that have images in more than one split."""
    return {kind: len(one.crossing) for kind, one in ties(rows).items()}
