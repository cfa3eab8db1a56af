"""Makes questions from the captions and concepts of held-out images, for `roco evaluate grounding`.

The same index gives the same questions. Templates have no words that a search looks for, other than those of the
caption and the concepts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roco.base import labels
from roco.base.errors import DataError, UsageError
from roco.base.schema import SPLITS
from roco.base.terminal import excerpt
from roco.baselines.retrieve.index import Index
from roco.baselines.retrieve.questions import content_words

CONCEPT, PAIR, CAPTION, TERMS = "concept", "modality and concept", "caption", "words of the caption"
KINDS = (CONCEPT, PAIR, CAPTION, TERMS)
TEMPLATES = {
    CONCEPT: "What do images of {concept} show?",
    PAIR: "What does {modality} show of {concept}?",
    CAPTION: "Which other images show this: “{caption}”?",
    TERMS: "Which images show {terms}?",
}
TERMS_AT_ONCE = 3
SHORTEST_TERM = 3
"""Letters of a word of a caption that is asked for."""
LONGEST_CAPTION = 300
MOST_QUESTIONS = 10_000
SOURCE_SPLIT = "train"
"""The split that answers have to cite."""
_HELD_OUT = tuple(split for split in SPLITS if split != SOURCE_SPLIT)

HELD_OUT = "held-out"
"""Stands for the splits whose images are no sources."""

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_ROWS = 10_000  # rows that are read at once


@dataclass(frozen=True)
class Question:
    """A question made from a held-out image.

    id, article: of the image. asked: the concepts that the question names; none if it is made from the caption.
    concepts: those of the image.
    """

    kind: str
    text: str
    id: str
    article: str
    asked: frozenset[str]
    concepts: frozenset[str]


def questions(index: Index, n: int = 100, split: str = "test") -> list[Question]:
    """Returns up to n questions made from the images of a split, of each kind in turn; split: valid, test or held-out.

    Images are taken in the order of the hashes of their ids, and concepts of an image in that of the hashes of id and
    CUI. No text occurs twice. Raises UsageError for the split of the sources, DataError if no question can be made.
    """
    if split not in (*_HELD_OUT, HELD_OUT):
        what = f"no questions from '{excerpt(split)}' (--split)"
        raise UsageError(what, f"choose {', '.join(_HELD_OUT)} or {HELD_OUT}: sources are from {SOURCE_SPLIT}")
    if not 1 <= n <= MOST_QUESTIONS:
        raise UsageError(f"{n} questions (--questions)", f"give 1 to {MOST_QUESTIONS:,}")
    splits = _HELD_OUT if split == HELD_OUT else (split,)
    rows = sorted((row for row in figures(index) if row["split"] in splits), key=lambda row: _hash(row["id"]))
    queues = [list(_of_image(row, index.names)) for row in rows]
    # Each image gives one question a round, and the first one is of another kind than that of the image before.
    queues = [_rotated(queue, number) for number, queue in enumerate(queues)]
    found: dict[str, Question] = {}
    while len(found) < n and any(queues):
        for queue in queues:
            while queue and queue[0].text in found:
                queue.pop(0)
            if queue and len(found) < n:
                question = queue.pop(0)
                found[question.text] = question
    if not found:
        what = f"no questions can be made from the split {split} of {index.path}"
        raise DataError(what, "index a release whose images of this split have captions or concepts with names")
    return list(found.values())


def figures(index: Index) -> Iterator[Mapping[str, Any]]:
    """Yields the rows of an index."""
    for start in range(0, len(index), _ROWS):
        yield from index.store.rows(range(start, min(start + _ROWS, len(index))))


def _of_image(row: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Question]:
    """Yields the questions of an image, each kind in turn as long as it has concepts."""
    id, article, concepts = row["id"], row["article_key"] or row["id"], frozenset(row["concepts"] or ())
    modalities, others = labels.cuis("modality"), labels.cuis("modality") | labels.cuis("direction")
    named = sorted((cui for cui in concepts - others if names.get(cui, cui) != cui), key=lambda cui: _hash(id + cui))
    modality = next((cui for cui in sorted(concepts & modalities) if names.get(cui, cui) != cui), None)

    def question(kind: str, asked: Sequence[str], **values: str) -> Question:
        return Question(kind, TEMPLATES[kind].format(**values), id, article, frozenset(asked), concepts)

    caption = " ".join((row["caption"] or "").split())
    pairs = [] if modality is None else named[::-1]
    terms = _terms(caption)
    # With one concept, both kinds ask for it; with several, they begin at different ones.
    for number in range(max(len(named), len(terms), 1)):
        if number < len(named):
            yield question(CONCEPT, [named[number]], concept=names[named[number]])
        if modality is not None and number < len(pairs):
            asked = [modality, pairs[number]]
            yield question(PAIR, asked, modality=names[modality], concept=names[pairs[number]])
        if number == 0 and caption:
            yield question(CAPTION, [], caption=_cut(caption))
        if number < len(terms):
            yield question(TERMS, [], terms=terms[number])


def _terms(caption: str) -> list[str]:
    """Returns the words of a caption that are searched for, three at a time and each word once."""
    words: dict[str, str] = {}
    for word in _WORD.findall(content_words(caption)):
        if len(word) >= SHORTEST_TERM and content_words(word):
            words.setdefault(word.casefold(), word)
    listed = list(words.values())
    parts = [listed[start : start + TERMS_AT_ONCE] for start in range(0, len(listed), TERMS_AT_ONCE)]
    return [f"{', '.join(part[:-1])} and {part[-1]}" for part in parts if len(part) == TERMS_AT_ONCE]


def _cut(caption: str) -> str:
    """Returns the beginning of a caption, up to the end of a word."""
    if len(caption) <= LONGEST_CAPTION:
        return caption
    return caption[:LONGEST_CAPTION].rpartition(" ")[0] or caption[:LONGEST_CAPTION]


def _rotated(queue: list[Question], number: int) -> list[Question]:
    """Returns the questions of an image with another kind first, the rest in their order."""
    first = next((one for one in queue if one.kind == KINDS[number % len(KINDS)]), None)
    return queue if first is None else [first, *(one for one in queue if one is not first)]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
