"""Checks an answer against its sources: citations that exist, sentences without one, and passages copied verbatim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from roco.base.terminal import excerpt, printable
from roco.baselines.retrieve.grounding.copies import SHORTEST_COPY, Passage, copied, holds
from roco.baselines.retrieve.grounding.prompt import NOT_CLINICAL, REFUSAL, Prompt, credit_line, source_json
from roco.baselines.retrieve.grounding.sentences import cited, sentences, without_citations
from roco.baselines.retrieve.hits import Hit

LONGEST_ANSWER = 50_000  # characters

_OPENING, _CLOSING = "\"“„«'‘", "\"”“»'’"


@dataclass(frozen=True)
class Sentence:
    """A sentence of an answer. cited: sources that exist; unknown: numbers without a source.

    is_exempt: it needs no citation, because it is the refusal or the notice on clinical use.
    """

    start: int
    end: int
    text: str
    cited: tuple[int, ...]
    unknown: tuple[int, ...]
    is_exempt: bool = False

    @property
    def is_uncited(self) -> bool:
        """Whether the sentence needs a citation and has none that exists."""
        return not self.cited and not self.is_exempt


@dataclass(frozen=True)
class Copy:
    """A passage that a source contains word for word.

    words: how many; is_cited: the sentence cites the source; is_quoted: it is in quotation marks.
    """

    start: int
    end: int
    text: str
    words: int
    source: int
    is_cited: bool
    is_quoted: bool


@dataclass(frozen=True)
class CheckedAnswer:
    """An answer and what the check of it found. text: as the model wrote it; model: its name, empty if unknown.

    is_truncated: the model stopped at a limit of its length. notes: how the sources were found, one line each.
    """

    question: str
    text: str
    sources: tuple[Hit, ...]
    sentences: tuple[Sentence, ...]
    copies: tuple[Copy, ...]
    model: str = ""
    is_truncated: bool = False
    notes: tuple[str, ...] = ()

    @property
    def cited(self) -> tuple[int, ...]:
        """The numbers of the sources that the answer cites, ascending."""
        return tuple(sorted({number for sentence in self.sentences for number in sentence.cited}))

    @property
    def unknown(self) -> tuple[int, ...]:
        """The numbers that the answer cites and that no source has, ascending."""
        return tuple(sorted({number for sentence in self.sentences for number in sentence.unknown}))

    @property
    def is_refusal(self) -> bool:
        """Whether the answer states only that the sources do not contain it."""
        claims = [sentence for sentence in self.sentences if _folded(sentence.text) != _folded(NOT_CLINICAL)]
        return len(claims) == 1 and _folded(claims[0].text) == _folded(REFUSAL)

    @property
    def claims(self) -> tuple[Sentence, ...]:
        """The sentences that need a citation."""
        return tuple(sentence for sentence in self.sentences if not sentence.is_exempt)

    @property
    def cited_share(self) -> float | None:
        """The share of the sentences that cite a source that exists; None without a sentence that needs a citation."""
        claims = self.claims
        return sum(not claim.is_uncited for claim in claims) / len(claims) if claims else None

    @property
    def problems(self) -> tuple[str, ...]:
        """What the check found, one line each; none for a refusal or an answer that cites throughout."""
        lines = []
        if not self.sentences:
            lines.append("the answer is empty")
        uncited = sum(claim.is_uncited for claim in self.claims)
        if uncited:
            lines.append(f"{uncited} of {len(self.claims)} sentences without a citation")
        if self.unknown:
            lines.append(f"no such source: {_listed(self.unknown)}")
        for copy in self.copies:
            if not copy.is_cited:
                lines.append(f"{copy.words} words copied from [{copy.source}], which the sentence does not cite")
        if self.is_truncated:
            lines.append("the answer ends at the limit of its length")
        return tuple(lines)

    def marked(self) -> str:
        """Returns the answer with its marks: quotation marks around copies, and what is wrong with a sentence."""
        marks: list[tuple[int, int, str]] = []  # position, order at the same position, mark
        for copy in self.copies:
            if not copy.is_quoted:
                marks += [(copy.start, 2, "“"), (copy.end, 0, "”")]
        for sentence in self.sentences:
            if sentence.unknown:
                marks.append((sentence.end, 1, f" (no such source: {_listed(sentence.unknown)})"))
            if sentence.is_uncited:
                marks.append((sentence.end, 1, " (no citation)"))
        parts, at = [], 0
        for position, _, mark in sorted(marks, key=lambda mark: mark[:2]):
            parts += [self.text[at:position], mark]
            at = position
        return printable("".join([*parts, self.text[at:]]), keep="\n")

    def to_text(self) -> str:
        """Returns the marked answer, its sources, its copies with licence, and what the check found."""
        lines = [self.marked().strip("\n"), ""]
        if self.cited:
            lines += ["Sources", *(self._credit(number) for number in self.cited), ""]
        others = [number for number in range(1, len(self.sources) + 1) if number not in self.cited]
        if others:
            lines += ["Not cited", *(self._name(number) for number in others), ""]
        if self.copies:
            lines += ["Copied word for word", *(self._quote(copy) for copy in self.copies), ""]
        lines += [printable(note) for note in self.notes]
        if self.model:
            lines.append(f"model: {excerpt(self.model)}")
        lines += [f"check: {problem}" for problem in self.problems or ("no problems",)]
        return "\n".join([*lines, NOT_CLINICAL])

    def to_json(self) -> dict[str, Any]:
        """Returns the answer, its sentences, copies and sources as plain values."""
        return {
            "question": self.question,
            "answer": self.text,
            "marked": self.marked(),
            "model": self.model,
            "refusal": self.is_refusal,
            "truncated": self.is_truncated,
            "sentences": [
                {"text": one.text, "cited": list(one.cited), "unknown": list(one.unknown), "uncited": one.is_uncited}
                for one in self.sentences
            ],
            "cited": list(self.cited),
            "unknown": list(self.unknown),
            "cited_share": self.cited_share,
            "copies": [self._copy_json(copy) for copy in self.copies],
            "problems": list(self.problems),
            "sources": [source_json(number, hit) for number, hit in enumerate(self.sources, start=1)],
            "notes": list(self.notes),
            "notice": NOT_CLINICAL,
        }

    def _credit(self, number: int) -> str:
        return credit_line(number, self.sources[number - 1])

    def _name(self, number: int) -> str:
        return f"[{number}] {excerpt(self.sources[number - 1].id)}"

    def _quote(self, copy: Copy) -> str:
        return f"“{printable(' '.join(copy.text.split()))}” {self._credit(copy.source)}"

    def _copy_json(self, copy: Copy) -> dict[str, Any]:
        hit = self.sources[copy.source - 1]
        return {
            "text": copy.text, "words": copy.words, "source": copy.source, "cited": copy.is_cited,
            "quoted": copy.is_quoted, "license": hit.license, "attribution": hit.attribution, "link": hit.link,
        }  # fmt: skip


def check_answer(
    prompt: Prompt, answer: str, *, shortest_copy: int = SHORTEST_COPY, model: str = "", is_truncated: bool = False
) -> CheckedAnswer:
    """Returns an answer with its citations, the sentences that lack one, and its copies of at least some words.

    An answer is checked up to 50,000 characters; what follows is cut, and `is_truncated` is set.
    """
    text = answer.strip()
    if len(text) > LONGEST_ANSWER:
        text, is_truncated = text[:LONGEST_ANSWER], True
    checked = tuple(_sentence(text, start, end, len(prompt.sources)) for start, end in sentences(text))
    passages = copied(text, [hit.caption for hit in prompt.sources], shortest_copy)
    copies = tuple(_copy(text, passage, prompt.sources, checked) for passage in passages)
    return CheckedAnswer(prompt.question, text, prompt.sources, checked, copies, model, is_truncated, prompt.notes)


def _sentence(text: str, start: int, end: int, n_sources: int) -> Sentence:
    """Returns a sentence with its citations."""
    sentence = text[start:end]
    numbers = cited(sentence)
    known = tuple(number for number in numbers if 1 <= number <= n_sources)
    unknown = tuple(number for number in numbers if not 1 <= number <= n_sources)
    is_exempt = _folded(sentence) in (_folded(REFUSAL), _folded(NOT_CLINICAL))
    return Sentence(start, end, sentence, known, unknown, is_exempt)


def _copy(text: str, passage: Passage, sources: Sequence[Hit], checked: Sequence[Sentence]) -> Copy:
    """Returns a copied passage, and whether the sentences it is in cite its source.

    Of several sources that contain the passage, the first one that they cite is its source.
    """
    start, end = passage.start, passage.end
    touched = [sentence for sentence in checked if sentence.start < end and start < sentence.end]
    cited_here = {number for sentence in touched for number in sentence.cited}
    source = passage.source
    if source not in cited_here:
        others = (n for n in sorted(cited_here) if holds(sources[n - 1].caption, text[start:end]))
        source = next(others, source)
    before, after = text[:start].rstrip(), text[end:].lstrip(" \t.,;:!?")
    is_quoted = before[-1:] != "" and before[-1:] in _OPENING and after[:1] != "" and after[:1] in _CLOSING
    return Copy(start, end, text[start:end], passage.words, source, source in cited_here, is_quoted)


def _listed(numbers: Sequence[int]) -> str:
    """Returns numbers with commas between them, cut if there are many."""
    return excerpt(", ".join(map(str, numbers)))


def _folded(text: str) -> str:
    """Returns the letters and digits of a text without citations, in lower case."""
    return "".join(character for character in without_citations(text).casefold() if character.isalnum())
