"""The progress of long commands: a bar on a terminal, lines in a file or log; and how they are resumed."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from roco.base.terminal import printable
from roco.cli.tables import console

SECONDS_BEFORE_LINES = (1.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds before the first, the second … line about one activity if stderr is not a terminal; the last one repeats."""

SECONDS_BETWEEN_REDRAWS = 0.2


class ProgressBar:
    """Counts units of work up to a total and prints how far it is; safe to call from several threads.

    If stderr is not a terminal, the first activity of a command and the first that is counted print a line at once; a
    counted one prints a last line when it is complete. A subclass adds `rates`, such as figures per second.
    at_once: False for commands that are done at once in most cases; nothing is printed in the first second.
    """

    def __init__(self, at_once: bool = True) -> None:
        self.at_once = at_once
        self.console = console(stderr=True)
        self.lock = threading.RLock()
        self.what = ""
        self.total: int | None = None
        self.done = self.done_before = 0
        self.counts = Counter[str]()
        self.started = self.printed = time.monotonic()
        self.lines = 0
        self._begun: set[bool] = set()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def start(self, what: str, total: int | None, done: int = 0) -> None:
        """Begins a new activity; the one before has ended. Nothing is shown if there is nothing to count."""
        with self.lock:
            self._end_activity()
            self.what, self.total, self.done, self.done_before = what, total, done, done
            self.started = self.printed = time.monotonic()
            self.lines = 0
            if total == 0:
                self.what = ""
            elif self.console.is_terminal:
                self._show_bar()
            elif self._is_first(total) and self.at_once:
                self._print_line()

    def advance(self, n: int = 1) -> None:
        """Counts n units as done."""
        with self.lock:
            self.done += n
            self.refresh()

    def count(self, **amounts: int) -> None:
        """Adds amounts of other things that were processed, for the rates."""
        with self.lock:
            self.counts.update(amounts)

    def refresh(self) -> None:
        """Shows the state again if enough time has passed since the last time."""
        with self.lock:
            if not self.what:
                return
            passed = time.monotonic() - self.printed
            if self._bar is not None:
                if passed > SECONDS_BETWEEN_REDRAWS:
                    self._update_bar()
            elif passed > SECONDS_BEFORE_LINES[min(self.lines, len(SECONDS_BEFORE_LINES) - 1)]:
                self._print_line()

    def close(self) -> None:
        """Ends the display; the bar disappears from the terminal."""
        with self.lock:
            self._end_activity()
            if self._bar is not None:
                self._bar.stop()
                self._bar = None

    def rates(self, seconds: float) -> str:
        """Returns how fast it is; seconds: time since the activity began."""
        return ""

    # --- showing ----------------------------------------------------------------------------------------------------

    def _end_activity(self) -> None:
        """Prints the last line of an activity that printed lines and is complete."""
        is_complete = self.total is not None and self.done >= self.total
        if self.what and self.lines and is_complete:
            self._print_line()
        self.what = ""

    def _is_first(self, total: int | None) -> bool:
        """Returns whether this is the first activity of the command, or the first that is counted."""
        is_counted = total is not None
        is_first = not self._begun or (is_counted and True not in self._begun)
        self._begun.add(is_counted)
        return is_first

    def _print_line(self) -> None:
        self.console.print(self._line(), markup=False, soft_wrap=True)
        self.printed = time.monotonic()
        self.lines += 1

    def _show_bar(self) -> None:
        if self._bar is None:
            columns = (BarColumn(bar_width=20), TextColumn("{task.description}", markup=False))
            self._bar = Progress(*columns, console=self.console, transient=True)
            self._task = self._bar.add_task(self._line(), total=self.total)
            self._bar.start()
        assert self._task is not None
        self._bar.reset(self._task, total=self.total)
        self._update_bar()

    def _update_bar(self) -> None:
        assert self._bar is not None and self._task is not None
        self._bar.update(self._task, description=self._line(), total=self.total, completed=self.done)
        self.printed = time.monotonic()

    def _line(self) -> str:
        """Returns how far the current activity is, with rates and remaining time."""
        seconds = time.monotonic() - self.started
        if self.total is None:
            facts = [printable(self.what)]
            if seconds >= 1:
                facts.append(duration(seconds))
            return ", ".join(facts)
        facts = [f"{self.done:,} of {self.total:,} {printable(self.what)}"]
        newly_done = self.done - self.done_before
        if newly_done:
            if rates := self.rates(seconds):
                facts.append(rates)
            if self.done < self.total:
                remaining = (self.total - self.done) * seconds / newly_done
                facts.append(f"about {duration(remaining)} remaining")
            else:
                facts.append(duration(seconds))
        return ", ".join(facts)


class RunProgress(ProgressBar):
    """The progress of `roco run`, in articles, with figures per second and dropped figures."""

    def start(self, what: str, total: int | None, done: int = 0) -> None:
        super().start(what, total, done)
        self.counts.clear()  # the rates are those of the current activity

    def rates(self, seconds: float) -> str:
        """Returns figures per second and dropped figures, as soon as a part is done."""
        if not self.counts["figures"]:
            return ""
        rate = f"{self.counts['figures'] / max(1e-3, seconds):,.0f} figures/s"
        return f"{rate}, {self.counts['dropped']:,} dropped" if self.counts["dropped"] else rate


def duration(seconds: float) -> str:
    """Formats seconds for people: `45 s`, `12 min`, `3.5 h`."""
    if seconds < 100:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 6000 else f"{seconds / 3600:,.1f} h"


@contextmanager
def shown(progress: ProgressBar) -> Iterator[None]:
    """Shows the progress of a block, also while nothing is counted, and closes it at the end."""
    ended = threading.Event()

    def refresh() -> None:
        while not ended.wait(SECONDS_BETWEEN_REDRAWS):
            progress.refresh()

    thread = threading.Thread(target=refresh, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        progress.close()


@contextmanager
def resumable(progress: ProgressBar) -> Iterator[None]:
    """Shows the progress of a block; after Ctrl-C or SIGTERM prints how to resume and exits with 130."""
    received = False

    def interrupt(number: int, frame: object) -> None:
        nonlocal received
        received = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # a shell ignores it for commands in the background
        signal.signal(signal.SIGINT, interrupt)
    try:
        with shown(progress):
            yield
            if received:  # Python has dropped the exception, as it does in a destructor
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        # Nothing is left to do but to end: another signal would only replace the exit code, or print a traceback.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        print("interrupted; completed work is kept: run the same command again to resume", file=sys.stderr)
        raise SystemExit(130) from None
