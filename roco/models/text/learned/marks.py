"""Marks mentions that a caption negates or calls uncertain; learned models link them all the same."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from roco.models.text.linking.assertion import AFFIRMED, NEGATES, SUSPECTS, Assertion, Cues, Span, table
from roco.models.text.linking.words import Words


class Marks:
    """Judges mentions by the cues of the dictionary linker."""

    def __init__(self) -> None:
        self._words = Words()
        self._cues = Cues(self._words)
        phrases = [phrase for kind in (NEGATES, SUSPECTS) for phrase in table()[kind]["words"]]
        with self._words.learning():
            self._leading = {self._words.key(phrase)[0] for phrase in phrases}

    def assertions(self, text: str, places: Sequence[tuple[int, int]]) -> list[Assertion]:
        """Returns how a caption speaks of mentions; places: their offsets, in order of the first one.

        Mentions that overlap are judged as one. Cues at the begin of a mention belong to it: "no effusion".
        """
        if not places:
            return []
        tokens = self._words.tokens(text)
        ends = tokens.ends()
        begins_of_words, ends_of_words = ends[::2], ends[1::2]
        spans: list[Span] = []
        group: list[int] = []
        for start, end in places:
            first, beyond = bisect_right(ends_of_words, start), bisect_left(begins_of_words, end)
            if first >= beyond:
                group.append(-1)  # punctuation marks alone
                continue
            if spans and first < spans[-1].beyond:
                spans[-1] = spans[-1]._replace(beyond=max(beyond, spans[-1].beyond))
            else:
                spans.append(Span(first, beyond))
            group.append(len(spans) - 1)
        found = self._cues.assertions(tokens.numbers, [self._without_cue(tokens.numbers, span) for span in spans])
        return [found[number] if number >= 0 else AFFIRMED for number in group]

    def _without_cue(self, numbers: Sequence[int], span: Span) -> Span:
        first = span.first
        while first < span.beyond - 1 and numbers[first] in self._leading:
            first += 1
        return Span(first, span.beyond)
