"""What a linker is: captions in, mentions of concepts out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable


class Mention(NamedTuple):
    """One mention of a concept in a caption.

    start, end: half-open offsets in code points; text: the words as written. score: probability or similarity, 0 to 1;
    1 where a linker has none. negated, uncertain: how the caption speaks of it. linker: the linker's name.
    """

    start: int
    end: int
    text: str
    cui: str
    score: float = 1.0
    negated: bool = False
    uncertain: bool = False
    linker: str = ""


class Suggestion(NamedTuple):
    """A concept that a caption makes probable but that no words of it name; score: its probability."""

    cui: str
    score: float
    linker: str


class Described(NamedTuple):
    """Name and semantic types of a concept, as the linker knows them; tuis is empty where it knows none."""

    name: str
    tuis: tuple[str, ...] = ()


@runtime_checkable
class Linker(Protocol):
    """Links captions to UMLS concepts.

    heavy: whether one instance needs gigabytes of memory, so that few workers run at once. Mentions come in the order
    of their offsets; the result for a caption does not depend on the others of its batch.
    """

    @property
    def name(self) -> str: ...

    @property
    def heavy(self) -> bool: ...

    def link(self, captions: Sequence[str]) -> list[list[Mention]]: ...


@runtime_checkable
class Suggests(Protocol):
    """A linker that also suggests concepts without a span; mentions and suggestions of a caption share no CUI."""

    def link_and_suggest(self, captions: Sequence[str]) -> list[tuple[list[Mention], list[Suggestion]]]: ...


@runtime_checkable
class Describes(Protocol):
    """A linker that knows names and semantic types of its concepts; None for an unknown CUI."""

    def describe(self, cui: str) -> Described | None: ...
