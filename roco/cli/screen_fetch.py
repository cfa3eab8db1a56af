"""What `roco fetch` prints, and its progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from roco.cli.progress import SECONDS_BETWEEN_LINES as QUIET_EVERY
from roco.cli.tables import LINES_PER_LIST as TOLD_AT_MOST
from roco.cli.tables import clean, console
from roco.sources.fetch.plan import Plan
from roco.sources.fetch.take import Taken
from roco.sources.fetch.update import KINDS, Changed, Changes

WHY = {
    "metadata": "their metadata cannot be read",
    "closed": "not of the open access subset",
    "ocr": "scans",
    "manuscript": "authors' manuscripts",
    "retracted": "retracted",
    "license": "of another licence",
    "date": "of another year",
    "type": "of another type",
}


def show_plan(plan: Plan) -> None:
    out = console()
    told, estimate = plan.told, plan.told["estimate"]
    if told["snapshot"] != "ids":
        out.print(f"snapshot {clean(told['snapshot'])}, manifest {told['manifest_sha256'][:16]}…")
    for note in told["notes"] if told["snapshot"] != "ids" else ():
        out.print(f"note: {clean(note)}", soft_wrap=True)
    out.print(f"{_n(told['articles'], 'article')} in {_n(told['versions'], 'version')}")
    for reason, n in told["skip"].items():
        out.print(f"  {n:>11,}  left out: {WHY.get(reason, reason)}")
    out.print(
        f"  {told['take']:>11,}  wanted" + (f", {told['todo']:,} to fetch" if told["todo"] != told["take"] else "")
    )
    if told["follow"]:
        out.print(f"  {told['follow']:>11,}  here and wanted no more: they stay, and say why")
    if told["gone"]:
        out.print(f"  {told['gone']:>11,}  here and in the bucket no more: they go")
    if told["todo"]:
        part = estimate["sampled"] < told["todo"]
        basis = f"reckoned from {estimate['sampled']:,} of them" if part else "as the bucket lists them"
        out.print(
            f"to fetch: {_n(told['todo'], 'article')}, {'about' if part else 'at most'} {estimate['files']:,} files, "
            f"{size(estimate['bytes'])}, {basis}"
        )
        out.print(f"time: about {duration(estimate['seconds'])} at {estimate['rate']:,} requests/s and 100 Mbit/s")


def show_taken(taken: Taken, seconds: float) -> None:
    out = console()
    rate = f", {size(taken.bytes / seconds)}/s" if taken.bytes and seconds > 0 else ""
    out.print(
        f"fetched: {_n(taken.articles, 'article')}, {_n(taken.files, 'file')}, {size(taken.bytes)} in "
        f"{duration(seconds)}{rate}"
    )
    for n, words in (
        (taken.there, "were there"),
        (taken.removed, "removed: in the bucket no more"),
        (taken.gone_before, "were gone before, as told then"),
        *((n, f"left out: {WHY.get(reason, reason)}, says their XML") for reason, n in sorted(taken.left.items())),
    ):
        if n:
            out.print(f"  {n:>11,}  {words}")
    if taken.withheld:
        out.print(f"  {taken.withheld:>11,}  images that the metadata name are not given by the bucket")


def told(taken: Taken) -> dict[str, Any]:
    return {**vars(taken), "left": dict(taken.left)}


def show_changes(changes: Changes) -> None:
    out = console()
    out.print(f"from {clean(changes.was)} to {clean(changes.now)}")
    for kind in KINDS:
        _told(out, kind, getattr(changes, kind))
    if changes.elsewhere:
        out.print(f"  {changes.elsewhere:>11,}  changed that are neither here nor wanted")


def _told(out: Any, kind: str, articles: Sequence[Changed]) -> None:
    out.print(f"  {len(articles):>11,}  {kind}")
    for one in articles[: TOLD_AT_MOST if kind != "new" else 0]:
        out.print(f"               {clean(one.article)}  {clean(one.detail)}", soft_wrap=True)
    if kind != "new" and len(articles) > TOLD_AT_MOST:
        out.print(f"               and {len(articles) - TOLD_AT_MOST:,} more: --json")


def _n(n: int, word: str) -> str:
    return f"{n:,} {word}" + ("" if n == 1 else "s")


def size(n: float) -> str:
    """Bytes as people say them, in powers of 1,000."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if n < 1000:
            return f"{n:,.0f} {unit}" if unit == "bytes" else f"{n:,.1f} {unit}"
        n /= 1000
    return f"{n:,.1f} TB"


def duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 6000 else f"{seconds / 3600:,.1f} h"


class Transfer:
    """The one progress of a fetch: files, bytes a second, time left; a line every 30 s where there is no terminal."""

    def __init__(self) -> None:
        self.console = console(stderr=True)
        self._lock = threading.Lock()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self.done = self.files = self.bytes = 0
        self._set("articles", 0)

    def begin(self, articles: int, files: int, bytes: int) -> None:
        self.close()
        self._set("articles", articles)

    def metadata(self, n: int, of: int) -> None:
        with self._lock:
            if self.what != "metadata":
                self._set("metadata", of)
            self.files += 1
            self._step()

    def file(self, bytes: int) -> None:
        with self._lock:
            self.files, self.bytes = self.files + 1, self.bytes + bytes
            self._tell()

    def article(self) -> None:
        with self._lock:
            self._step()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _set(self, what: str, total: int) -> None:
        self.what, self.total, self.done, self.files, self.bytes = what, total, 0, 0, 0
        self.began = self.said = time.monotonic()
        if total and self.console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[said]}"),
            )
            self._bar = Progress(*columns, console=self.console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task(what, total=total, said="")

    def _step(self) -> None:
        self.done += 1
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, advance=1)
        self._tell()

    def _tell(self) -> None:
        now = time.monotonic()
        if self._bar is not None and self._task is not None:
            if now - self.said > 0.2:
                self.said = now
                self._bar.update(self._task, said=self.words(now))
        elif self.total and now - self.said > QUIET_EVERY:
            self.said = now
            self.console.print(f"{self.done:,} of {self.total:,} {self.what}, {self.words(now)}")

    def words(self, now: float) -> str:
        passed = max(1e-3, now - self.began)
        left = f", about {duration((self.total - self.done) * passed / self.done)} left" if self.done else ""
        return f"{self.files:,} files, {size(self.bytes / passed)}/s{left}"
