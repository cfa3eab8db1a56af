"""The raters of a label log whose labels can be compared: annotators, and rounds with their resolved labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from roco.base.errors import DataError, UsageError, nearest
from roco.base.terminal import quoted
from roco.curate.events import Event
from roco.curate.log_queries import Reader
from roco.curate.resolve import resolved_of, rounds_of


class Sample(NamedTuple):
    """A sample that was drawn for a round: weight and stratum by image."""

    weights: dict[str, float]
    strata: dict[str, str]


def question(event: Event) -> str:
    """Returns what a label is about: the image_key, followed by the concept if there is one."""
    return f"{event.image_key} {event.concept}".rstrip()


def labels_of(log: Reader, task: str, rater: str) -> dict[str, str]:
    """Returns the labels of a rater by question.

    rater: the name of an annotator (the newest label in any round), of a round (its resolved labels), or
    `round:annotator` (the labels of an annotator in a round). Raises UsageError for an unknown name, and for one that
    both an annotator and a round have.
    """
    current = log.current(task)
    rounds = log.rounds()
    round_name, colon, annotator = rater.partition(":")
    annotators = {event.annotator for event in log.current()}
    if colon and round_name in rounds:
        if annotator not in annotators:
            raise UsageError(f"unknown annotator {quoted(annotator)} ({log.path})", nearest(annotator, annotators))
        return _newest(event for event in current if (event.round, event.annotator) == (round_name, annotator))
    if rater in rounds and rater in annotators:
        raise UsageError(f"{quoted(rater)} is a round and an annotator", f"write ROUND:{rater} for the annotator")
    if rater in rounds:
        found = resolved_of(event for event in current if event.round == rater)
        return {f"{one.image_key} {one.concept}".rstrip(): one.label for one in found.resolved}
    if rater in annotators:
        return _newest(event for event in current if event.annotator == rater)
    hint = nearest(rater, [*rounds, *annotators]) if rounds else "the log is empty"
    raise UsageError(f"unknown annotator or round {quoted(rater)} ({log.path})", hint)


def _newest(events: Iterable[Event]) -> dict[str, str]:
    return {question(event): event.label for event in sorted(events, key=lambda event: event.id)}


def most_in_common(log: Reader, task: str, rounds: Sequence[str] = ()) -> tuple[str, str]:
    """Returns the two annotators with the most common images in a task; raises DataError if no two have any."""
    wanted = rounds_of(log, rounds) if rounds else None
    images: dict[str, set[str]] = {}
    for event in log.current(task, rounds=wanted):
        images.setdefault(event.annotator, set()).add(question(event))
    pairs = [(-len(images[a] & images[b]), a, b) for a, b in combinations(sorted(images), 2)]
    if not pairs or not min(pairs)[0]:
        raise DataError(f"no two annotators labelled an image in common in '{task}' ({log.path})", "name two raters")
    _, first, second = min(pairs)
    return first, second


def all_raters(log: Reader, task: str) -> list[dict[str, str]]:
    """Returns the labels of each annotator in a task, in the order of their names."""
    by_annotator: dict[str, list[Event]] = {}
    for event in log.current(task):
        by_annotator.setdefault(event.annotator, []).append(event)
    return [_newest(by_annotator[name]) for name in sorted(by_annotator)]


def sample_of(log: Reader, task: str) -> Sample:
    """Returns the sample that was drawn for a task; of several, the newest counts for each image."""
    weights, strata = {}, {}
    for event in log.standing("sample", task):
        if event.weight is not None:
            weights[question(event)] = event.weight
            strata[question(event)] = event.label
    return Sample(weights, strata)
