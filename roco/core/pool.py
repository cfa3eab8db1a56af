"""The interface of worker processes: a pool starts them, and they exchange lines of JSON with the executor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from roco.core.job import Loss


class Process(Protocol):
    """A process of `python -m roco.core.worker` on this or another machine."""

    @property
    def is_ready(self) -> bool:
        """Returns whether it can be sent jobs."""

    @property
    def has_ended(self) -> bool:
        """Returns whether it is known to have ended, without waiting."""

    @property
    def exit_code(self) -> int | None:
        """Returns the exit code, negative for a signal; None until it is known to have ended."""

    @property
    def lost(self) -> Loss | None:
        """Returns why it was lost, if it ended without an exit code of its own."""

    def send(self, line: bytes) -> None:
        """Sends a message: one line of JSON; does nothing if the process has ended."""

    def receive(self) -> Sequence[bytes] | None:
        """Returns the messages that have arrived since the last call; None when it has ended and all are received."""

    def kill(self) -> None:
        """Kills the process; `receive` returns None afterwards."""

    def close(self) -> None:
        """Releases what belongs to a process that has ended or was killed, and waits for its end."""


class Pool(Protocol):
    """Starts worker processes and waits for their messages."""

    @property
    def label(self) -> str:
        """Returns what the log of the run calls its workers."""

    @property
    def size(self) -> int:
        """Returns how many workers may run at the same time."""

    def start(self) -> Process:
        """Starts a worker and sends it the pipeline."""

    def wait(self, seconds: float) -> Iterable[Process]:
        """Waits, at most some seconds, until processes have sent something or have ended; returns those processes."""

    def close(self) -> None:
        """Releases the pool; all its processes have been closed."""
