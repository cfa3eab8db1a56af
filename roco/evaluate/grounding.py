"""Scores answers with citations: sentences that cite, citations that exist, and images that are rightly cited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from roco.base import bootstrap
from roco.evaluate.report.render import Cell, ReportTable
from roco.evaluate.report.scores import BASELINE, BOUNDS, UPPER_BOUND, NotComputed, Report, Score

CITED, VALID, PRECISION, SHARE = "cited_sentences", "valid_citations", "citation_precision", "citation_jaccard"
REFUSED, COPIED, UNANSWERED = "refused", "uncited_copies", "no_sources"
NAN = float("nan")
Floats = NDArray[np.float64]


class Asked(Protocol):
    """A question. kind: its template. id, article: of the held-out image that it was made from."""

    @property
    def kind(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def article(self) -> str: ...


class Answer(Protocol):
    """An answer and its citations.

    sentences, cited_sentences: those that need a citation, and those of them that cite a source that exists. citations:
    whether each cited image is right; shares: how many concepts it shares with the held-out image. unknown: citations
    of sources that do not exist. sources: whether each source of the prompt is right. chance: the share of the images
    that may be cited that are right. problem: why there is no answer, empty if there is one.
    """

    @property
    def question(self) -> Asked: ...
    @property
    def text(self) -> str: ...
    @property
    def sentences(self) -> int: ...
    @property
    def cited_sentences(self) -> int: ...
    @property
    def citations(self) -> Sequence[bool]: ...
    @property
    def shares(self) -> Sequence[float]: ...
    @property
    def unknown(self) -> int: ...
    @property
    def sources(self) -> Sequence[bool]: ...
    @property
    def chance(self) -> float: ...
    @property
    def is_refusal(self) -> bool: ...
    @property
    def uncited_copies(self) -> int: ...
    @property
    def problem(self) -> str: ...


def evaluate_grounding(
    answers: Sequence[Answer],
    *,
    inputs: Mapping[str, str],
    models: Mapping[str, str],
    notes: Sequence[str] = (),
    resamples: int = bootstrap.RESAMPLES,
) -> Report:
    """Scores the answers to questions; each score is a mean over questions, with an interval over their articles.

    inputs: the SHA-256 of each file that was read. models: what answered, and what else decides the answers.
    """
    of_answers = [_values(answer) for answer in answers]
    values = {name: np.array([of_answer[name] for of_answer in of_answers], float) for name in _MEANINGS}
    groups = bootstrap.groups_of([answer.question.article for answer in answers])
    bounds = bootstrap.of_means(np.stack(list(values.values()), axis=1), groups, resamples)
    scores, missing = [], []
    for (name, column), bound in zip(values.items(), bounds, strict=True):
        scores.append(Score(name, _mean(column), _count(column), bound, _MEANINGS[name]))
        if not _count(column):
            missing.append(NotComputed(name, "no answer has a sentence or citation that it could be computed from"))
    kinds: dict[str, int] = {}
    for answer in answers:
        kinds[answer.question.kind] = kinds.get(answer.question.kind, 0) + 1
    return Report(
        task="grounding",
        profile={"name": "grounding"},
        inputs=inputs,
        scores=tuple(scores),
        not_computed=tuple(missing),
        bounds=_bounds(answers),
        breakdowns=(_by_kind(answers, values),),
        models=models,
        notes=(_sizes(answers, kinds), *notes),
        per_image=_per_question(answers, values),
    )


_MEANINGS = {
    CITED: "sentences with a citation of a source that exists",
    VALID: "citations whose source exists",
    PRECISION: "cited images that are right",
    SHARE: "Jaccard index of the concepts of cited images and of the held-out image",
    COPIED: "answers that copy from a source without citing it",
    REFUSED: "questions that are refused",
    UNANSWERED: "questions without a source",
}


def _values(answer: Answer) -> dict[str, float]:
    """Returns the scores of one question; NaN where it does not count."""
    has_answer = not answer.problem
    claims = answer.sentences if has_answer and not answer.is_refusal else 0
    numbers = len(answer.citations) + answer.unknown
    return {
        CITED: _share(answer.cited_sentences, claims),
        VALID: _share(len(answer.citations), numbers),
        PRECISION: _share(sum(answer.citations), len(answer.citations)),
        SHARE: _share(sum(answer.shares), len(answer.shares)),
        COPIED: float(answer.uncited_copies > 0) if has_answer else NAN,
        REFUSED: float(answer.is_refusal) if has_answer else NAN,
        UNANSWERED: float(not has_answer),
    }


def _bounds(answers: Sequence[Answer]) -> ReportTable:
    """Returns the precision of citing at random, of citing every source, and of citing a right image if there is one.

    Only questions that have a source are counted.
    """
    with_sources = [answer for answer in answers if answer.sources]
    random = np.array([answer.chance for answer in with_sources], float)
    every = np.array([_share(sum(answer.sources), len(answer.sources)) for answer in with_sources], float)
    best = np.array([float(any(answer.sources)) for answer in with_sources], float)
    rows: list[tuple[Cell, ...]] = [
        (BASELINE, "an image of train at random", _mean(random)),
        (BASELINE, "every source of the prompt", _mean(every)),
        (UPPER_BOUND, "a right source if the prompt has one", _mean(best)),
    ]
    return ReportTable(BOUNDS, ("", "citing", PRECISION), rows)


def _by_kind(answers: Sequence[Answer], values: Mapping[str, Floats]) -> ReportTable:
    names = [CITED, PRECISION, SHARE]
    rows: list[tuple[Cell, ...]] = []
    for kind in dict.fromkeys(answer.question.kind for answer in answers):
        chosen = np.array([answer.question.kind == kind for answer in answers])
        chance = np.array([answer.chance for answer in answers], float)
        means = (_mean(values[name][chosen]) for name in names)
        rows.append((kind, int(chosen.sum()), *means, _mean(chance[chosen])))
    return ReportTable("Kinds of questions", ("kind", "questions", *names, "random citation"), rows)


def _sizes(answers: Sequence[Answer], kinds: Mapping[str, int]) -> str:
    images = len({answer.question.id for answer in answers})
    listed = ", ".join(f"{n:,} {kind}" for kind, n in kinds.items())
    impossible = sum(not answer.chance for answer in answers)
    return (
        f"{len(answers):,} questions of {images:,} images ({listed}); {impossible:,} have no right image in train, so "
        "that every citation is wrong"
    )


def _per_question(answers: Sequence[Answer], values: Mapping[str, Floats]) -> ReportTable:
    """Returns a row for each question, the lowest precision first."""
    worst_first = sorted(range(len(answers)), key=lambda i: (np.nan_to_num(values[PRECISION][i], nan=2.0), i))
    rows: list[tuple[Cell, ...]] = []
    for i in worst_first:
        answer, question = answers[i], answers[i].question
        numbers = (float(column[i]) for column in values.values())
        text = answer.problem or answer.text
        rows.append((question.id, question.article, question.kind, question.text, text, answer.chance, *numbers))
    columns = ("ID", "article", "kind", "question", "answer", "random citation", *values)
    return ReportTable("questions", columns, rows)


def _share(part: float, whole: int) -> float:
    return part / whole if whole else NAN


def _count(values: Floats) -> int:
    return int((~np.isnan(values)).sum())


def _mean(values: Floats) -> float:
    return float(values[~np.isnan(values)].mean()) if _count(values) else NAN
