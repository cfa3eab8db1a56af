"""Records the progress that an operation reports."""

from __future__ import annotations

from collections import Counter

from roco.base.progress import NullProgress


class Recorder(NullProgress):
    """Records what was reported: activities in order, totals, units done before and now."""

    def __init__(self) -> None:
        self.activities: list[str] = []
        self.totals: dict[str, int] = {}
        self.before: dict[str, int] = {}
        self.done = Counter[str]()
        self.steps: list[int] = []
        self.amounts = Counter[str]()

    def start(self, what: str, total: int | None, done: int = 0) -> None:
        self.activities.append(what)
        if total is not None:
            self.totals[what], self.before[what] = total, done

    def advance(self, n: int = 1) -> None:
        self.done[self.activities[-1]] += n
        if self.activities[-1] == "articles":
            self.steps.append(n)

    def count(self, **amounts: int) -> None:
        if self.activities[-1] == "articles":
            self.amounts.update(amounts)
