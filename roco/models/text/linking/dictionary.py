"""The linker `dictionary`: finds the names of a vocabulary in captions, whatever the vocabulary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from roco.models.text.linking.abbreviations import defined, replaced
from roco.models.text.linking.assertion import Cues, Span
from roco.models.text.linking.hidden_phrases import phrases
from roco.models.text.linking.linker import Described, Mention
from roco.models.text.linking.name_forms import is_adjective, other_structures
from roco.models.text.linking.names import NOTHING, Key, Names, Value
from roco.models.text.linking.short_forms import SCORE as DECIDED
from roco.models.text.linking.short_forms import CaptionShortForms, shipped
from roco.models.text.linking.words import Tokens, Words
from roco.models.text.panels import without_letters
from roco.models.text.terms.meanings import CaptionMeanings
from roco.models.text.terms.other_meanings import MEANINGS
from roco.models.text.vocabulary.table import Vocabulary

NAME = "dictionary"
ANATOMY = frozenset(("T023", "T024", "T029", "T030"))
"""Semantic types of organs, tissues, regions and spaces of the body."""

AMBIGUOUS = 0.6
"""The score of a name that several concepts share."""


class _Found(NamedTuple):
    """A concept at words of a caption."""

    span: Span
    cui: str
    score: float


class Dictionary:
    """Links captions to the concepts of a vocabulary: the longest names on word boundaries, left to right.

    Plurals, hyphens, Latin endings and British spellings are read alike. An abbreviation that the caption defines has
    the concept of its long form; other ambiguous short forms need words in the caption that show their meaning. A
    mention is marked as negated or uncertain. The time for a caption grows with its length, not with the vocabulary.
    """

    name = NAME
    heavy = False

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._words = Words()
        self._names = Names(self._words)
        self._names.build((concept.cui, concept.names) for concept in vocabulary.concepts)
        self._names.put(phrases(), NOTHING)
        self._cues = Cues(self._words)
        with self._words.learning():
            self._short_forms = {self._words[form] for form in shipped()}
        self._doubtful = {self._words.key(name)[0] for name in ("X-ray", *MEANINGS)}
        with self._words.learning():
            self._others = {self._words[word] for word in other_structures()}
        self._adjectives = {self._words[word] for word in self._organ_adjectives()}
        self._checked = self._doubtful | self._short_forms | self._adjectives

    def _organ_adjectives(self) -> Iterator[str]:
        for concept in self.vocabulary.concepts:
            if not ANATOMY.isdisjoint(concept.tuis):
                yield from filter(is_adjective, concept.names)

    def __reduce__(self) -> tuple[type[Dictionary], tuple[Vocabulary]]:
        return type(self), (self.vocabulary,)

    def describe(self, cui: str) -> Described | None:
        concept = self.vocabulary.by_cui.get(cui)
        return Described(concept.name, concept.tuis) if concept else None

    def link(self, captions: Sequence[str]) -> list[list[Mention]]:
        return [self._link(caption) for caption in captions]

    def _link(self, text: str) -> list[Mention]:
        caption = _Caption(text, self._words.tokens(text))
        found = self._found(caption)
        if not found:
            return []
        assertions = self._cues.assertions(caption.tokens.numbers, [one.span for one in found])
        mentions = []
        for (span, cui, score), assertion in zip(found, assertions, strict=True):
            start, end = caption.offsets(span)
            mentions.append(Mention(start, end, text[start:end], cui, score, *assertion, NAME))
        return mentions

    def _found(self, caption: _Caption) -> list[_Found]:
        """Returns the concepts in a caption, in order."""
        long_of, confirmed = self._long_forms(caption.without_letters)
        found = self._in_long_text(caption, long_of) if long_of else self._in_text(caption)
        if self._short_forms.isdisjoint(caption.tokens.numbers):
            return found
        decided = self._ambiguous(caption, long_of, confirmed, {place for one in found for place in range(*one.span)})
        return sorted(found + decided) if decided else found

    def _long_forms(self, text: str) -> tuple[dict[str, Key], dict[str, Value]]:
        """Returns the abbreviations that a caption defines: otherwise than the vocabulary, and alike.

        The former with the words of their long form, none if the vocabulary lacks it; the latter with their concept.
        """
        long_of: dict[str, Key] = {}
        confirmed: dict[str, Value] = {}
        for abbreviation, name, long in defined(text, self._names):
            alone = self._alone(abbreviation)
            # "magnetic resonance venogram (MRV)" confirms that MRV is magnetic resonance.
            values = [self._names.value(name)] if name else [match.value for match in self._names.matches(long)]
            if alone and alone in values:
                confirmed[abbreviation] = alone
            else:
                long_of[abbreviation] = name
        return long_of, confirmed

    def _alone(self, abbreviation: str) -> Value | None:
        """Returns what the vocabulary says that an abbreviation means."""
        key = self._words.key(abbreviation)
        value = self._names.value(key)
        if isinstance(value, tuple) and len(value) == 1:
            return (
                value[0] if any(choice.spelling == abbreviation for choice in self._names.choices(key, value)) else None
            )
        return value

    def _in_text(self, caption: _Caption) -> list[_Found]:
        found = []
        numbers = tuple(caption.tokens.numbers)
        for first, beyond, value in self._names.matches(numbers):
            if isinstance(value, str) and value and numbers[first] not in self._checked:
                found.append(_Found(Span(first, beyond), value, 1.0))  # most names
                continue
            concept = self._concept(caption, Span(first, beyond), numbers[first:beyond], value)
            if concept:
                found.append(concept)
        return found

    def _in_long_text(self, caption: _Caption, long_of: dict[str, Key]) -> list[_Found]:
        """Returns the concepts in a caption read with long forms in the place of its abbreviations."""
        long = replaced(caption.tokens.written, caption.tokens.numbers, long_of)
        inside = [*long.inside, False]
        found = []
        for first, beyond, value in self._names.matches(long.numbers):
            if inside[first] or inside[beyond]:
                continue  # a part of a long form
            span = Span(long.places[first], long.places[beyond - 1] + 1)
            concept = self._concept(caption, span, tuple(long.numbers[first:beyond]), value)
            if concept:
                found.append(concept)
        return found

    def _concept(self, caption: _Caption, span: Span, key: Key, value: Value) -> _Found | None:
        """Returns which concept the words of a name mean here, None if none of the vocabulary.

        key: the words of the name; others than those of the caption if these are an abbreviation.
        """
        if not value:
            return None
        written = caption.written(span)
        if len(key) == 1 and written in shipped():
            is_defined = key[0] != caption.tokens.numbers[span.first]
            if not is_defined or (written == "US" and caption.is_country(span)):
                return None  # an ambiguous short form
        if key[0] in self._adjectives and self._is_of_other_structure(caption, span):
            return None
        if caption.tokens.numbers[span.first] in self._doubtful and caption.is_other_word(span):
            return None
        if isinstance(value, str):
            return _Found(span, value, 1.0)
        choices = self._names.choices(key, value)
        exact = [choice for choice in choices if choice.exact and choice.spelling == written]
        if exact:
            is_other = caption.is_in_capitals or (written in MEANINGS and caption.is_other_abbreviation(written, span))
            return None if is_other else _Found(span, exact[0].cui, 1.0)
        others = [choice for choice in choices if not choice.exact]
        same = [choice for choice in others if choice.spelling == written.lower()]
        cuis = {choice.cui for choice in same or others}
        if not cuis:
            return None
        return _Found(span, (same or others)[0].cui, 1.0 if len(cuis) == 1 else AMBIGUOUS)

    def _is_of_other_structure(self, caption: _Caption, span: Span) -> bool:
        """Returns whether an adjective alone is a name, and the next word another organ: hepatic duct, bony canal."""
        numbers = caption.tokens.numbers
        return span.beyond == span.first + 1 < len(numbers) and numbers[span.beyond] in self._others

    def _ambiguous(
        self, caption: _Caption, long_of: dict[str, Key], confirmed: dict[str, Value], covered: set[int]
    ) -> list[_Found]:
        """Returns the ambiguous short forms outside of names whose meaning the caption shows."""
        found = []
        for place, number in enumerate(caption.tokens.numbers):
            if number not in self._short_forms or place in covered:
                continue
            form = caption.tokens.written[place].removesuffix("s").rstrip("'’").replace(".", "")
            if form not in shipped() or form in long_of:
                continue
            span = Span(place, place + 1)
            if form in confirmed:
                found.append(_Found(span, _first(confirmed[form]), 1.0))
                continue
            meaning = caption.short_forms.meaning(form, *caption.offsets(span))
            cui = self._cui(meaning.names) if meaning else None
            if cui:
                found.append(_Found(span, cui, DECIDED))
        return found

    def _cui(self, names: Sequence[str]) -> str | None:
        """Returns the concept of the first of some names that the vocabulary has."""
        for name in names:
            value = self._names.value(self._words.key(name))
            if value:
                return _first(value)
        return None


def _first(value: Value) -> str:
    return value if isinstance(value, str) else value[0]


class _Caption:
    """One caption and what is computed for it at most once."""

    def __init__(self, text: str, tokens: Tokens) -> None:
        self.text = text
        self.tokens = tokens

    @cached_property
    def ends(self) -> list[int]:
        return self.tokens.ends()

    @cached_property
    def without_letters(self) -> str:
        """The caption with blanks for panel letters: "CT (A), US (B)" names no long forms, and US is beside CT."""
        return without_letters(self.text)

    @cached_property
    def short_forms(self) -> CaptionShortForms:
        return CaptionShortForms(self.without_letters)

    @cached_property
    def is_in_capitals(self) -> bool:
        return self.text.isupper() and len(self.tokens.written) > 2

    @cached_property
    def _meanings(self) -> CaptionMeanings:
        return CaptionMeanings(self.without_letters)

    def offsets(self, span: Span) -> tuple[int, int]:
        return self.ends[2 * span.first], self.ends[2 * span.beyond - 1]

    def written(self, span: Span) -> str:
        """Returns the words of a span; of a single one without full stops and the s of a plural in capitals."""
        if span.beyond - span.first > 1:
            start, end = self.offsets(span)
            return self.text[start:end]
        word = self.tokens.written[span.first]
        if word.isupper():
            return word.replace(".", "")
        singular = word.removesuffix("s")
        return singular if singular.isupper() else word

    def is_other_word(self, span: Span) -> bool:
        """Returns whether words around a name show a meaning outside of radiology: "X-ray crystallography"."""
        start, end = self.offsets(span)
        name = self.text[start:end].lower().replace("-", " ")
        return self._meanings.is_other_word(name, start, end)

    def is_country(self, span: Span) -> bool:
        return self._meanings.is_country(*self.offsets(span))

    def is_other_abbreviation(self, form: str, span: Span) -> bool:
        start, end = self.offsets(span)
        return self._meanings.is_other_abbreviation(form, start, end, is_expanded_by=lambda _: True, is_of_imaging=True)
