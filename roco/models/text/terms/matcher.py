"""Finds the names of a vocabulary in captions, in one pass: whole words, the longest match first."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

import ahocorasick_rs

from roco.models.text.terms.expansions import abbreviates
from roco.models.text.terms.meanings import CaptionMeanings
from roco.models.text.terms.other_meanings import DECOYS
from roco.models.text.terms.table import Terms

LONGEST_ABBREVIATION = 4  # names of at most this many capitals are matched case-sensitively

# Abbreviations with full stops (C.T.), words, or single punctuation marks. White space, hyphens and slashes only
# separate words: X-ray equals X ray, PET/CT equals PET-CT.
_TOKEN = re.compile(
    r"(?<![\w.])(?:[A-Z]\.){1,4}(?:[A-Z]\b\.?|(?<=\.[A-Z]\.))|[^\W_]+|[^\w\s/\-\u00ad\u2010-\u2015\u2212'’`]"
)


class Mention(NamedTuple):
    """One mention of a concept: CUI, character offsets in the text, and the text as written."""

    cui: str
    start: int
    end: int
    text: str


class _Token(NamedTuple):
    """A word as it is compared, without full stops in an abbreviation, and its place in the text."""

    text: str
    start: int
    end: int


class _Target(NamedTuple):
    """What a pattern of words means; exact: the only spelling that counts, None if any does."""

    cui: str | None  # None for a decoy
    exact: str | None


class TermMatcher:
    """Links captions to the concepts of a vocabulary; its speed does not depend on the size of the vocabulary."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        # Words of a name, joined -> its concepts, in the order of the vocabulary.
        self._targets: dict[str, list[_Target]] = {}
        for concept in terms.concepts:
            for name in concept.names:
                self._add(name, concept.cui)
        for decoy in DECOYS:
            self._add(decoy, None)
        self._patterns = list(self._targets)
        self._matcher: Any = ahocorasick_rs.AhoCorasick(
            self._patterns, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest
        )

    def __reduce__(self) -> tuple[type[TermMatcher], tuple[Terms]]:
        return type(self), (self.terms,)

    def link(self, text: str) -> list[Mention]:
        """Returns the mentions in a text, in order and without overlaps; offsets count code points of `text`."""
        tokens = _tokens(text)
        meanings = CaptionMeanings(text)
        joined, starts = _joined(token.text for token in tokens)
        found = []
        for pattern, start, end in self._matcher.find_matches_as_indexes(joined):
            first, beyond = bisect_left(starts, start), bisect_left(starts, end)
            cui = self._cui(self._patterns[pattern], tokens[first:beyond], text, meanings)
            if cui is not None:
                left, right = tokens[first].start, tokens[beyond - 1].end
                found.append(Mention(cui, left, right, text[left:right]))
        return found

    def _cui(self, pattern: str, tokens: list[_Token], text: str, meanings: CaptionMeanings) -> str | None:
        start, end = tokens[0].start, tokens[-1].end
        written = tokens[0].text if len(tokens) == 1 else text[start:end]
        for target in self._targets[pattern]:
            if target.exact is None:
                is_other = meanings.is_other_word(" ".join(pattern.split()), start, end)
                return None if is_other else target.cui
            if written == target.exact and target.cui is not None:
                is_other = meanings.is_other_abbreviation(
                    target.exact,
                    start,
                    end,
                    is_expanded_by=partial(self._means, target.cui, target.exact),
                    is_of_imaging=self._is_of_imaging(target.cui),
                )
                return None if is_other else target.cui
        return None

    def _means(self, cui: str, abbreviation: str, long_form: str) -> bool:
        """Returns whether a long form may have the meaning of a concept.

        It does if it contains one of its names, or that of a region or modality, which is no part of other long forms.
        Without a long form in the vocabulary nothing is known about other concepts.
        """
        if not self._is_of_imaging(cui):
            names = self.terms.by_cui[cui].names
            if not any(abbreviates(abbreviation, name) for name in names):
                return True
        return any(mention.cui == cui or self._is_of_imaging(mention.cui) for mention in self.link(long_form))

    def _is_of_imaging(self, cui: str) -> bool:
        return self.terms.by_cui[cui].kind != "concept"

    def _add(self, name: str, cui: str | None) -> None:
        letters = re.sub(r"[\W_]", "", name)
        exact = len(letters) <= LONGEST_ABBREVIATION and letters.isalpha() and letters.isupper()
        for form in _forms(name):
            words = [token.text for token in _tokens(form)]
            pattern, _ = _joined(words)
            if words:
                self._targets.setdefault(pattern, []).append(_Target(cui, form if exact else None))


def _tokens(text: str) -> list[_Token]:
    return [_Token(_compared(match[0]), match.start(), match.end()) for match in _TOKEN.finditer(text)]


def _compared(word: str) -> str:
    """Returns a word as it is compared: without full stops, and letters of full width as usual ones."""
    if not word.isascii():
        word = unicodedata.normalize("NFKC", word)
    return word.replace(".", "") if len(word) > 1 else word


def _joined(words: Iterable[str]) -> tuple[str, list[int]]:
    """Joins words, each between two spaces of its own, so that a match begins and ends with a word."""
    parts, starts, at = [], [], 0
    for word in words:
        part = f" {word.casefold()} "
        parts.append(part)
        starts.append(at)
        at += len(part)
    return "".join(parts), starts


def _forms(name: str) -> list[str]:
    """Returns the spellings of a name: itself, without hyphens, and their plurals (X-ray, X-rays, Xray, Xrays)."""
    forms = [name]
    if re.search(r"\w-\w", name) and len(name) <= 12:
        forms.append(name.replace("-", ""))
    return [*forms, *(plural for form in forms for plural in _plurals(form))]


def _plurals(name: str) -> list[str]:
    last = name[-1]
    if not last.isalpha() or (name.endswith("s") and not name.endswith("is")):
        return []
    if last.isupper():
        return [f"{name}s"]
    if name.endswith("is"):
        return [f"{name[:-2]}es"]
    if last == "y" and name[-2:-1] not in tuple("aeiou"):
        return [f"{name[:-1]}ies"]
    return [f"{name}s"]
