"""Reads words of captions and of names alike: plurals, Greek and Latin endings, British spellings, hyphens."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).with_name("words.toml")

UNKNOWN = 0
"""The number of all words that no name and no cue contains."""

MOST_CACHED = 300_000  # written words of captions, about 40 MB
LONGEST_WORD = 60  # characters; longer ones are in no name

# Abbreviations with full stops (C.T.), words with their possessive, or single punctuation marks. White space, hyphens
# and slashes only separate words: X-ray equals X ray, PET/CT equals PET-CT.
_HYPHENS = "\\-\u00ad\u2010-\u2015\u2212"
_split = re.compile(rf"((?<![\w.])(?:[A-Z]\.){{2,4}}|[^\W_]+(?:['’]s(?![^\W_]))?|[^\w\s/{_HYPHENS}'’`])").split
_HYPHEN = re.compile(rf"[{_HYPHENS}]")
_ABBREVIATIONS = re.compile(r"([A-Z]{2,7})s")  # CTs, LVs
_GREEK = str.maketrans({"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "µ": "u", "μ": "u", "ß": "ss"})


class Tokens(NamedTuple):
    """The words of a text: as written, as numbers, and where each part of the text ends.

    ends: for the text before each word and the word itself, alternately; word k is text[ends[2k]:ends[2k + 1]].
    """

    written: list[str]
    numbers: list[int]
    parts: list[str]

    def ends(self) -> list[int]:
        return list(accumulate(map(len, self.parts)))


class Words(dict[str, int]):
    """Numbers of words as written; words that are compared alike have the same number, 1 and above.

    Each different written word is normalised once. Words get numbers within `learning`; outside of it, memory does not
    grow with the texts that are read, and all other words have the number UNKNOWN.
    """

    def __init__(self) -> None:
        super().__init__()
        self._numbers: dict[str, int] = {}
        self._is_learning = False
        self._cached = 0
        table = _table()
        with self.learning():
            self._prefixes = {self[prefix] for prefix in table.prefixes}
            self._opposites = {self[prefix] for prefix in table.opposites}
            pairs = [[self[part] for part in compound.split()] for compound in table.compounds]
        self._compounds = {(first, second) for first, second in pairs}
        self._openings = {first for first, _ in self._compounds}
        self._joints = self._prefixes | self._openings

    @contextmanager
    def learning(self) -> Iterator[None]:
        """Gives each new word of names and cues a number of its own; may be entered again."""
        was_learning = self._is_learning
        if self._cached:
            self.clear()  # words of texts that were unknown
            self._cached = 0
        self._is_learning = True
        try:
            yield
        finally:
            self._is_learning = was_learning

    def __missing__(self, written: str) -> int:
        if len(written) > LONGEST_WORD:
            return UNKNOWN
        word = normal(written)
        if self._is_learning:
            number = self._numbers.setdefault(word, len(self._numbers) + 1)
        else:
            number = self._numbers.get(word, UNKNOWN)
            self._cached += 1
            if self._cached > MOST_CACHED:
                self.clear()
                self._cached = 0
        self[written] = number
        return number

    def key(self, text: str) -> tuple[int, ...]:
        """Returns the numbers of the words of a name."""
        words = text.split()
        joints = self._openings
        if not "".join(words).isalnum():  # most names are letters and spaces, without a hyphen after a prefix
            words = _split(text)[1::2]
            joints = self._joints
        numbers = tuple(map(self.__getitem__, words))
        return numbers if joints.isdisjoint(numbers) else tuple(self.tokens(text).numbers)

    def tokens(self, text: str) -> Tokens:
        """Returns the words of a text."""
        parts = _split(text)
        written = parts[1::2]
        numbers = [self[word] for word in written]
        if not self._joints.isdisjoint(numbers):
            joined = self._joined(parts, numbers)
            if joined is not parts:
                written = joined[1::2]
                return Tokens(written, [self[word] for word in written], joined)
        return Tokens(written, numbers, parts)

    def _joined(self, parts: list[str], numbers: Sequence[int]) -> list[str]:
        """Returns the parts of a text with the words joined that are written in one elsewhere."""
        joints = [k for k in range(len(numbers) - 1) if numbers[k] in self._joints and self._joins(parts, numbers, k)]
        if not joints:
            return parts
        joined: list[str] = []
        at = 0
        for k in joints:
            first = 2 * k + 1
            if first < at:
                # The third part of "port-a-cath"; the joint before has taken the word.
                joined[-1] += "".join(parts[at : first + 3])
            else:
                joined += parts[at:first]
                joined.append("".join(parts[first : first + 3]))
            at = first + 3
        return joined + parts[at:]

    def _joins(self, parts: Sequence[str], numbers: Sequence[int], k: int) -> bool:
        between, following = parts[2 * k + 2], parts[2 * k + 3]
        if len(following) < 3 or not following.isalpha():
            return False
        if len(parts[2 * k + 1]) > 1 and following.isupper() != parts[2 * k + 1].isupper():
            return False  # post-CT
        is_hyphen = len(between) == 1 and _HYPHEN.match(between) is not None
        if is_hyphen and numbers[k] in self._prefixes:
            # "post-thrombolysis" remains two words if no name has it in one, but "non-contrast" is not contrast.
            is_known = self["".join(parts[2 * k + 1 : 2 * k + 4])] != UNKNOWN
            return is_known or numbers[k] in self._opposites
        return (is_hyphen or between == " ") and (numbers[k], numbers[k + 1]) in self._compounds


def normal(written: str) -> str:
    """Returns a word as it is compared: in lower case and the singular, in American spelling, without accents."""
    if not written.isascii():
        written = unicodedata.normalize("NFKD", written.translate(_GREEK))
        written = "".join(char for char in written if not unicodedata.combining(char))
        written = _HYPHEN.sub("", written).replace("’", "'")
    if len(written) < 2:
        return written.lower()
    word = written.removesuffix("'s").replace(".", "").replace("-", "").replace(" ", "")
    abbreviation = _ABBREVIATIONS.fullmatch(word)
    if abbreviation:
        return abbreviation[1].lower()
    word = word.lower()
    table = _table()
    if len(word) < 4 or not word.isalpha():
        return table.plurals.get(word, word)
    word = _american(table.plurals.get(word) or _singular(word))
    return table.spellings.get(word, word)


def _singular(word: str) -> str:
    """Returns the singular of a regular plural; some words become no real word, but always the same one."""
    if word.endswith("s"):
        return _without_s(word)
    if word.endswith("ae"):
        return word[:-1]
    if word.endswith("mata") and len(word) > 6:
        return word[:-2]
    if word.endswith("i") and word[-2] not in "aou":
        return f"{word[:-1]}us" if not word.endswith("ii") else f"{word[:-2]}ius"
    return word


def _without_s(word: str) -> str:
    if word.endswith(("ss", "us")):
        return word
    if word.endswith("is"):
        # -sis and -ses are both compared as -se: stenosis, stenoses; diseases, disease.
        return f"{word[:-2]}e" if len(word) > 5 and word.endswith(("asis", "esis", "osis", "ysis")) else word
    if word.endswith("itides"):
        return f"{word[:-3]}s"
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes", "zzes", "uses")):
        return word[:-2]
    return word[:-1]


def _american(word: str) -> str:
    """Returns the American spelling of a word, and with it the one of all words that differ as the British one does."""
    length = len(word)
    if length > 4:
        word = word.replace("ae", "e")
        if not word.endswith("oe"):
            word = word.replace("oe", "e")
        if word.endswith("re") and word[-3] not in "aeiou":
            word = f"{word[:-2]}er"
    if length > 5:
        if "our" in word and not word.endswith("ourse"):
            word = word[:2] + word[2:].replace("our", "or")
        if word.endswith("gramme"):
            word = word[:-2]
        if word.startswith("leuc"):
            word = f"leuk{word[4:]}"
        if word.endswith("is") or "is" in word[3:]:
            word = re.sub(r"is(?=(?:e|ed|ing|ation)$)", "iz", word)
        if word.endswith("yse"):
            word = f"{word[:-2]}ze"
        if word.endswith("ogue"):
            word = word[:-2]
    return word.replace("elled", "eled").replace("elling", "eling").replace("sulph", "sulf")


class _Table(NamedTuple):
    plurals: dict[str, str]
    spellings: dict[str, str]
    compounds: tuple[str, ...]
    prefixes: tuple[str, ...]
    opposites: tuple[str, ...]
    everyday: frozenset[str]


@cache
def _table() -> _Table:
    content = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    compounds = content["compounds"]
    return _Table(
        plurals=content["plurals"],
        spellings=content["spellings"],
        compounds=tuple(compounds["words"]),
        prefixes=tuple(compounds["prefixes"]),
        opposites=tuple(compounds["opposites"]),
        everyday=frozenset(content["everyday"]["words"]),
    )


def everyday() -> frozenset[str]:
    """Returns the words of any text, in lower case, which alone are no names."""
    return _table().everyday
