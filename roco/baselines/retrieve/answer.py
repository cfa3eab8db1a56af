"""Answers questions from the images of an index: search, prompt with sources, model, and check of what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from roco.base.errors import DataError, UsageError
from roco.base.files import write_text
from roco.base.terminal import excerpt, printable
from roco.baselines.retrieve.grounding.check import CheckedAnswer, check_answer
from roco.baselines.retrieve.grounding.model import ChatModel
from roco.baselines.retrieve.grounding.prompt import Prompt, build_prompt, checked_question
from roco.baselines.retrieve.hits import Hit
from roco.baselines.retrieve.index import Index
from roco.baselines.retrieve.questions import content_words
from roco.release.select.flags import SelectOptions

SOURCES = 5
"""Sources of a prompt, unless another number is asked for."""

_OF_AN_EVALUATION = "train"
"""The split that sources come from in an evaluation."""


class NoSources(DataError):
    """A question that the index has no sources for."""


@dataclass(frozen=True, kw_only=True)
class AnswerOptions:
    """How `roco.answer` finds the sources of an answer; the search is that of `Index.search`.

    image: a file or its bytes; like: the id of an image of the index; concepts: names or CUIs with AND, OR, NOT: they
    are searched for with the words of the question. not_same_article, not_articles, diverse, by, filters, encoder,
    text_encoder: as of `Index.search`. n: the number of sources at most. evaluation: sources from train only, and none
    from the articles that contain the image or a duplicate of it, so that no answer about an image of valid or test can
    be copied.
    """

    image: str | Path | bytes | None = None
    like: str | None = None
    concepts: str | None = None
    not_same_article: bool = False
    not_articles: Sequence[str] = ()
    diverse: bool = False
    n: int = SOURCES
    filters: SelectOptions | None = None
    by: str | None = None
    encoder: str | Path | None = None
    text_encoder: str | Path | None = None
    evaluation: bool = False

    @property
    def has_image(self) -> bool:
        """Whether an image is searched for."""
        return self.image is not None or self.like is not None


def answer(
    index: str | Path | Index,
    question: str,
    model: ChatModel,
    options: AnswerOptions | None = None,
    *,
    save_prompt: Path | None = None,
) -> CheckedAnswer:
    """Asks a model a question about the images of an index, and checks its answer. Not for clinical use.

    model: an `Endpoint`, a `local_model`, or any object with the method `ask`. save_prompt: a new file, which gets the
    prompt before the model is asked. Raises UsageError if the file exists, and DataError for an empty question, a
    search without hits, an invalid image, and a model that does not answer.
    """
    prompt = answer_prompt(index, question, options)
    if save_prompt is not None:
        write_prompt(prompt, save_prompt)
    reply = model.ask(prompt.messages())
    return check_answer(prompt, reply.text, model=reply.model, is_truncated=reply.is_truncated)


def answer_prompt(index: str | Path | Index, question: str, options: AnswerOptions | None = None) -> Prompt:
    """Returns the prompt for a question: rules, numbered sources with attribution, and the question.

    The words of the question without its stop words are searched for, together with the image and the concepts.
    Raises UsageError and DataError as `answer` does.
    """
    options = options or AnswerOptions()
    question = checked_question(question)
    opened = index if isinstance(index, Index) else Index.open(index)
    words = content_words(question)
    if not words and not options.has_image and options.concepts is None:
        raise NoSources(f"no word to search for in the question '{excerpt(question, 60)}'", "name what to look for")
    hits = _hits(opened, words, options)
    searched = _searched(words, options)
    if not hits:
        raise NoSources(f"no sources: the search for {searched} has no hits", "use other words, or fewer filters")
    prompt = build_prompt(question, hits, has_image=options.has_image)
    compared = [f"{method}: compared by {printable(one.name)}" for method, one in opened.encoders_of(hits).items()]
    return replace(prompt, notes=(*_notes(opened, prompt, searched, options), *compared))


def write_prompt(prompt: Prompt, path: Path) -> None:
    """Writes a prompt to a new file; raises UsageError if the file exists."""
    if path.is_file() or path.is_dir():
        raise UsageError(f"{path} already exists", "choose another file with --save-prompt")
    write_text(path, f"{prompt.text}\n")


def _hits(index: Index, words: str, options: AnswerOptions) -> list[Hit]:
    """Returns the hits that become sources."""
    return index.search(
        words or None,
        image=options.image,
        like=options.like,
        concepts=options.concepts,
        not_same_article=_excludes_article(options),
        not_articles=options.not_articles,
        diverse=options.diverse,
        n=options.n,
        filters=_of_train(options.filters) if options.evaluation else options.filters,
        by=options.by,
        encoder=options.encoder,
        text_encoder=options.text_encoder,
    )


def _excludes_article(options: AnswerOptions) -> bool:
    """Returns whether images of the article of the image are excluded."""
    return options.not_same_article or (options.evaluation and options.has_image)


def _of_train(filters: SelectOptions | None) -> SelectOptions:
    """Returns filters that select images of train only; raises UsageError if they ask for another split."""
    filters = filters or SelectOptions()
    other = [split for split in filters.split if split.lower() != _OF_AN_EVALUATION]
    if other:
        raise UsageError(
            f"--evaluation takes sources from {_OF_AN_EVALUATION} only (--split {excerpt(other[0], 20)})",
            "leave one of them out",
        )
    return replace(filters, split=(_OF_AN_EVALUATION,))


def _searched(words: str, options: AnswerOptions) -> str:
    """Returns what was searched for, in few words."""
    parts = [f"'{excerpt(words)}'"] if words else []
    if options.image is not None:
        name = "an image" if isinstance(options.image, bytes) else Path(options.image).name
        parts.append(f"images like {excerpt(name)}")
    if options.like is not None:
        parts.append(f"images like {excerpt(options.like)}")
    if options.concepts is not None:
        parts.append(f"concepts {excerpt(options.concepts)}")
    return " and ".join(parts)


def _notes(index: Index, prompt: Prompt, searched: str, options: AnswerOptions) -> list[str]:
    """Returns how the sources were found, one line each."""
    number = len(prompt.sources)
    notes = [f"search: {searched}; {number} {'source' if number == 1 else 'sources'}"]
    if prompt.left_out:
        notes.append(f"left out: {prompt.left_out} hits, for which the prompt has no room")
    if options.evaluation:
        notes.append(f"evaluation: sources from {_OF_AN_EVALUATION} only")
    if _excludes_article(options):
        if options.image is None or index.known_articles(options.image):
            notes.append("excluded: the article of the image")
        else:
            notes.append("not excluded: the article of the image, which is unknown; --not-article PMCID excludes it")
    return notes
