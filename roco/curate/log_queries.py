"""Reads a label log: current labels, history, counts, rounds and samples."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from roco.base.errors import RejectedInput, nearest
from roco.curate import log_file
from roco.curate.events import Event, name_of
from roco.curate.tasks import Task

COLUMNS = ", ".join(Event._fields)


class Round(NamedTuple):
    """A round of labelling; blind: annotators see no guesses, scores or labels of others."""

    name: str
    blind: bool
    opened_by: str
    time: str


class Reader:
    """The queries of a log; each thread has a connection of its own."""

    def __init__(self, path: Path, tasks: Mapping[str, Task], *, write: bool) -> None:
        self.path = path
        self.tasks = dict(tasks)
        self.write = write
        self._local = threading.local()
        self._open: dict[threading.Thread, sqlite3.Connection] = {}

    @property
    def _connection(self) -> sqlite3.Connection:
        """Returns the connection of this thread."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            self._close_those_of_ended_threads()
            connection = self._local.connection = log_file.connect(self.path, write=self.write)
            self._open[threading.current_thread()] = connection
        return connection

    def _close_those_of_ended_threads(self) -> None:
        """A server starts a new thread after each pause of some seconds, all day long."""
        for thread in list(self._open):
            if not thread.is_alive() and (connection := self._open.pop(thread, None)) is not None:
                connection.close()

    def _close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()
        self._local = threading.local()

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with log_file.errors(self.path):
            return self._connection.execute(query, values).fetchall()

    def _events(self, rest: str, *values: Any) -> list[Event]:
        return [Event._make(row) for row in self._rows(f"SELECT {COLUMNS} FROM {rest}", *values)]

    def rounds(self) -> dict[str, Round]:
        """Returns the rounds by name, in the order in which they were opened."""
        events = self._events("events WHERE kind = 'round' ORDER BY id")
        return {one.round: Round(one.round, one.label == "blind", one.annotator, one.time) for one in events}

    def current(
        self,
        task: str | None = None,
        *,
        rounds: Collection[str] | None = None,
        annotator: str | None = None,
        image_keys: Collection[str] | None = None,
    ) -> list[Event]:
        """Returns the newest label of each annotator for each image (and concept) in each round, by id.

        Each argument restricts the labels; None for all.
        """
        return self._selected("current WHERE kind = 'label'", task, rounds, annotator, image_keys)

    def standing(self, kind: str, task: str | None = None, *, rounds: Collection[str] | None = None) -> list[Event]:
        """Returns the events of a kind (note, flag, sample, label) that nobody took back, by id."""
        return self._selected(f"standing WHERE kind = '{name_of(kind, 'kind')}'", task, rounds, None, None)

    def _selected(
        self,
        source: str,
        task: str | None,
        rounds: Collection[str] | None,
        annotator: str | None,
        image_keys: Collection[str] | None,
    ) -> list[Event]:
        where, values = source, []
        for name, value in (("task", task), ("annotator", annotator)):
            if value is not None:
                where += f" AND {name} = ?"
                values.append(value)
        for name, among in (("round", rounds), ("image_key", image_keys)):
            if among is not None:
                where += f" AND {name} IN (SELECT value FROM json_each(?))"
                values.append(json.dumps(sorted(among)))
        return self._events(f"{where} ORDER BY id", *values)

    def history(self, image_key: str) -> list[Event]:
        """Returns all events of an image, by id: labels, notes, flags and undos."""
        return self._events("events WHERE image_key = ? ORDER BY id", image_key)

    def batch(self, batch: str) -> list[Event]:
        """Returns the events of a batch, by id."""
        return self._events("events WHERE batch = ? ORDER BY id", batch)

    def last_batch(self, annotator: str, *, round: str) -> str | None:
        """Returns the newest batch of an annotator that can be undone; None if there is none."""
        rest = (
            "standing WHERE annotator = ? AND round = ? AND kind IN ('label', 'note', 'flag') ORDER BY id DESC LIMIT 1"
        )
        found = self._events(rest, annotator, round)
        return found[0].batch if found else None

    def counts(self, task: str, *, round: str) -> dict[str, dict[str, int]]:
        """Returns the number of current labels by annotator and label."""
        query = (
            "SELECT annotator, label, count(*) FROM current WHERE task = ? AND round = ?"
            " GROUP BY annotator, label ORDER BY annotator, label"
        )
        found: dict[str, dict[str, int]] = {}
        for annotator, label, n in self._rows(query, task, round):
            found.setdefault(annotator, {})[label] = n
        return found

    def outdated(self, task: str) -> list[Event]:
        """Returns the current labels that were made under another version of the guideline than that of the task."""
        if task not in self.tasks:
            raise RejectedInput(f"unknown task '{task}'", nearest(task, self.tasks))
        return [event for event in self.current(task) if self.tasks[task].is_outdated(event.guideline)]

    @property
    def newest(self) -> int:
        """Returns the id of the newest event, which is the number of events; 0 for an empty log."""
        number: int = self._rows("SELECT coalesce(max(id), 0) FROM events")[0][0]
        return number

    def events(self, after: int = 0) -> Iterator[Event]:
        """Yields all events with a larger id than `after`, by id."""
        while found := self._events("events WHERE id > ? ORDER BY id LIMIT 10000", after):
            yield from found
            after = found[-1].id
