"""Answers questions from the images of train, and records what each answer cites, for `roco evaluate grounding`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from roco.base.errors import DataError
from roco.base.files import file_digest, write_json
from roco.base.json_text import parse_json
from roco.base.progress import NullProgress, Progress
from roco.base.readers import UNREADABLE, read_text
from roco.base.terminal import excerpt
from roco.baselines.retrieve.answer import SOURCES, AnswerOptions, NoSources, answer_prompt
from roco.baselines.retrieve.evaluation.questions import SOURCE_SPLIT, Question, figures
from roco.baselines.retrieve.folder import MANIFEST
from roco.baselines.retrieve.grounding.check import CheckedAnswer, check_answer
from roco.baselines.retrieve.grounding.endpoint import KEEP
from roco.baselines.retrieve.grounding.harmless import harmless
from roco.baselines.retrieve.grounding.model import ChatModel, Reply
from roco.baselines.retrieve.grounding.prompt import REFUSAL, Prompt
from roco.baselines.retrieve.grounding.sentences import sentences
from roco.baselines.retrieve.index import Index
from roco.baselines.retrieve.query_vectors import OF_IMAGE

EXTRACTIVE = "extractive"
QUOTED = 3
"""Sources that the extractive baseline quotes."""
ENOUGH = 0.5
"""A question that is made from a caption: an image is right that shares this much of the concepts (Jaccard)."""

_LONGEST_QUOTE = 300
_LONGEST_HARMLESS = 3000  # with escapes
_ANOTHER = "choose another file with --answers"

Answerer = Callable[[Prompt], Reply]


@dataclass(frozen=True)
class Answered:
    """A question and what its answer cites.

    sentences, cited_sentences: those that need a citation, and those of them that cite a source that exists. citations:
    whether the image that a sentence cites is right, for each sentence and source. shares: the Jaccard index of their
    concepts with those of the held-out image. unknown: citations of sources that do not exist. sources: whether each
    source of the prompt is right. chance: the share of the images that may be cited that are right. uncited_copies:
    passages of a source that are copied without citing it. problem: why there is no answer, empty if there is one.
    """

    question: Question
    text: str = ""
    model: str = ""
    sentences: int = 0
    cited_sentences: int = 0
    citations: tuple[bool, ...] = ()
    shares: tuple[float, ...] = ()
    unknown: int = 0
    sources: tuple[bool, ...] = ()
    chance: float = 0.0
    is_refusal: bool = False
    uncited_copies: int = 0
    problem: str = ""


def answer_all(
    index: Index,
    asked: Sequence[Question],
    model: ChatModel | None = None,
    *,
    n: int = SOURCES,
    name: str = EXTRACTIVE,
    replies: Path | None = None,
    progress: Progress | None = None,
) -> list[Answered]:
    """Answers questions one by one; sources are from train, and never from the article of the question.

    model: None is the extractive baseline, which quotes the first sentences of the best sources and cites them. n:
    sources of a prompt. replies: a file that stores each reply as it comes, so that an interrupted evaluation goes on;
    name: of the model, for this file. Raises DataError if the model fails, or no question has a source.
    """
    shown = progress or NullProgress()
    stored = Replies.open(replies, name)
    answerer: Answerer = extractive if model is None else lambda prompt: model.ask(prompt.messages())
    chances = _chances(index, asked)
    found = []
    shown.start("questions", len(asked))
    for question, chance in zip(asked, chances, strict=True):
        found.append(_answered(index, question, chance, n, stored, answerer))
        shown.advance()
    if all(one.problem for one in found):
        what = f"no question has a source; the first one: {found[0].problem}"
        raise DataError(what, f"index a release with images of {SOURCE_SPLIT}")
    return found


def extractive(prompt: Prompt) -> Reply:
    """Answers with the first sentences of the captions of the best sources, quoted and cited: a floor without a model.

    Of sources with the same sentence, the first one is quoted.
    """
    lines: dict[str, str] = {}
    for number, hit in enumerate(prompt.sources[:QUOTED], 1):
        spans = sentences(hit.caption)
        quote = hit.caption[spans[0].start : spans[0].end] if spans else ""
        if len(quote) > _LONGEST_QUOTE:
            quote = quote[:_LONGEST_QUOTE].rpartition(" ")[0]
        if quote:
            lines.setdefault(quote, f"“{harmless(quote, _LONGEST_HARMLESS).rstrip('.')}” [{number}].")
    return Reply("\n".join(lines.values()) or REFUSAL, EXTRACTIVE, False)


def is_right(question: Question, concepts: frozenset[str]) -> bool:
    """Returns whether an image has the concepts that a question names, or enough of those of the held-out image."""
    return question.asked <= concepts if question.asked else share(question, concepts) >= ENOUGH


def share(question: Question, concepts: frozenset[str]) -> float:
    """Returns the Jaccard index of the concepts of the held-out image and those of another one."""
    union = len(question.concepts | concepts)
    return len(question.concepts & concepts) / union if union else 0.0


def _answered(index: Index, question: Question, chance: float, n: int, stored: Replies, answerer: Answerer) -> Answered:
    options = AnswerOptions(evaluation=True, not_articles=(question.article,), n=n)
    try:
        prompt = answer_prompt(index, question.text, options)
    except NoSources as err:
        return Answered(question, chance=chance, problem=err.message)
    reply = stored.of(prompt, answerer)
    return _recorded(question, chance, check_answer(prompt, reply.text, model=reply.model))


def _recorded(question: Question, chance: float, checked: CheckedAnswer) -> Answered:
    cited = [checked.sources[number - 1] for one in checked.sentences for number in one.cited]
    concepts = [frozenset(hit.concepts) for hit in cited]
    return Answered(
        question,
        text=checked.text,
        model=checked.model,
        sentences=len(checked.claims),
        cited_sentences=sum(not claim.is_uncited for claim in checked.claims),
        citations=tuple(is_right(question, one) for one in concepts),
        shares=tuple(share(question, one) for one in concepts),
        unknown=sum(len(one.unknown) for one in checked.sentences),
        sources=tuple(is_right(question, frozenset(hit.concepts)) for hit in checked.sources),
        chance=chance,
        is_refusal=checked.is_refusal,
        uncited_copies=sum(not copy.is_cited for copy in checked.copies),
    )


def _chances(index: Index, asked: Sequence[Question]) -> list[float]:
    """Returns for each question the share of the images that may be cited that are right."""
    right, allowed = [0] * len(asked), [0] * len(asked)
    for row in figures(index):
        if row["split"] != SOURCE_SPLIT:
            continue
        concepts = frozenset(row["concepts"] or ())
        for number, question in enumerate(asked):
            if row["article_key"] != question.article:
                allowed[number] += 1
                right[number] += is_right(question, concepts)
    return [n_right / n_allowed if n_allowed else 0.0 for n_right, n_allowed in zip(right, allowed, strict=True)]


class Facts(NamedTuple):
    """What a report states besides scores: digests of files, models by what they do, and notes."""

    inputs: dict[str, str]
    models: dict[str, str]
    notes: list[str]


def facts(index: Index, answered: Sequence[Answered], wanted: int, split: str, n: int) -> Facts:
    """Returns what a report states. wanted: the number of questions that were asked for. n: sources of a prompt."""
    manifest = index.path / MANIFEST
    names = sorted({one.model for one in answered if one.model})
    notes = [
        f"questions are made from the captions and concepts of {split} images, by templates",
        f"sources: up to {n} images of {SOURCE_SPLIT} by {_search(index)}, never of the article of the question",
        "a cited image is right if it has the concepts that the question names",
        f"if the question is made from a caption, right images share {ENOUGH:g} of the concepts of its image (Jaccard)",
        "whether a sentence is true to the source that it cites is not measured",
    ]
    if len(answered) < wanted:
        notes.insert(
            0, f"{wanted:,} questions were asked for: {split} images have captions and concepts for {len(answered):,}"
        )
    if names == [EXTRACTIVE]:
        notes.append(
            f"no model answered: the extractive baseline quotes the first sentences of the best {QUOTED} sources, so "
            "that every sentence has a citation by construction; its precision is that of the search"
        )
    models = {"the answers": ", ".join(excerpt(name) for name in names)}
    for method, encoder in index.encoders.items():
        if method != OF_IMAGE:
            models[f"the search ({method})"] = f"{excerpt(encoder.name)}, sha256 {excerpt(encoder.sha256)}"
    return Facts({str(manifest): file_digest(manifest)}, models, notes)


def _search(index: Index) -> str:
    """Returns how the words of a question are searched for: by vectors as well, where the index has them."""
    is_dense = index.encoders.keys() > {OF_IMAGE}
    return "BM25 of the words and cosines of vectors, fused" if is_dense else "BM25 of the words of the question"


# --- stored replies ---------------------------------------------------------------------------------------------------


class Replies:
    """The replies of one model by the SHA-256 of their prompt, in a file that is written after each of them."""

    def __init__(self, path: Path | None, name: str, found: dict[str, Reply]) -> None:
        self._path, self._name, self._found = path, name, found

    @classmethod
    def open(cls, path: Path | None, name: str) -> Replies:
        """Reads a file, which may be missing; raises DataError for another file, and for replies of another model."""
        if path is None or not path.exists():
            return cls(path, name, {})
        try:
            entry = parse_json(read_text(path))
            asked, found = str(entry["model"]), {key: _reply(value) for key, value in entry["replies"].items()}
            is_known = entry["kind"] == "replies"
        except (*UNREADABLE, KeyError, TypeError, AttributeError) as err:
            raise DataError(f"{path} cannot be read: {excerpt(err)}", _ANOTHER) from err
        if not is_known:
            raise DataError(f"{path} contains no replies", _ANOTHER)
        if asked != name:
            raise DataError(f"{path} has the replies of {excerpt(asked)}, not of {excerpt(name)}", _ANOTHER)
        return cls(path, name, found)

    def of(self, prompt: Prompt, answerer: Answerer) -> Reply:
        """Returns the reply to a prompt; it is asked for once."""
        key = hashlib.sha256(prompt.text.encode()).hexdigest()
        if key not in self._found:
            try:
                self._found[key] = answerer(prompt)
            except DataError as err:
                hint = self._hint if err.hint in ("", KEEP) else f"{err.hint}; {self._hint}"
                raise DataError(err.message, hint) from err
            self._write()
        return self._found[key]

    @property
    def _hint(self) -> str:
        if self._path is None:
            return "store replies by --answers FILE: then the command goes on where it was"
        return f"replies that are stored: {len(self._found)}; run the same command again to go on"

    def _write(self) -> None:
        if self._path is None:
            return
        replies = {key: reply._asdict() for key, reply in self._found.items()}
        write_json(self._path, {"kind": "replies", "model": self._name, "replies": replies})


def _reply(entry: Mapping[str, object]) -> Reply:
    text, model, is_truncated = entry["text"], entry["model"], entry["is_truncated"]
    if not isinstance(text, str) or not isinstance(model, str) or not isinstance(is_truncated, bool):
        raise TypeError("a reply is not text")
    return Reply(text, model, is_truncated)
