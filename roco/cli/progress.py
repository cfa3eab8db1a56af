"""The progress of long commands: a bar on a terminal, one line every 30 seconds elsewhere; and how they are resumed."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from roco.cli.tables import console

SECONDS_BETWEEN_LINES = 30.0
"""Seconds between two lines of progress if stderr is not a terminal."""

SECONDS_BETWEEN_REDRAWS = 0.2


class ProgressBar:
    """Counts units of work up to a total and prints how far it is; safe to call from several threads.

    A subclass adds `rates`, the text beside the bar, such as figures per second.
    """

    def __init__(self) -> None:
        self.console = console(stderr=True)
        self.lock = threading.RLock()
        self.what = ""
        self.total = self.done = 0
        self.counts = Counter[str]()
        self.started = self.printed = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def start(self, what: str, total: int) -> None:
        """Begins a new count; what: the unit in the plural, such as `parts`."""
        self.close()
        with self.lock:
            self.what, self.total, self.done = what, total, 0
            self.started = self.printed = time.monotonic()
            if total and self.console.is_terminal:
                text, rates = TextColumn("{task.description}"), TextColumn("{task.fields[rates]}")
                columns = (text, BarColumn(), MofNCompleteColumn(), rates, TimeRemainingColumn())
                self._bar = Progress(*columns, console=self.console, transient=True)
                self._bar.start()
                self._task = self._bar.add_task(what, total=total, rates="")

    def advance(self, n: int = 1) -> None:
        """Counts n units as done."""
        with self.lock:
            self.done += n
            if self._bar is not None and self._task is not None:
                self._bar.update(self._task, advance=n)
            self.refresh()

    def count(self, **amounts: int) -> None:
        """Adds amounts of other things that were processed, for the rates."""
        with self.lock:
            self.counts.update(amounts)

    def refresh(self) -> None:
        """Prints the rates again if enough time has passed since the last time."""
        with self.lock:
            now = time.monotonic()
            if self._bar is not None and self._task is not None:
                if now - self.printed > SECONDS_BETWEEN_REDRAWS:
                    self.printed = now
                    self._bar.update(self._task, rates=self.rates(now - self.started))
            elif self.total and now - self.printed > SECONDS_BETWEEN_LINES:
                self.printed = now
                self.console.print(self._line(now - self.started))

    def close(self) -> None:
        """Removes the bar from the terminal."""
        with self.lock:
            if self._bar is not None:
                self._bar.stop()
                self._bar = None

    def rates(self, seconds: float) -> str:
        """Returns the text beside the bar; seconds: time since the count started."""
        return ""

    def _line(self, seconds: float) -> str:
        facts = [f"{self.done:,} of {self.total:,} {self.what}"]
        if rates := self.rates(seconds):
            facts.append(rates)
        if self.done:
            remaining = (self.total - self.done) * seconds / self.done
            facts.append(f"about {duration(remaining)} remaining")
        return ", ".join(facts)


class RunProgress(ProgressBar):
    """The progress of `roco run`, in parts of the corpus, with figures per second and dropped figures."""

    def start(self, what: str, total: int) -> None:
        self.counts["figures"] = 0  # the rate is that of the current count
        super().start(what, total)

    def rates(self, seconds: float) -> str:
        return f"{self.counts['figures'] / max(1e-3, seconds):,.0f} figures/s, {self.counts['dropped']:,} dropped"


def duration(seconds: float) -> str:
    """Formats seconds for people: `45 s`, `12 min`, `3.5 h`."""
    if seconds < 100:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 6000 else f"{seconds / 3600:,.1f} h"


@contextmanager
def resumable(progress: ProgressBar) -> Iterator[None]:
    """Closes the bar at the end of a block; after Ctrl-C or SIGTERM prints how to resume and exits with 130."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        progress.close()
        print("interrupted; run the same command again to resume", file=sys.stderr)
        raise SystemExit(130) from None
    finally:
        progress.close()
