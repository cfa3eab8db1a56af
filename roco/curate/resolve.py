"""Resolves the labels of several annotators and rounds to one label for each image, or none where they disagree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from roco.base.errors import UsageError, nearest
from roco.base.terminal import quoted
from roco.curate.events import Event
from roco.curate.log_queries import Reader

How = Literal["adjudicated", "agreed", "single"]
"""How a label was resolved: a decision between people, two or more who agree, one annotator alone."""


class Resolved(NamedTuple):
    """The label of an image (and concept) in a task."""

    task: str
    image_key: str
    concept: str
    label: str
    how: How


class Dispute(NamedTuple):
    """An image on which annotators disagree; labels: their different labels, sorted."""

    task: str
    image_key: str
    concept: str
    labels: tuple[str, ...]


class Resolution(NamedTuple):
    """All resolved labels and all disputes of some rounds, each sorted by task, image and concept."""

    resolved: tuple[Resolved, ...]
    disputes: tuple[Dispute, ...]


def rounds_of(log: Reader, named: Sequence[str]) -> tuple[str, ...]:
    """Returns the rounds that count: the named ones, or all that are not blind if none is named.

    Raises UsageError for a name that the log does not have.
    """
    rounds = log.rounds()
    for name in named:
        if name not in rounds:
            hint = nearest(name, rounds) if rounds else "it has no rounds"
            raise UsageError(f"unknown round {quoted(name)} ({log.path})", hint)
    return tuple(named) or tuple(name for name, one in rounds.items() if not one.blind)


def resolve(log: Reader, task: str | None = None, rounds: Sequence[str] = ()) -> Resolution:
    """Resolves the labels of a task, or of all, in the rounds that count.

    The newest label of an annotator counts, whichever of the rounds it is from. The newest adjudicated label decides.
    Without one, annotators who all chose the same label have resolved it.
    """
    return resolved_of(log.standing("label", task, rounds=rounds_of(log, rounds)))


def resolved_of(labels: Iterable[Event]) -> Resolution:
    """Resolves labels that nobody took back, in any order; no later label of anybody hides a decision."""
    by_question: dict[tuple[str, str, str], list[Event]] = {}
    for label in labels:
        by_question.setdefault((label.task, label.image_key, label.concept), []).append(label)
    resolved: list[Resolved] = []
    disputes: list[Dispute] = []
    for question in sorted(by_question):
        events = sorted(by_question[question], key=lambda event: event.id)
        adjudicated = [event.label for event in events if event.origin == "adjudicated"]
        newest = {event.annotator: event.label for event in events}
        chosen = sorted(set(newest.values()))
        if adjudicated:
            resolved.append(Resolved(*question, adjudicated[-1], "adjudicated"))
        elif len(chosen) == 1:
            resolved.append(Resolved(*question, chosen[0], "agreed" if len(newest) > 1 else "single"))
        else:
            disputes.append(Dispute(*question, tuple(chosen)))
    return Resolution(tuple(resolved), tuple(disputes))


def resolved_events(labels: Sequence[Event]) -> list[Event]:
    """Returns one event for each resolved label: the newest of those that chose it; the annotator is how it came about.

    For an export that has a label for each image, as training and other tools expect it.
    """
    newest = {(one.task, one.image_key, one.concept, one.label): one for one in sorted(labels)}
    found = [(one, newest[one.task, one.image_key, one.concept, one.label]) for one in resolved_of(labels).resolved]
    return [event._replace(annotator=one.how) for one, event in found]
