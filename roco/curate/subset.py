"""Draws a representative subset of a task for a round: stratified by label or semantic type, seeded, with weights."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError, UsageError, nearest
from roco.base.terminal import quoted
from roco.curate import sample
from roco.curate.board import Labels, Questions, guesses_of
from roco.curate.corpus import Corpus
from roco.curate.events import Entry, Event
from roco.curate.log import Log
from roco.curate.pictures import UnknownFigure
from roco.curate.resolve import resolve, rounds_of
from roco.curate.tasks import JOINT, Task

TYPE = "type"
"""What concepts can be stratified by, besides the labels of a task: their semantic type."""
NO_LABEL, SEVERAL = "none", "several"
"""The strata of images without label and guess, and of images with several labels."""


@dataclass(frozen=True, kw_only=True)
class Draw:
    """What is drawn: n questions of a task, stratified by the labels of a task, or `type`.

    tasks: all known tasks by name; the strata may be labels of another one, such as the modality of concepts.
    """

    task: Task
    n: int
    by: str
    seed: int
    tasks: Mapping[str, Task]

    @property
    def words(self) -> str:
        """Returns the options in words, as each event of the sample has them in its note."""
        return f"{self.n} by {self.by}, seed {self.seed}"

    @property
    def noun(self) -> str:
        """Returns what the task asks about."""
        return "concept" if self.task.item else "image"


class Share(NamedTuple):
    """A stratum: its questions, and how many of them were drawn."""

    stratum: str
    size: int
    drawn: int

    @property
    def weight(self) -> float:
        """Returns how many questions each drawn one represents."""
        return self.size / self.drawn


class Subset(NamedTuple):
    """A drawn sample by stratum; is_new: whether it was drawn now, rather than earlier with the same options."""

    shares: tuple[Share, ...]
    is_new: bool


def draw_subset(log: Log, corpus: Corpus, draw: Draw, *, round: str, annotator: str, blind: bool = False) -> Subset:
    """Draws a sample in proportion to the strata and records it in a round; the round then asks about it alone.

    All questions that the task asks belong to the population: also images that people exclude as OTHER or UNKNOWN, and
    only X-rays for a task that is asked for X-rays. The stratum of an image is its resolved label in the other rounds
    that are not blind, else its guess. The choice depends on the seed, the round and the keys of the images.

    A round that has this sample already keeps it, whatever has been labelled since. Raises UsageError if it has another
    one, if n is larger than the population or smaller than the number of strata, and for strata that do not exist.
    """
    _check_strata(draw)
    drawn_before = shares_of(log, draw, round)
    if drawn_before:
        return Subset(drawn_before, False)
    newest = log.newest
    questions = Questions(draw.task, corpus)
    strata = _strata(log, corpus, draw, questions, round)
    numbers = np.flatnonzero(_population(log, corpus, draw, questions, round))
    members: dict[str, list[int]] = {}
    for number in numbers.tolist():
        members.setdefault(strata[number], []).append(number)
    if not members:
        raise DataError(f"the task '{draw.task.name}' asks about nothing in {corpus.title}", "run the recipe first")
    if draw.n > len(numbers):
        message = f"a sample of {draw.n:,}, but '{draw.task.name}' is asked for only {len(numbers):,} {draw.noun}s"
        raise UsageError(message, f"draw at most {len(numbers):,}")
    names = _in_order(members, draw)
    counts = sample.proportional([len(members[name]) for name in names], draw.n)
    shares = tuple(Share(name, len(members[name]), n) for name, n in zip(names, counts, strict=True))
    entries = []
    for share in shares:
        of_stratum = members[share.stratum]
        keys = [(corpus.keys[questions.rows[number]], questions.concept(number)) for number in of_stratum]
        for place in sample.smallest((f"{draw.seed}\n{round}\n{key}\n{cui}" for key, cui in keys), share.drawn):
            entries.append(_entry(draw, share, *keys[place]))
    # Two processes that draw at the same time from the same log write the same batch, which is stored once.
    log.open_round(round, annotator=annotator, blind=blind)
    name = f"{round}\n{draw.task.name}\n{draw.words}\n{newest}"
    log.add(entries, round=round, annotator=annotator, batch=hashlib.sha256(name.encode()).hexdigest()[:16])
    return Subset(shares, True)


def shares_of(log: Log, draw: Draw, round: str) -> tuple[Share, ...]:
    """Returns the strata of the sample of a task in a round; empty if none was drawn.

    Raises UsageError if it was drawn with other options.
    """
    events = log.standing("sample", draw.task.name, rounds=[round])
    other = next((event for event in events if event.note != draw.words), None)
    if other is not None:
        message = f"the round '{round}' has another sample of '{draw.task.name}': {other.note}"
        raise UsageError(message, "choose another --round, or repeat the options of its sample")
    return strata_of(events)


def strata_of(events: Iterable[Event]) -> tuple[Share, ...]:
    """Returns the strata of the events of one sample, in the order in which they were drawn."""
    drawn: Counter[str] = Counter()
    weights: dict[str, float] = {}
    for event in events:
        drawn[event.label] += 1
        weights[event.label] = event.weight or 0.0
    return tuple(Share(name, round(weights[name] * n), n) for name, n in drawn.items())


def _entry(draw: Draw, share: Share, key: str, concept: str) -> Entry:
    return Entry(
        kind="sample", task=draw.task.name, image_key=key, concept=concept, label=share.stratum, weight=share.weight,
        note=draw.words,
    )  # fmt: skip


def _in_order(members: Mapping[str, list[int]], draw: Draw) -> list[str]:
    """Returns the strata in the order of the labels; semantic types by size, the largest first."""
    if draw.by == TYPE:
        return sorted(members, key=lambda name: (-len(members[name]), name))
    order = {name: number for number, name in enumerate(draw.tasks[draw.by].names)}
    return sorted(members, key=lambda name: (order.get(name, len(order)), name))


def _check_strata(draw: Draw) -> None:
    known = [name for name, task in draw.tasks.items() if not task.item] + ([TYPE] if draw.task.item else [])
    if draw.by not in known:
        raise UsageError(f"unknown strata {quoted(draw.by)} for '{draw.task.name}'", nearest(draw.by, known))


# --- population and strata --------------------------------------------------------------------------------------------


def _population(log: Log, corpus: Corpus, draw: Draw, questions: Questions, round: str) -> NDArray[np.bool_]:
    """Returns the questions that the task asks; those about concepts are asked for the images of a release."""
    mask = corpus.asked.copy()
    if draw.task.item:
        mask &= corpus.table["stage"].is_null().to_numpy()
    asked = draw.task.asked
    if asked is not None:
        if asked.task not in draw.tasks:
            message = f"'{draw.task.name}' depends on the unknown task '{asked.task}'"
            raise UsageError(message, "name a shipped task in [asked], or draw from the task without [asked]")
        labels = _labels(log, corpus, draw.tasks[asked.task], round)
        mask &= np.fromiter(map(asked.holds, labels), bool, len(corpus))
    population: NDArray[np.bool_] = mask[questions.rows]
    return population


def _strata(log: Log, corpus: Corpus, draw: Draw, questions: Questions, round: str) -> list[str]:
    """Returns the stratum of each question."""
    if draw.by == TYPE:
        return [corpus.concepts.type_of(questions.concept(number)) for number in range(len(questions))]
    labels = _labels(log, corpus, draw.tasks[draw.by], round)
    return [_stratum(labels[row]) for row in questions.rows.tolist()]


def _stratum(label: str | None) -> str:
    if label is None:
        return NO_LABEL
    return SEVERAL if JOINT in label else label


def _labels(log: Log, corpus: Corpus, task: Task, round: str) -> Labels:
    """Returns the label of each figure: resolved in the rounds that are not blind and not this one, else guessed."""
    labels = guesses_of(task, corpus).labels.copy()
    rounds = [name for name in rounds_of(log, ()) if name != round]
    for one in resolve(log, task.name, rounds).resolved if rounds else ():
        try:
            labels[corpus.row(one.image_key)] = one.label
        except UnknownFigure:
            continue  # of another run
    return labels
