"""What an annotator sees: the figures of a view in order, a page of them, and how many are left."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.base.errors import RejectedInput, nearest
from roco.curate import queue
from roco.curate.board import Board, Guesses, Labels, guesses_of
from roco.curate.corpus import Corpus
from roco.curate.tasks import Asked, Task

Mask = NDArray[np.bool_]

FILTERS = ("license", "split", "modality", "region", "direction", "stage", "drop")
"""The columns that a view filters by their exact value; `none` selects figures without one."""
HIDDEN_WHEN_BLIND = ("split", "modality", "region", "direction", "concept", "guess", "stage", "drop")
"""Filters that a blind round refuses; dropped figures, such as those labelled OTHER, have no split."""
NONE = "none"
MOST_PER_PAGE = 200
Show = Literal["todo", "done", "flagged", "outdated", "all"]
_REMEMBERED = 32  # filters of text and concepts


@dataclass(frozen=True, kw_only=True)
class Query:
    """The state of a page, as its address has it.

    guess: the guessed class; empty for all, `none` for figures without a guess. show: todo, done, flagged, all, or
    outdated: figures whose label was made under an older guideline. page: the number of pages that are skipped. text,
    concept and the columns of FILTERS restrict the figures.
    """

    task: str = ""
    annotator: str = ""
    guess: str = ""
    order: Literal["doubt", "random", "article"] = "doubt"
    show: Show = "todo"
    page: int = 0
    size: int = 60
    text: str = ""
    concept: str = ""
    where: tuple[tuple[str, str], ...] = ()


class Page(NamedTuple):
    """The questions of a page, which of them are checks, and counts of the view.

    total: the questions of the view, done or not. left: those that the annotator still has to label; by_guess: the same
    by guessed class. outdated: labels of the annotator in the task that were made under an older guideline.
    """

    numbers: NDArray[np.int64]
    checks: frozenset[int]
    total: int
    done: int
    left: int
    by_guess: dict[str, int]
    outdated: int = 0


class Viewer:
    """Selects and orders the figures for one round."""

    def __init__(
        self, corpus: Corpus, tasks: Mapping[str, Task], board: Board | None, *, blind: bool, double: float
    ) -> None:
        self.corpus, self.tasks, self.board, self.blind = corpus, dict(tasks), board, blind
        self.guesses: dict[str, Guesses] = {name: guesses_of(task, corpus) for name, task in tasks.items()}
        # Numbers are compared and counted many times faster than names: that of the label, or one more for no guess.
        self._classes = {name: _numbered(self.guesses[name].labels, task.names) for name, task in tasks.items()}
        self.round = board.round if board else ""
        self._double = 1.0 if blind else double
        self._masks: OrderedDict[tuple[str, str], Mask] = OrderedDict()
        self._ranks: OrderedDict[tuple[str, str, str], NDArray[np.int64]] = OrderedDict()
        self._twice: Mask | None = None
        self._codes = {name: corpus.column(name).to_numpy() for name in FILTERS}

    # --- pages ------------------------------------------------------------------------------------------------------

    def page(self, query: Query) -> Page:
        """Returns a page of questions; raises RejectedInput for an unknown task, class or value of a filter."""
        if not 1 <= query.size <= MOST_PER_PAGE or not 0 <= query.page <= 10**7:
            raise RejectedInput("invalid page", f"show 1 to {MOST_PER_PAGE} figures a page")
        if not query.task:
            return self._browse(query)
        task = self.task(query.task)
        assert self.board is not None
        self.board.refresh()
        rows = self.board.questions[task.name].rows
        asked = self._asked(task, query.annotator)
        selected = self._filtered(query)[rows] & asked
        outdated = self.board.outdated(task.name, query.annotator)
        own = self.board.own(task.name, query.annotator) != None  # noqa: E711 (element by element)
        due = queue.due(own, self.board.annotators(task.name), self._is_double()[rows]) if not self.blind else ~own
        by_guess = {}
        if not self.blind:
            names = (*task.names, NONE)
            classes = self._classes[task.name][rows]
            counts = np.bincount(classes[selected & due], minlength=len(names)).tolist()
            by_guess = {name: n for name, n in zip(names, counts, strict=True) if n}
            if query.guess:
                selected &= classes == (names.index(query.guess) if query.guess in names else -1)
        shown = {"todo": selected & due, "done": selected & own, "outdated": selected & outdated, "all": selected}
        mask = shown[query.show] if query.show in shown else selected & self._flagged(query.annotator)[rows]
        numbers = np.flatnonzero(mask)
        numbers = numbers[np.argsort(self._rank(query, task.name)[numbers], kind="stable")]
        numbers = numbers[query.page * query.size :][: query.size]
        done = int((selected & own).sum())
        checks = self._checks(task, query, selected, int(own.sum())) if query.show == "todo" and len(numbers) else []
        if checks:
            rest = [number for number in numbers.tolist() if number not in checks][: query.size - len(checks)]
            numbers = queue.shuffled(len(rest) + len(checks), f"check {done}")
            numbers = np.array([*rest, *checks])[numbers]
        total, left = int((selected & (own | due)).sum()), int((selected & due).sum())
        return Page(numbers, frozenset(checks), total, done, left, by_guess, int((asked & outdated).sum()))

    def _browse(self, query: Query) -> Page:
        """Returns a page of the figures themselves, without a task."""
        numbers = np.flatnonzero(self._filtered(query))
        if query.order == "random":
            numbers = numbers[queue.shuffled(len(numbers), "browse")]
        found = len(numbers)
        return Page(numbers[query.page * query.size :][: query.size], frozenset(), found, 0, found, {})

    def task(self, name: str) -> Task:
        if name not in self.tasks:
            raise RejectedInput(f"unknown task '{name[:60]}'", nearest(name[:60], self.tasks))
        return self.tasks[name]

    # --- masks ------------------------------------------------------------------------------------------------------

    def _flagged(self, annotator: str) -> Mask:
        assert self.board is not None
        return self.board.flagged(annotator if self.blind else None)

    def _asked(self, task: Task, annotator: str) -> Mask:
        """Returns the questions that the task asks: of figures with an image, or of the sample if one was drawn.

        Without a sample, a task that depends on another is asked by label or else by guess; in a blind round by the
        label of the annotator alone, as the choice of figures would show guesses and labels of others.
        """
        assert self.board is not None
        rows = self.board.questions[task.name].rows
        mask = self.corpus.asked[rows].copy()
        drawn = self.board.samples.get(task.name)
        if drawn:
            sample = np.zeros(len(rows), bool)
            sample[list(drawn)] = True
            mask &= sample
        elif task.asked is not None:
            other = task.asked.task
            if other not in self.board.questions:
                answers, guesses = None, None
            elif self.blind:
                answers, guesses = self.board.own(other, annotator), None
            else:
                answers, guesses = self.board.answers[other], self.guesses[other].labels
            mask &= _holds(task.asked, answers, guesses, len(self.corpus))[rows]
        return mask

    def _filtered(self, query: Query) -> Mask:
        mask = np.ones(len(self.corpus), bool)
        for name, value in query.where:
            if name not in FILTERS:
                raise RejectedInput(f"unknown filter '{name[:60]}'", nearest(name[:60], FILTERS))
            self._check_blind(name)
            mask &= self._codes[name] == (None if value == NONE else value)
        if query.guess:
            self._check_blind("guess")
        if query.text:
            mask &= self._remembered("text", query.text)
        if query.concept:
            self._check_blind("concept")
            mask &= self._remembered("concept", query.concept)
        return mask

    def _check_blind(self, name: str) -> None:
        if self.blind and name in HIDDEN_WHEN_BLIND:
            raise RejectedInput(f"the filter '{name}' in a blind round", "remove it: it would show guesses or labels")

    def _remembered(self, kind: str, value: str) -> Mask:
        if (kind, value) not in self._masks:
            if len(value) > 200:
                raise RejectedInput("the text of the filter is too long", "use at most 200 characters")
            self._masks[kind, value] = self._containing(kind, value)
            while len(self._masks) > _REMEMBERED:
                self._masks.popitem(last=False)
        return self._masks[kind, value]

    def _containing(self, kind: str, value: str) -> Mask:
        if kind == "text":
            found = pc.match_substring(self.corpus.table["caption"], value, ignore_case=True)
            return np.asarray(pc.fill_null(found, False).to_numpy(), bool)
        mask = np.zeros(len(self.corpus), bool)
        lists = self.corpus.table["concepts"].combine_chunks()
        parents, cuis = pc.list_parent_indices(lists), pc.list_flatten(lists)
        mask[np.unique(parents.filter(pc.equal(cuis, value)).to_numpy())] = True
        return mask

    # --- order, double labels, checks ---------------------------------------------------------------------------------

    def _rank(self, query: Query, task: str) -> NDArray[np.int64]:
        """Returns the place of each question in the order of the query."""
        assert self.board is not None
        rows = self.board.questions[task].rows
        order = "random" if self.blind else query.order
        seed = f"{self.round} {query.annotator}" if order == "random" else self.round
        key = (task, order, seed)
        if key not in self._ranks:
            if order == "article":
                return np.arange(len(rows))
            if order == "random":
                places = queue.shuffled(len(rows), seed)
            else:
                guesses = self.guesses[task]
                has_guess = guesses.labels != None  # noqa: E711 (element by element)
                doubts = queue.doubt(guesses.margins, guesses.p, has_guess, guesses.disagrees)
                places = queue.by_doubt(doubts[rows], self.corpus.clusters[rows], seed)
            rank = np.empty(len(rows), np.int64)
            rank[places] = np.arange(len(rows))
            self._ranks[key] = rank
            while len(self._ranks) > _REMEMBERED:
                self._ranks.popitem(last=False)
        return self._ranks[key]

    def _is_double(self) -> Mask:
        if self._twice is None:
            self._twice = queue.drawn(self.corpus.keys, self.round, self._double)
        return self._twice

    def _checks(self, task: Task, query: Query, selected: Mask, done: int) -> list[int]:
        """Returns adjudicated figures for one page in twenty, first those whose guess is wrong."""
        if self.blind or not queue.is_check(done, query.size):
            return []
        assert self.board is not None
        decided = self.board.adjudicated[task.name]
        known = np.flatnonzero(selected & (decided != None))  # noqa: E711 (element by element)
        labels = self.guesses[task.name].labels[self.board.questions[task.name].rows]
        known = known[queue.shuffled(len(known), f"{query.annotator} {done // query.size}")]
        wrong = labels[known] != decided[known]
        return [*known[wrong].tolist(), *known[~wrong].tolist()][: min(queue.CHECKS, query.size - 1)]


def _numbered(labels: Labels, names: tuple[str, ...]) -> NDArray[np.int64]:
    """Returns the place of each label in the names; that after the last one for None."""
    places = {name: number for number, name in enumerate(names)}
    return np.fromiter((places.get(label, len(names)) for label in labels), np.int64, len(labels))


def _holds(asked: Asked, answers: Labels | None, guesses: Labels | None, n: int) -> Mask:
    """Returns the figures for which a task is asked, by their label in the other task, or else their guess."""
    values = np.full(n, None, object) if answers is None else answers
    if guesses is not None:
        values = np.where(values == None, guesses, values)  # noqa: E711 (element by element)
    holds = {value: asked.holds(value) for value in set(values.tolist())}
    return np.fromiter((holds[value] for value in values.tolist()), bool, n)


__all__ = ["Page", "Query", "Viewer"]
