"""Finds what an answer copies word for word from its sources."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from roco.baselines.retrieve.grounding.sentences import without_citations

SHORTEST_COPY = 12
"""Words in a row that count as a copy: shorter ones are phrases that everybody uses."""

_WORD = re.compile(r"[^\W_]+")


class Passage(NamedTuple):
    """A passage of an answer, from `start` to `end`, that source number `source` contains too; words: how many."""

    start: int
    end: int
    source: int
    words: int


def copied(answer: str, sources: Sequence[str], shortest: int = SHORTEST_COPY) -> list[Passage]:
    """Returns the passages of at least `shortest` words in a row that an answer shares with a source, in order.

    Upper and lower case, punctuation and citations make no difference. Passages do not overlap: the longest one counts,
    and the first of several sources. Time grows with the words of the answer times those of the sources.
    """
    if shortest < 1:
        raise ValueError("a copy has at least one word")
    words = _words(without_citations(answer))
    numbers: dict[str, int] = {}
    own = [numbers.setdefault(word, len(numbers)) for word, _, _ in words]
    runs: list[Passage] = []
    for number, source in enumerate(sources, start=1):
        other = np.array([numbers.get(word, -1) for word, _, _ in _words(source)], dtype=np.int64)
        runs += [
            Passage(first, last, number, last - first + 1)
            for first, last in _runs(own, other)
            if last - first + 1 >= shortest
        ]
    chosen = _without_overlap(runs, shortest)
    return [run._replace(start=words[run.start][1], end=words[run.end][2]) for run in chosen]


def holds(source: str, passage: str) -> bool:
    """Returns whether a source contains the words of a passage in a row, as `copied` compares them."""
    wanted = [word for word, _, _ in _words(without_citations(passage))]
    words = [word for word, _, _ in _words(source)]
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words) - len(wanted) + 1))


def _words(text: str) -> list[tuple[str, int, int]]:
    """Returns the words of a text, folded, each with its beginning and end."""
    return [
        (unicodedata.normalize("NFKC", match[0]).casefold(), match.start(), match.end())
        for match in _WORD.finditer(text)
    ]


def _runs(own: Sequence[int], other: np.ndarray) -> list[tuple[int, int]]:
    """Returns the first and last word of the longest run that ends at each word, where the run does not go on."""
    runs: list[tuple[int, int]] = []
    lengths = np.zeros(len(other) + 1, dtype=np.int64)  # lengths[j + 1]: of the run that ends at word j of the source
    longest_before = 0
    for at, word in enumerate(own):
        extended = np.zeros_like(lengths)
        extended[1:] = np.where(other == word, lengths[:-1] + 1, 0)
        longest = int(extended.max())
        if longest <= longest_before and longest_before:
            runs.append((at - longest_before, at - 1))
        lengths, longest_before = extended, longest
    if longest_before:
        runs.append((len(own) - longest_before, len(own) - 1))
    return runs


def _without_overlap(runs: Sequence[Passage], shortest: int) -> list[Passage]:
    """Returns the longest runs, and of those that overlap with a longer one the parts that are long enough."""
    chosen: list[Passage] = []
    taken: set[int] = set()
    for run in sorted(runs, key=lambda run: (-run.words, run.start, run.source)):
        for part in _free(run, taken):
            if part.words >= shortest:
                chosen.append(part)
                taken.update(range(part.start, part.end + 1))
    return sorted(chosen, key=lambda run: run.start)


def _free(run: Passage, taken: set[int]) -> list[Passage]:
    """Returns the parts of a run whose words are not taken."""
    parts: list[Passage] = []
    start = run.start
    for at in range(run.start, run.end + 2):
        if at <= run.end and at not in taken:
            continue
        if at > start:
            parts.append(Passage(start, at - 1, run.source, at - start))
        start = at + 1
    return parts
