"""The raters of a label log whose labels can be compared: annotators, and rounds with their resolved labels.

A rater is named as an annotator (the newest label in any round), as a round (its resolved labels), or as
`round:annotator` (the labels of an annotator in a round).
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from roco.base.errors import UsageError, nearest
from roco.base.terminal import quoted
from roco.curate.events import Event
from roco.curate.log_queries import Reader
from roco.curate.resolve import resolved_of
from roco.curate.tasks import Task

Labels = dict[str, str]
"""Labels by question: the image_key, followed by the concept if there is one."""
Events = dict[str, list[Event]]
"""Events by question, the newest last."""


class Sample(NamedTuple):
    """A sample that was drawn for a round: weight and stratum by question."""

    weights: dict[str, float]
    strata: dict[str, str]


class Compared(NamedTuple):
    """The labels of two raters in a task, and what their agreement is computed from besides.

    order: the labels of the task. raters: the labels of each annotator. sample: the one that has most of the
    images that both raters labelled, empty if there is none.
    """

    task: str
    names: tuple[str, str]
    first: Labels
    second: Labels
    order: tuple[str, ...]
    raters: list[Labels]
    sample: Sample


class RaterLabels:
    """The labels of all raters in memory; `take` brings them up to date with one more event of the log.

    An adjudicated label is a decision: it counts for its round, and is no label of a rater, not even of one who has
    labelled the image before. Threads may read while another one takes events.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self.changes: Counter[str] = Counter()
        self._rounds: dict[str, None] = {}
        self._own: dict[tuple[str, str, str], Events] = {}  # by task, round and annotator
        self._decided: dict[tuple[str, str], Events] = {}  # by task and round
        self._drawn: dict[tuple[str, str], Events] = {}
        self._place: dict[int, tuple[Events, str]] = {}

    @classmethod
    def of(cls, log: Reader) -> RaterLabels:
        """Reads the labels of a log."""
        found = cls(log.path)
        for event in log.events():
            found.take(event)
        return found

    def take(self, event: Event) -> None:
        """Adds a label, an image of a sample or a round, or takes one back; other events change nothing."""
        with self._lock:
            if event.kind == "round":
                self._rounds[event.round] = None
            elif event.kind == "undo":
                self._take_back(event)
            elif event.kind in ("label", "sample"):
                events, asked = self._table(event), question(event)
                events.setdefault(asked, []).append(event)
                self._place[event.id] = events, asked
                self.changes[event.task] += 1

    def _table(self, event: Event) -> Events:
        if event.kind == "sample":
            return self._drawn.setdefault((event.task, event.round), {})
        if event.origin == "adjudicated":
            return self._decided.setdefault((event.task, event.round), {})
        return self._own.setdefault((event.task, event.round, event.annotator), {})

    def _take_back(self, undo: Event) -> None:
        events, asked = self._place.pop(undo.revoked or 0, ({}, ""))
        if not events:
            return  # a note or a flag
        events[asked] = [event for event in events[asked] if event.id != undo.revoked]
        if not events[asked]:
            del events[asked]
        self.changes[undo.task] += 1

    # --- raters -------------------------------------------------------------------------------------------------------

    @property
    def tasks(self) -> set[str]:
        """Returns the tasks in which somebody has labelled an image."""
        return {task for (task, _, _), events in list(self._own.items()) if events}

    def annotators(self, task: str | None = None) -> list[str]:
        """Returns the annotators of a task, or of all, sorted."""
        tables = list(self._own.items())
        return sorted({by for (of, _, by), events in tables if events and task in (None, of)})

    def names(self, task: str) -> dict[str, int]:
        """Returns the raters of a task and how many images each has labelled: annotators, rounds, annotators in rounds.

        An annotator in a round is a rater besides if the annotator has labelled in several rounds.
        """
        with self._lock:
            both = set(self.annotators()) & set(self._rounds)
            found = {by: len(self._of(task, "", by)) for by in self.annotators(task) if by not in both}
            for round in self._rounds:
                tables = [events for (of, name, _), events in self._own.items() if (of, name) == (task, round)]
                if any(tables) and round not in both:
                    found[round] = len(set().union(*tables))
            for (of, round, by), events in sorted(self._own.items()):
                several = by in both or sum((task, name, by) in self._own for name in self._rounds) > 1
                if of == task and events and several:
                    found.setdefault(f"{round}:{by}", len(events))
            return found

    def labels(self, task: str, rater: str) -> Labels:
        """Returns the labels of a rater in a task.

        Raises UsageError for an unknown name, and for one that both an annotator and a round have.
        """
        with self._lock:
            round, annotator = self.parsed(rater)
            return self._of(task, round, annotator) if annotator else self._resolved(task, round)

    def _of(self, task: str, round: str, annotator: str) -> Labels:
        """Returns the newest label of an annotator for each question, in a round, or in any if it is empty."""
        newest: dict[str, Event] = {}
        for (of, name, by), events in self._own.items():
            if (of, by) != (task, annotator) or round not in ("", name):
                continue
            for asked, labels in events.items():
                if asked not in newest or newest[asked].id < labels[-1].id:
                    newest[asked] = labels[-1]
        return {asked: event.label for asked, event in newest.items()}

    def parsed(self, rater: str) -> tuple[str, str]:
        """Returns round and annotator of a rater, one of them may be empty; raises UsageError as `labels` does."""
        annotators = self.annotators()
        if rater in self._rounds and rater in annotators:
            raise UsageError(f"{quoted(rater)} is a round and an annotator", f"write ROUND:{rater} for the annotator")
        if rater in self._rounds:
            return rater, ""
        if rater in annotators:  # a name with a colon too, as older logs may have
            return "", rater
        for round in self._rounds:
            if rater.startswith(f"{round}:"):
                annotator = rater.removeprefix(f"{round}:")
                if annotator not in annotators:
                    known = nearest(annotator, annotators)
                    raise UsageError(f"unknown annotator {quoted(annotator)} ({self.path})", known)
                return round, annotator
        hint = nearest(rater, [*self._rounds, *annotators]) if self._rounds else "the log is empty"
        raise UsageError(f"unknown annotator or round {quoted(rater)} ({self.path})", hint)

    def _resolved(self, task: str, round: str) -> Labels:
        tables = [events for (of, name, _), events in self._own.items() if (of, name) == (task, round)]
        tables.append(self._decided.get((task, round), {}))
        found = resolved_of(events[-1] for table in tables for events in table.values())
        return {f"{one.image_key} {one.concept}".rstrip(): one.label for one in found.resolved}

    # --- two raters ---------------------------------------------------------------------------------------------------

    def most_in_common(self, task: str) -> tuple[str, str] | None:
        """Returns the two annotators with the most common images in a task; None if no two have any."""
        with self._lock:
            annotators = set(self.annotators(task)) - set(self._rounds)
            labels = {by: self._of(task, "", by).keys() for by in sorted(annotators)}
            pairs = [(-len(labels[a] & labels[b]), a, b) for a, b in combinations(labels, 2)]
            if not pairs or not min(pairs)[0]:
                return None
            _, first, second = min(pairs)
            return first, second

    def compared(self, task: Task, first: str, second: str) -> Compared:
        """Returns the labels of two raters in a task, with those of all annotators and the sample they belong to."""
        with self._lock:
            a, b = self.labels(task.name, first), self.labels(task.name, second)
            raters = [self._of(task.name, "", by) for by in self.annotators(task.name)]
            sample = self.sample(task.name, a.keys() & b.keys())
            return Compared(task.name, (first, second), a, b, task.names, raters, sample)

    def sample(self, task: str, asked: Collection[str]) -> Sample:
        """Returns the sample of a task that has most of some questions, the newest of several; else an empty one."""
        best: tuple[int, dict[str, Event]] = 0, {}
        for round in reversed(self._rounds):
            newest = {one: events[-1] for one, events in self._drawn.get((task, round), {}).items()}
            common = len(newest.keys() & set(asked))
            if common > best[0]:
                best = common, newest
        weights = {one: event.weight for one, event in best[1].items() if event.weight is not None}
        return Sample(weights, {one: event.label for one, event in best[1].items()})


def question(event: Event) -> str:
    """Returns what a label is about: the image_key, followed by the concept if there is one."""
    return f"{event.image_key} {event.concept}" if event.concept else event.image_key


def about(task: Task, asked: str) -> tuple[str, str]:
    """Returns image_key and concept of a question; the concept is empty for tasks about whole images."""
    key, _, concept = asked.rpartition(" ") if task.item else (asked, "", "")
    return key, concept
