"""How long operations report their progress to whoever shows it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives progress callbacks; they may come from several threads."""

    def start(self, what: str, total: int | None, done: int = 0) -> None:
        """Begins to count units of work; what: the unit in the plural, such as `articles`; done: those done before.

        Without a total, begins something that is not counted; what: such as `listing the articles in /data`.
        """

    def advance(self, n: int = 1) -> None:
        """Counts n more units as done."""

    def count(self, **amounts: int) -> None:
        """Adds amounts of other things that were processed: figures=48, dropped=3, bytes=10_000 …"""

    def refresh(self) -> None:
        """Is called from time to time while no unit is done, so that the display stays up to date."""

    def close(self) -> None:
        """Ends the display."""


class NullProgress:
    """Ignores all progress callbacks."""

    def start(self, what: str, total: int | None, done: int = 0) -> None: ...

    def advance(self, n: int = 1) -> None: ...

    def count(self, **amounts: int) -> None: ...

    def refresh(self) -> None: ...

    def close(self) -> None: ...
