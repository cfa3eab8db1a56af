"""The index of a vocabulary: which sequences of words name which concepts, and the longest of them in a text."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from roco.models.text.linking.name_forms import forms
from roco.models.text.linking.words import Words, everyday

Key = tuple[int, ...]
"""The numbers of the words of a name."""

MOST_WORDS = 16  # of a name, with its commas; longer ones occur in no caption
LONGEST_SHORT_FORM = 4  # names of at most this many letters, all capitals, are compared as written

NOTHING = ""
"""What phrases mean that hide the names in them."""


class Choice(NamedTuple):
    """One of the concepts that a sequence of words may name.

    spelling: the name in lower case, or as written if exact, when only this spelling counts.
    """

    cui: str
    spelling: str
    exact: bool
    preferred: bool


Value = str | tuple[str, ...]
"""What a sequence of words names: one CUI whatever the spelling, or several, or one of which the spelling counts."""


class Match(NamedTuple):
    """Words of a text that are a name: half-open numbers of the words, and what they name."""

    first: int
    beyond: int
    value: Value


class Names:
    """Names by the numbers of their words."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self._values: dict[Key, Value] = {}
        self._names: dict[str, Sequence[str]] = {}
        self._choices: dict[Key, tuple[Choice, ...]] = {}
        # First two words of names -> the numbers of words of these names, the longest first.
        self._sizes: dict[Key, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self._values)

    def build(self, concepts: Iterable[tuple[str, Sequence[str]]]) -> None:
        """Adds concepts, each a CUI with its names, the preferred one first."""
        was_enabled = gc.isenabled()
        gc.disable()  # millions of tuples without cycles are created
        try:
            with self.words.learning():
                for cui, names in concepts:
                    self._names[cui] = names
                    self._add(cui, names)
            self._find_sizes()
        finally:
            if was_enabled:
                gc.enable()

    def _add(self, cui: str, names: Sequence[str]) -> None:
        add, key_of = self._values.setdefault, self.words.key
        for name in names:
            exact = len(name) <= 2 * LONGEST_SHORT_FORM and is_short_form(name)
            for form in forms(name):
                key = key_of(form)
                if len(key) < 2:
                    if not key or (not exact and _is_everyday(form)):
                        continue
                elif len(key) > MOST_WORDS:
                    continue
                value = add(key, cui)
                if exact or value is not cui:
                    self._add_choice(key, value, cui)

    def _add_choice(self, key: Key, value: Value, cui: str) -> None:
        cuis = (value,) if isinstance(value, str) else value
        self._values[key] = tuple(dict.fromkeys((*cuis, cui)))

    def put(self, phrases: Iterable[str], value: str) -> None:
        """Adds phrases as they are, with one value; those that are names already remain what they were."""
        with self.words.learning():
            for phrase in phrases:
                self._values.setdefault(self.words.key(phrase), value)
        self._find_sizes()

    def value(self, key: Key) -> Value | None:
        """Returns what exactly these words name."""
        return self._values.get(key)

    def match(self, key: Key, at: int) -> Match | None:
        """Returns the longest name that begins at a word of a text."""
        for size in self._sizes.get(key[at : at + 2], (1,)):
            words = key[at : at + size]
            value = self._values.get(words)
            if value is not None:
                return Match(at, at + len(words), value)
        return None

    def matches(self, numbers: Sequence[int]) -> Iterator[Match]:
        """Yields the names in a text from left to right, at each place the longest, none inside of another.

        Takes at most as many look-ups for each word as there are different lengths of names.
        """
        key = tuple(numbers)
        values, sizes = self._values.get, self._sizes.get
        at, end = 0, len(key)
        while at < end:
            if key[at]:
                # As `match`, which would be called for every word.
                for size in sizes(key[at : at + 2], (1,)):
                    words = key[at : at + size]
                    value = values(words)
                    if value is not None:
                        yield Match(at, at + len(words), value)
                        at += len(words) - 1
                        break
            at += 1

    def choices(self, key: Key, cuis: Sequence[str]) -> tuple[Choice, ...]:
        """Returns the names that these words are, exact spellings and preferred names first."""
        choices = self._choices.get(key)
        if choices is None:
            found = [choice for cui in cuis for choice in self._named(key, cui)]
            choices = tuple(sorted(found, key=lambda choice: (not choice.exact, not choice.preferred)))
            self._choices[key] = choices
        return choices

    def _named(self, key: Key, cui: str) -> Iterator[Choice]:
        for place, name in enumerate(self._names[cui]):
            exact = is_short_form(name)
            for form in forms(name):
                if self.words.key(form) == key:
                    yield Choice(cui, form if exact else form.lower(), exact, place == 0)

    def _find_sizes(self) -> None:
        lengths: dict[Key, int] = {}
        get = lengths.get
        for key in self._values:
            size = len(key)
            if size > 1:
                start = key[:2]
                lengths[start] = get(start, 0) | 1 << size
        known: dict[int, tuple[int, ...]] = {}
        for start, bits in lengths.items():
            if bits not in known:
                # A single word is tried last.
                known[bits] = (*(size for size in range(bits.bit_length(), 1, -1) if bits >> size & 1), 1)
            self._sizes[start] = known[bits]


def is_short_form(name: str) -> bool:
    """Returns whether a name is a short form in capitals, of which other spellings are other words."""
    letters = name.replace(".", "")
    if len(letters) > LONGEST_SHORT_FORM:
        return False
    return letters.isalpha() and letters.isupper()


def _is_everyday(word: str) -> bool:
    return len(word) < 2 or word.isdigit() or word.lower() in everyday()
