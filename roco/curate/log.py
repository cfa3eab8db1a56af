"""The label log: an append-only SQLite table that records who labelled which image how, when, in which round.

    with Log.open("labels.db", tasks=load_all(["modality"])) as log:
        log.open_round("curated", annotator="a1")
        done = log.add([Entry(task="modality", image_key=key, label="DRCT")], round="curated", annotator="a1")
        log.undo(done.batch, annotator="a1")

Nothing is changed or deleted: an undo is one more event, and the newest label that nobody took back is the current one.
"""

from __future__ import annotations

import datetime
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from roco.base.errors import RejectedInput, nearest
from roco.curate import log_file
from roco.curate.events import MOST_AT_ONCE, Entry, Event, checked, checked_batch, checked_note, name_of, rater_name
from roco.curate.log_queries import COLUMNS, Reader, Round
from roco.curate.tasks import Task


class Batch(NamedTuple):
    """What one act has added: the name of its batch, and the ids of its events in the order of the entries."""

    batch: str
    ids: tuple[int, ...]


def utc_now() -> str:
    """Returns the time as the log stores it: UTC, to the millisecond."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


class Log(Reader):
    """A label log, opened by `Log.open`; threads and processes may use it at the same time.

    When a method that writes returns, its events are on the disk, all or none of them.
    """

    def __init__(
        self, path: Path, tasks: Mapping[str, Task], *, write: bool = True, now: Callable[[], str] = utc_now
    ) -> None:
        super().__init__(path, tasks, write=write)
        self._now = now
        self._backing_up = threading.Lock()

    @classmethod
    def open(
        cls,
        path: str | Path,
        tasks: Mapping[str, Task] | None = None,
        *,
        write: bool = True,
        create: bool = True,
        now: Callable[[], str] = utc_now,
    ) -> Self:
        """Opens and checks a log, and creates it if `write` and `create` are true; tasks: for the checks of its labels.

        A log that has changed since its last backup is backed up to `PATH.backup`. Raises DataError for a file that
        cannot be opened or is no label log, CorruptFile with instructions for a damaged one.
        """
        log = cls(Path(path), tasks or {}, write=write, now=now)
        if write and create:
            log_file.create(log.path)
        try:
            log_file.check(log._connection, log.path)
            if write:
                log.back_up()
        except BaseException:
            log._close()
            raise
        return log

    def close(self) -> None:
        """Backs the log up if it has changed, and closes it; no thread may use it any more."""
        try:
            if self.write:
                self.back_up()
        finally:
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def back_up(self) -> bool:
        """Copies the log to `PATH.backup` if it has changed since the last copy, and returns whether it has.

        Others may write meanwhile. A server calls it from time to time; opening and closing do it anyway.
        """
        with self._backing_up:
            return log_file.back_up(self._connection, self.path)

    # --- writing ------------------------------------------------------------------------------------------------------

    def open_round(self, name: str, *, annotator: str, blind: bool = False) -> Round:
        """Opens a round, or returns it if it is open; raises RejectedInput if it was opened with another `blind`."""
        name, annotator = name_of(name, "round"), rater_name(annotator, "annotator")
        with log_file.writing(self._connection, self.path):
            found = self.rounds().get(name)
            if found is None:
                rater_name(name, "round")
                label = "blind" if blind else "open"
                self._append(secrets.token_hex(8), "round", name, annotator, [{"label": label}])
                found = self.rounds()[name]
        if found.blind != blind:
            kind = "blind" if found.blind else "not blind"
            raise RejectedInput(f"the round '{name}' is {kind}", "choose another name for the new round")
        return found

    def add(self, entries: Sequence[Entry], *, round: str, annotator: str, batch: str | None = None) -> Batch:
        """Adds labels, notes, flags or images of a sample as one batch.

        batch: a name that the sender chose, so that an act that it sends twice is stored once: for a known batch with
        the same entries, the ids of the first time are returned. Raises RejectedInput for an unknown round, accepted
        guesses in a blind round, entries that `events.checked` refuses, and a known batch with other entries.
        """
        annotator = rater_name(annotator, "annotator")
        batch = secrets.token_hex(8) if batch is None else checked_batch(batch)
        if not entries or len(entries) > MOST_AT_ONCE:
            raise RejectedInput(f"a batch of {len(entries):,} entries", f"send 1 to {MOST_AT_ONCE:,}")
        ready = [checked(entry, self.tasks) for entry in entries]
        rows = [_values(entry) for entry in ready]
        with log_file.writing(self._connection, self.path):
            opened = self._round(round)
            if opened.blind and any(entry.kind == "label" and entry.origin == "accepted" for entry in ready):
                raise RejectedInput(f"an accepted guess in the blind round '{opened.name}'", "label the image yourself")
            ids = self._same(batch, round, annotator, rows)
            if ids is None:
                ids = self._append(batch, "", round, annotator, rows)
        return Batch(batch, ids)

    def undo(self, batch: str, *, annotator: str, note: str = "", of_anyone: bool = False) -> Batch:
        """Takes back the labels, notes, flags and samples of a batch; the events before them count again.

        Undoing a batch twice adds nothing. Raises RejectedInput for an unknown batch, for one of another annotator
        unless `of_anyone` is true, and for a batch that is an undo or has opened a round: label again instead.
        """
        annotator, note = rater_name(annotator, "annotator"), checked_note(note)
        with log_file.writing(self._connection, self.path):
            events = self.batch(batch)
            if not events:
                raise RejectedInput(f"unknown batch '{checked_batch(batch)}'", "read the history of the image")
            if not of_anyone and any(event.annotator != annotator for event in events):
                raise RejectedInput(f"the batch '{batch}' is of another annotator", "only its annotator can undo it")
            if any(event.kind in ("undo", "round") for event in events):
                raise RejectedInput(f"the batch '{batch}' cannot be undone", "label the images again")
            taken = self._rows("SELECT revoked FROM events WHERE revoked BETWEEN ? AND ?", events[0].id, events[-1].id)
            done = {row[0] for row in taken}
            rows = [
                {**{name: getattr(event, name) for name in ("task", "image_key", "concept")}, "revoked": event.id}
                for event in events
                if event.id not in done
            ]
            name = secrets.token_hex(8)
            rows = [{**row, "note": note} for row in rows]
            ids = self._append(name, "undo", events[0].round, annotator, rows)
        return Batch(name, ids)

    def _append(
        self, batch: str, kind: str, round: str, annotator: str, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[int, ...]:
        """Writes the rows of a batch after the newest event; call it in a transaction."""
        newest = self._rows("SELECT id, seal FROM events ORDER BY id DESC LIMIT 1")
        number, seal = newest[0] if newest else (0, "")
        common = {"time": self._now(), "batch": batch, "round": round, "annotator": annotator}
        blank = dict.fromkeys(("task", "image_key", "concept", "label", "origin", "guideline", "note"), "")
        ready = []
        for row in rows:
            number += 1
            event = Event(id=number, **{"kind": kind, "weight": None, "revoked": None, **blank, **common, **row})
            seal = log_file.sealed(seal, event)
            ready.append((*event, seal))
        marks = ", ".join("?" * (len(Event._fields) + 1))
        self._connection.executemany(f"INSERT INTO events ({COLUMNS}, seal) VALUES ({marks})", ready)
        return tuple(row[0] for row in ready)

    def _same(
        self, batch: str, round: str, annotator: str, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[int, ...] | None:
        """Returns the ids of a batch that is already in the log; None if it is new."""
        before = self.batch(batch)
        if not before:
            return None
        sent = [(round, annotator, *row.values()) for row in rows]
        if [(one.round, one.annotator, *(getattr(one, name) for name in rows[0])) for one in before] != sent:
            raise RejectedInput(f"the batch '{batch}' is in the log with other entries", "use a new name for each act")
        return tuple(event.id for event in before)

    def _round(self, name: str) -> Round:
        rounds = self.rounds()
        if name not in rounds:
            known = nearest(str(name), rounds) if rounds else "no round is open"
            raise RejectedInput(f"unknown round '{name_of(name, 'round')}'", known)
        return rounds[name]


def _values(entry: Entry) -> dict[str, Any]:
    """Returns the columns of an entry that has been checked."""
    origin = entry.origin if entry.kind == "label" else ""
    return {
        "kind": entry.kind,
        "task": entry.task,
        "image_key": entry.image_key,
        "concept": entry.concept,
        "label": entry.label,
        "origin": origin,
        "guideline": entry.guideline,
        "note": entry.note,
        "weight": entry.weight,
    }


__all__ = ["Batch", "Entry", "Event", "Log", "Round"]
