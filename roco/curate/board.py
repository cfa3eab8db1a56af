"""The labels of a log in memory, one array per task and annotator, kept up to date with the log."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roco.base.errors import RejectedInput
from roco.curate.corpus import Corpus
from roco.curate.events import Event
from roco.curate.log_queries import Reader
from roco.curate.pictures import UnknownFigure
from roco.curate.raters import RaterLabels
from roco.curate.tasks import Task

Labels = NDArray[np.object_]
"""One label (or None) for each question of a task."""


class Remark(NamedTuple):
    """A note or a flag that stands: who has made it, and the text of a note."""

    annotator: str
    kind: str
    note: str


class Questions:
    """The questions of a task: one for each figure, or one for each concept of each figure.

    rows: the number of the figure in the corpus. concepts: the CUI that is asked about; empty for the whole image.
    """

    def __init__(self, task: Task, corpus: Corpus) -> None:
        self.task = task
        if task.item:
            lists = corpus.column(task.item).to_pylist()
            pairs = [(row, cui) for row, cuis in enumerate(lists) for cui in cuis or ()]
            self.rows = np.fromiter((row for row, _ in pairs), np.int64, len(pairs))
            self.concepts: Sequence[str] | None = [cui for _, cui in pairs]
            self._at = {pair: number for number, pair in enumerate(pairs)}
        else:
            self.rows = np.arange(len(corpus))
            self.concepts = None
        self._corpus = corpus

    def __len__(self) -> int:
        return len(self.rows)

    def concept(self, number: int) -> str:
        return "" if self.concepts is None else self.concepts[number]

    def find(self, key: str, concept: str) -> int:
        """Returns the number of a question; raises UnknownFigure, or RejectedInput for a concept it does not have."""
        row = self._corpus.row(key)
        if self.concepts is None:
            if concept:
                raise RejectedInput(f"a concept in the task '{self.task.name}', which asks about images", "omit it")
            return row
        if (row, concept) not in self._at:
            raise RejectedInput("the image does not have this concept", "reload the page")
        return self._at[row, concept]


class Board:
    """What the log says about each question; `refresh` reads what was added to the log since the last time.

    Labels of a round that is not this one count only as answers: for the tasks that depend on them, and for checks.
    """

    def __init__(self, log: Reader, corpus: Corpus, tasks: Mapping[str, Task], round: str) -> None:
        self.log, self.corpus, self.round = log, corpus, round
        self.questions = {name: Questions(task, corpus) for name, task in tasks.items()}
        self.answers = {name: self._blank(name) for name in tasks}
        self.adjudicated = {name: self._blank(name) for name in tasks}
        self.samples: dict[str, set[int]] = {}
        self.raters = RaterLabels(log.path)
        self._own: dict[tuple[str, str], Labels] = {}
        self._outdated: dict[tuple[str, str], NDArray[np.bool_]] = {}
        self._nothing = {name: self._blank(name) for name in tasks}
        for labels in self._nothing.values():
            labels.flags.writeable = False  # every annotator without a label shares it
        self._standing: dict[tuple[str, int], list[Event]] = {}
        self._remarks: dict[int, dict[int, Remark]] = {}
        self._place: dict[int, tuple[str, int]] = {}
        self._drawn: dict[int, tuple[str, int]] = {}
        self._blind: set[str] = set()
        self._newest = 0
        self._lock = threading.Lock()

    def _blank(self, task: str) -> Labels:
        return np.full(len(self.questions[task]), None, object)

    def refresh(self) -> None:
        with self._lock:
            for event in self.log.events(self._newest):
                self._take(event)
                self.raters.take(event)
                self._newest = event.id

    def own(self, task: str, annotator: str) -> Labels:
        """Returns the labels of an annotator in this round; they are not to be changed."""
        return self._own.get((task, annotator), self._nothing[task])

    def outdated(self, task: str, annotator: str) -> NDArray[np.bool_]:
        """Returns the labels that an annotator made in this round under another version of the guideline."""
        return self._outdated.get((task, annotator), np.zeros(len(self.questions[task]), bool))

    def annotators(self, task: str) -> NDArray[np.int64]:
        """Returns how many annotators have labelled each question in this round."""
        total = np.zeros(len(self.questions[task]), np.int64)
        for (name, _), labels in list(self._own.items()):
            if name == task:
                total += labels != None  # noqa: E711 (element by element)
        return total

    def remarks(self, row: int) -> list[Remark]:
        return list(self._remarks.get(row, {}).values())

    def flagged(self, annotator: str | None = None) -> NDArray[np.bool_]:
        """Returns which figures have a flag that stands: of one annotator, or of anyone."""
        mask = np.zeros(len(self.corpus), bool)
        for row, remarks in list(self._remarks.items()):
            flags = [one for one in list(remarks.values()) if one.kind == "flag"]
            mask[row] = any(annotator in (None, one.annotator) for one in flags)
        return mask

    # --- events -----------------------------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        if event.kind == "round" and event.label == "blind":
            self._blind.add(event.round)
        elif event.kind == "undo":
            self._take_back(event)
        elif event.kind in ("note", "flag"):
            row = self.corpus.rows.get(event.image_key)
            if row is not None and self._counts(event.round):
                self._remarks.setdefault(row, {})[event.id] = Remark(event.annotator, event.kind, event.note)
                self._place[event.id] = ("", row)
        elif event.task in self.questions and event.kind in ("label", "sample"):
            try:
                number = self.questions[event.task].find(event.image_key, event.concept)
            except (UnknownFigure, RejectedInput):
                return  # of another run, or of a figure that is gone
            if event.kind == "sample":
                if event.round == self.round:
                    self.samples.setdefault(event.task, set()).add(number)
                    self._drawn[event.id] = (event.task, number)
                return
            self._standing.setdefault((event.task, number), []).append(event)
            self._place[event.id] = (event.task, number)
            self._settle(event.task, number, event.annotator)

    def _take_back(self, event: Event) -> None:
        if event.revoked in self._drawn:
            task, number = self._drawn.pop(event.revoked)
            self.samples[task].discard(number)
            return
        task, number = self._place.pop(event.revoked or 0, ("", -1))
        if number < 0:
            return
        if not task:
            self._remarks[number].pop(event.revoked or 0, None)
            return
        events = self._standing[task, number]
        taken = next(one for one in events if one.id == event.revoked)
        events.remove(taken)
        self._settle(task, number, taken.annotator)

    def _settle(self, task: str, number: int, annotator: str) -> None:
        """Determines the current labels of a question after the events of an annotator have changed."""
        events = self._standing[task, number]
        own = [one for one in events if one.annotator == annotator and one.round == self.round]
        if (task, annotator) not in self._own:
            self._own[task, annotator] = self._blank(task)
            self._outdated[task, annotator] = np.zeros(len(self.questions[task]), bool)
        self._own[task, annotator][number] = own[-1].label if own else None
        is_outdated = bool(own) and self.questions[task].task.is_outdated(own[-1].guideline)
        self._outdated[task, annotator][number] = is_outdated
        open_events = [one for one in events if one.round not in self._blind]
        decided = [one.label for one in open_events if one.origin == "adjudicated"]
        self.adjudicated[task][number] = decided[-1] if decided else None
        answers = decided or [one.label for one in open_events]
        self.answers[task][number] = answers[-1] if answers else None

    def _counts(self, round: str) -> bool:
        return round == self.round or round not in self._blind


class Guesses(NamedTuple):
    """The guesses of a task, one per figure: labels (None without one), probabilities and margins (NaN), and others."""

    labels: Labels
    p: NDArray[np.float64]
    margins: NDArray[np.float64]
    sources: Labels
    disagrees: NDArray[np.bool_]


def guesses_of(task: Task, corpus: Corpus) -> Guesses:
    """Returns the guesses that a run or release has for a task.

    Without a column of guesses, its column of labels (modality, region, direction) serves as the guess; without that,
    a manual concept that belongs to a label.
    """
    columns = task.guess
    labels = _objects(corpus.column(columns.label)) if columns else _objects(pa.nulls(len(corpus)))
    if task.kind and not _any(labels):
        labels = _objects(corpus.column(task.kind))
    if task.kind and not _any(labels):
        labels = _by_concept(task, corpus.column("concepts_manual").to_pylist())
    known = set(task.names)
    labels = np.array([label if label in known else None for label in labels], object)
    p = _numbers(corpus, columns.probability if columns else "")
    margins = _numbers(corpus, columns.margin if columns else "")
    sources = _objects(corpus.column(columns.source)) if columns and columns.source else _objects(pa.nulls(len(corpus)))
    disagrees = np.zeros(len(corpus), bool)
    if columns and columns.disagrees:
        disagrees = np.array([value is True for value in corpus.column(columns.disagrees).to_pylist()], bool)
    return Guesses(labels, p, margins, sources, disagrees)


def guess_columns(tasks: Iterable[Task]) -> list[str]:
    """Returns the columns that the tasks read: of guesses, and of the items that they ask about."""
    names = []
    for task in tasks:
        if task.guess:
            names += [getattr(task.guess, field.name) for field in fields(task.guess)]
        names.append(task.item)
    return [name for name in dict.fromkeys(names) if name]


def _numbers(corpus: Corpus, column: str) -> NDArray[np.float64]:
    """Returns a column of numbers; NaN where there is none, and for a column without a name."""
    if not column:
        return np.full(len(corpus), np.nan)
    return np.array([np.nan if value is None else value for value in corpus.column(column).to_pylist()], float)


def _objects(column: Any) -> Labels:
    return np.array(column.to_pylist(), object).reshape(-1)


def _any(labels: Labels) -> bool:
    return any(label is not None for label in labels)


def _by_concept(task: Task, lists: Sequence[Sequence[str] | None]) -> Labels:
    of_cui = {label.cui: label.name for label in task.labels if label.cui}
    found = np.full(len(lists), None, object)
    for number, cuis in enumerate(lists):
        found[number] = next((of_cui[cui] for cui in cuis or () if cui in of_cui), None)
    return found
