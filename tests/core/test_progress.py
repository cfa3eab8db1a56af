"""A run reports its progress: what it counts, each unit done, and how many figures were processed and dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from roco.base.progress import NullProgress
from roco.core.pipeline import Pipeline
from tests.core.conftest import run


class Recorder(NullProgress):
    """Records what was reported."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self.done = Counter[str]()
        self.amounts = Counter[str]()
        self.what = ""

    def start(self, what: str, total: int) -> None:
        self.what = what
        self.totals[what] = total

    def advance(self, n: int = 1) -> None:
        self.done[self.what] += n

    def count(self, **amounts: int) -> None:
        if self.what == "parts":
            self.amounts.update(amounts)


def test_a_run_reports_each_part_with_its_figures(make: Callable[..., Pipeline], tmp_path: Path) -> None:
    recorder = Recorder()
    outcome = run(make(), tmp_path / "run", workers=0, part_size=7, progress=recorder)
    assert recorder.totals["parts"] == recorder.done["parts"] == outcome.parts_done > 1
    assert recorder.done == recorder.totals
    assert recorder.amounts["figures"] >= recorder.amounts["dropped"] > 0


def test_a_run_with_nothing_to_do_reports_no_parts(make: Callable[..., Pipeline], tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0, part_size=7)
    recorder = Recorder()
    run(make(), tmp_path / "run", workers=0, part_size=7, progress=recorder)
    assert recorder.totals.get("parts", 0) == 0
    assert not recorder.done and not recorder.amounts
