"""Marks mentions of other linkers, which are given by offsets, as negated or uncertain, as `dictionary` does."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from roco.models.text.linking.assertion import Assertion, Cues, Span
from roco.models.text.linking.words import Words


class Asserted:
    """Reads the cues of captions; one instance knows the words of the cues only."""

    def __init__(self) -> None:
        self._words = Words()
        self._cues = Cues(self._words)

    def assertions(self, caption: str, places: Sequence[tuple[int, int]]) -> list[Assertion]:
        """Returns for each mention whether it is negated or uncertain; places: start and end, in code points."""
        tokens = self._words.tokens(caption)
        ends = tokens.ends()
        begins, ends = ends[0:-1:2], ends[1::2]
        spans = [Span(bisect_right(ends, start), bisect_left(begins, end)) for start, end in places]
        return self._cues.assertions(tokens.numbers, spans)
