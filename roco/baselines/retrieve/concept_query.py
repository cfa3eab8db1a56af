"""A condition over the concepts of an image: names or CUIs with AND, OR, NOT and parentheses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import UsageError
from roco.base.ids import is_cui
from roco.base.terminal import excerpt
from roco.release.select.values import cui_of_name

LONGEST = 2_000  # characters
DEEPEST = 50  # parentheses within each other

_OPERATORS = ("AND", "OR", "NOT")
_TOKEN = re.compile(r'\s*(?:([()])|"([^"]*)"|([^\s()"]+))')
_HOW = 'write names or CUIs with AND, OR, NOT: --concepts "C0040405 AND NOT fracture"'

T = TypeVar("T")


@dataclass(frozen=True)
class Concept:
    """A concept that an image has."""

    cui: str


@dataclass(frozen=True)
class Not:
    """The opposite of a condition."""

    of: Condition


@dataclass(frozen=True)
class AllOf:
    """Conditions that all hold."""

    of: tuple[Condition, ...]


@dataclass(frozen=True)
class AnyOf:
    """Conditions of which one holds at least."""

    of: tuple[Condition, ...]


Condition = Concept | Not | AllOf | AnyOf


@dataclass(frozen=True)
class ConceptQuery:
    """A condition over concepts. text: as it was written. wanted: its CUIs that are not negated, sorted."""

    text: str
    condition: Condition
    wanted: tuple[str, ...]

    @classmethod
    def parsed(cls, text: str, names: Mapping[str, str]) -> ConceptQuery:
        """Returns the condition of a text. names: of the concepts that exist, by CUI.

        AND binds more tightly than OR. A name that contains an operator or a parenthesis is written in quotation marks.
        Raises UsageError, with the nearest name, for an unknown concept, and for a text that is no condition.
        """
        if len(text) > LONGEST:
            raise UsageError(f"a condition of more than {LONGEST:,} characters (--concepts)", "shorten it")
        parser = _Parser(list(_tokens(text)), names)
        condition = parser.whole()
        return cls(text, condition, tuple(sorted(set(_wanted(condition)))))

    def holds(self, has: Callable[[str], NDArray[np.bool_]]) -> NDArray[np.bool_]:
        """Returns for which images the condition holds. has: which images have a concept."""
        return _holds(self.condition, has)

    def jaccard(self, concepts: Iterable[str]) -> float:
        """Returns the Jaccard index of the concepts of an image with those that are wanted."""
        own, wanted = set(concepts), set(self.wanted)
        return len(own & wanted) / max(1, len(own | wanted))


def _holds(condition: Condition, has: Callable[[str], NDArray[np.bool_]]) -> NDArray[np.bool_]:
    if isinstance(condition, Concept):
        return has(condition.cui)
    if isinstance(condition, Not):
        return ~_holds(condition.of, has)
    masks = [_holds(one, has) for one in condition.of]
    together: NDArray[np.bool_] = (
        np.logical_and.reduce(masks) if isinstance(condition, AllOf) else np.logical_or.reduce(masks)
    )
    return together


def _wanted(condition: Condition, is_negated: bool = False) -> Iterator[str]:
    if isinstance(condition, Concept):
        if not is_negated:
            yield condition.cui
    elif isinstance(condition, Not):
        yield from _wanted(condition.of, not is_negated)
    else:
        for one in condition.of:
            yield from _wanted(one, is_negated)


# --- syntax -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Token:
    """A parenthesis, an operator (both `is_sign`), or a word or quoted text of a name."""

    text: str
    is_sign: bool


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = _TOKEN.match(stripped, at)
        if match is None:
            raise UsageError("a quotation mark is not closed (--concepts)", _HOW)
        at = match.end()
        sign, quoted, word = match.groups()
        if sign:
            yield _Token(sign, True)
        elif quoted is not None:
            yield _Token(quoted, False)
        else:
            yield _Token(word, word in _OPERATORS)


class _Parser:
    """Reads tokens from left to right."""

    def __init__(self, tokens: list[_Token], names: Mapping[str, str]) -> None:
        self._tokens, self._names = tokens, names
        self._at = self._depth = 0

    def whole(self) -> Condition:
        condition = self._any()
        if self._at < len(self._tokens):
            raise _unexpected(self._tokens[self._at].text)
        return condition

    def _next(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _takes(self, sign: str) -> bool:
        """Returns whether the next token is this sign, and reads it."""
        token = self._next()
        if token is None or not token.is_sign or token.text != sign:
            return False
        self._at += 1
        return True

    def _any(self) -> Condition:
        conditions = [self._all()]
        while self._takes("OR"):
            conditions.append(self._all())
        return conditions[0] if len(conditions) == 1 else AnyOf(tuple(conditions))

    def _all(self) -> Condition:
        conditions = [self._one()]
        while self._takes("AND"):
            conditions.append(self._one())
        return conditions[0] if len(conditions) == 1 else AllOf(tuple(conditions))

    def _one(self) -> Condition:
        self._depth += 1
        if self._depth > DEEPEST:
            raise UsageError("too many conditions within each other (--concepts)", "shorten it")
        try:
            if self._takes("NOT"):
                return Not(self._one())
            if self._takes("("):
                condition = self._any()
                if not self._takes(")"):
                    raise UsageError("a parenthesis is not closed (--concepts)", _HOW)
                return condition
            return Concept(self._cui())
        finally:
            self._depth -= 1

    def _cui(self) -> str:
        """Reads the words of one name, or a CUI; returns the CUI."""
        words = []
        token = self._next()
        while token is not None and not token.is_sign:
            words.append(token.text)
            self._at += 1
            token = self._next()
        name = " ".join(" ".join(words).split())
        if not name:
            raise _unexpected(token.text if token else "")
        if is_cui(name.upper()) and name.upper() in self._names:
            return name.upper()
        return cui_of_name(name, self._names, "--concepts")


def _unexpected(text: str) -> UsageError:
    where = f"before '{excerpt(text)}'" if text else "at the end"
    return UsageError(f"a concept is missing {where} (--concepts)", _HOW)
