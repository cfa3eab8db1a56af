"""What a linker gets wrong: the concepts that it misses or wrongly predicts most often, and every disagreement."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa

from roco.evaluate.linkers.predicted import Compared, Links
from roco.models.text.linking.linker import Described
from roco.release.captioned import Row

EXAMPLES = 3
EXCERPT = 160
"""Captions that are shown of a concept, and characters of each."""
MOST_WORDS = 3
"""Different words that are shown of a wrongly predicted concept."""

MISSED, FALSE = "missed", "false"

COLUMNS = {
    "kind": pa.string(), "cui": pa.string(), "name": pa.string(), "tuis": pa.string(), "id": pa.string(),
    "article": pa.string(), "split": pa.string(), "words": pa.string(), "start": pa.int64(), "end": pa.int64(),
    "score": pa.float64(), "negated": pa.bool_(), "linker": pa.string(), "caption": pa.string(),
}  # fmt: skip
"""Columns of the table of disagreements; words to linker are empty for missed concepts."""

Describe = Callable[[str], Described | None]
"""Name and semantic types of a concept, or None if it is unknown."""


class Example(NamedTuple):
    """A caption in which a concept is missed or false: its id, and the part around the words that were linked."""

    id: str
    text: str


class Miss(NamedTuple):
    """A concept that is often missed or wrongly predicted.

    n: captions; of: captions that have it (missed), or for which it is predicted (false). words: the words that were
    linked to it, most often first, in lower case.
    """

    kind: str
    cui: str
    name: str
    n: int
    of: int
    words: tuple[str, ...]
    examples: tuple[Example, ...]


class _Place(NamedTuple):
    row: Row
    links: Links


def worst(compared: Compared, describe: Describe, most: int = 10) -> list[Miss]:
    """Returns the concepts that are missed most often, then those that are wrongly predicted most often.

    most: how many of each. Ties are ordered by CUI; the examples are the shortest captions, of different articles.
    """
    n_gold = Counter(cui for cuis in compared.gold for cui in cuis)
    n_predicted = Counter(cui for cuis in compared.predicted for cui in cuis)
    missed, false = _places(compared)
    misses = []
    for kind, places, of in ((MISSED, missed, n_gold), (FALSE, false, n_predicted)):
        order = sorted(places, key=lambda cui: (-len(places[cui]), cui))
        for cui in order[:most]:
            described = describe(cui)
            words = Counter(
                mention.text.lower() for place in places[cui] for mention in place.links.mentions if mention.cui == cui
            )
            frequent = sorted(words, key=lambda word: (-words[word], word))
            miss = Miss(
                kind, cui, described.name if described else "", len(places[cui]), of[cui],
                tuple(frequent[:MOST_WORDS]), tuple(_examples(cui, places[cui], described)),
            )  # fmt: skip
            misses.append(miss)
    return misses


def disagreements(compared: Compared, describe: Describe) -> pa.Table:
    """Returns one row for each missed and each wrongly predicted concept of a caption; see COLUMNS.

    Missed concepts come first, ordered by concept, so that one can be read after the other.
    """
    rows = []
    for kind, places in zip((MISSED, FALSE), _places(compared), strict=True):
        for cui in sorted(places, key=lambda cui: (-len(places[cui]), cui)):
            described = describe(cui) or Described("")
            for row, links in places[cui]:
                cells = {
                    "kind": kind, "cui": cui, "name": described.name, "tuis": ";".join(described.tuis), "id": row.id,
                    "article": row.group, "split": row.split, "caption": row.caption,
                }  # fmt: skip
                rows.append(cells | _origin(cui, links))
    return pa.Table.from_pylist(rows, schema=pa.schema(COLUMNS.items()))


def _places(compared: Compared) -> tuple[dict[str, list[_Place]], dict[str, list[_Place]]]:
    """Returns the captions in which each concept is missed, and those for which it is wrongly predicted."""
    missed: defaultdict[str, list[_Place]] = defaultdict(list)
    false: defaultdict[str, list[_Place]] = defaultdict(list)
    for row, gold, predicted, links in zip(
        compared.rows, compared.gold, compared.predicted, compared.links, strict=True
    ):
        place = _Place(row, links)
        for cui in gold - predicted:
            missed[cui].append(place)
        for cui in predicted - gold:
            false[cui].append(place)
    return dict(missed), dict(false)


def _origin(cui: str, links: Links) -> dict[str, object]:
    """Returns what the linker says of a concept: its first mention, or the suggestion; nothing if rules made it."""
    for mention in links.mentions:
        if mention.cui == cui:
            return {
                "words": mention.text, "start": mention.start, "end": mention.end, "score": mention.score,
                "negated": mention.negated, "linker": mention.linker,
            }  # fmt: skip
    for suggestion in links.suggestions:
        if suggestion.cui == cui:
            return {"score": suggestion.score, "linker": suggestion.linker}
    return {}


def _examples(cui: str, places: Sequence[_Place], described: Described | None) -> Iterator[Example]:
    """Yields up to EXAMPLES captions, of different articles, the shortest first."""
    articles = set()
    for row, links in sorted(places, key=lambda place: (len(place.row.caption), place.row.id)):
        if row.group in articles:
            continue
        articles.add(row.group)
        at = next((mention.start for mention in links.mentions if mention.cui == cui), None)
        if at is None:
            at = row.caption.lower().find(described.name.lower()) if described and described.name else 0
        yield Example(row.id, _around(row.caption, max(0, at)))
        if len(articles) == EXAMPLES:
            return


def _around(text: str, at: int) -> str:
    """Returns at most EXCERPT characters of a text that contain the one at a place."""
    start = max(0, min(at - EXCERPT // 2, len(text) - EXCERPT))
    end = start + EXCERPT
    before, after = "…" if start else "", "…" if end < len(text) else ""
    return before + " ".join(text[start:end].split()) + after
