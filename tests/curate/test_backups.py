"""A server backs its label log up from time to time, only after changes, and whatever happens to a backup."""

from __future__ import annotations

import logging
import queue
from collections.abc import Iterator
from pathlib import Path

import pytest

from roco.curate.backups import backed_up
from roco.curate.log import Log
from roco.curate.log_file import backup_of
from tests.curate.logs import labelled, opened


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with opened(tmp_path / "labels.db", "first") as found:
        yield found


class Clock:
    """A clock that a test drives: each `tick` lets one interval pass, and returns when what follows it is done."""

    def __init__(self) -> None:
        self.intervals: list[float] = []
        self._go: queue.Queue[bool] = queue.Queue()
        self._waits: queue.Queue[None] = queue.Queue()

    def wait(self, seconds: float) -> bool:
        self.intervals.append(seconds)
        self._waits.put(None)
        return self._go.get()

    def tick(self) -> None:
        self._waits.get()
        self._go.put(False)
        self._waits.get()  # it waits again: the backup is done
        self._waits.put(None)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._go.put(True)


def in_backup(log: Log) -> int:
    with Log.open(backup_of(log.path), write=False) as copy:
        return len(copy.current())


def test_a_changed_log_is_backed_up_after_each_interval(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, done = Clock(), []
    back_up = log.back_up
    monkeypatch.setattr(log, "back_up", lambda: done.append(back_up()))
    with backed_up(log, every=300, wait=clock.wait), clock:
        labelled(log, "i1", "DRCT")
        clock.tick()
        assert in_backup(log) == 1
        clock.tick()
        labelled(log, "i2", "DRCT")
        clock.tick()
        assert in_backup(log) == 2
    assert done == [True, False, True]  # without a change, nothing is copied
    assert set(clock.intervals) == {300}


def test_a_backup_that_fails_is_reported_and_tried_again(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    blocked = backup_of(log.path)
    blocked.unlink(missing_ok=True)
    blocked.mkdir()
    with caplog.at_level(logging.WARNING), backed_up(log, wait=clock.wait), clock:
        labelled(log, "i1", "DRCT")
        clock.tick()
        assert "the label log is not backed up: a folder is in the place of a file" in caplog.text
        assert len(log.current()) == 1  # the label is in the log
        blocked.rmdir()
        clock.tick()
        assert in_backup(log) == 1


def test_the_end_does_not_wait_for_the_interval(log: Log) -> None:
    with backed_up(log, every=10**6):
        pass
    with backed_up(None):
        pass
