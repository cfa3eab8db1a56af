"""Kills a run at one call, runs it again, and records the result."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.faults.drive import drive, faults, forked, kept, leftovers, packed, read


@dataclass(frozen=True)
class Kill:
    """A run and where it is killed.

    before: a finished run from which it starts, if any; where: `driver` or `worker`; options: those of the run that
    is killed; fresh: an undisturbed run to compare with.
    """

    articles: Path
    work: Path
    fresh: Path
    before: Path | None = None
    where: str = "driver"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fate:
    """The result of a run that was killed at a call and then repeated.

    code: exit code of the killed run; other: files and packed images that differ from those of the undisturbed run;
    left: temporary files that remain; reads: articles read in both runs together.
    """

    at: int
    code: int
    other: list[str]
    left: list[str]
    reads: int


Sweep = Callable[..., list[Fate]]


def calls(kill: Kill) -> int:
    """Returns the number of calls of a run that is not killed."""
    folder, count = _start(kill, 0)
    assert forked(kill.articles, folder, faults(count, 0, kill.where), **kill.options) == 0
    return count.stat().st_size


@contextlib.contextmanager
def sweeper(processes: int = 2) -> Iterator[Sweep]:
    """Yields a function that kills one run at each of some calls, by default at every call; runs are parallel."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:

        def sweep(kill: Kill, at: Iterable[int] = ()) -> list[Fate]:
            return list(pool.map(partial(_fate, kill), list(at) or range(1, calls(kill) + 1)))

        yield sweep


def _fate(kill: Kill, at: int) -> Fate:
    folder, count = _start(kill, at)
    log = kill.work / f"log-{kill.where}-{at}"
    os.environ["ROCO_TEST_LOG"] = str(log)
    code = forked(kill.articles, folder, faults(count, at, kill.where), **kill.options)
    if kill.where == "driver":
        drive(kill.articles, folder, **{k: v for k, v in kill.options.items() if k not in ("retry", "workers")})
    want, got = ({**kept(run), **packed(run)} for run in (kill.fresh, folder))
    other = sorted(name for name in want.keys() | got.keys() if want.get(name) != got.get(name))
    fate = Fate(at, code, other, leftovers(folder), read(log)["read"])
    shutil.rmtree(folder)
    return fate


def _start(kill: Kill, at: int) -> tuple[Path, Path]:
    folder = kill.work / f"run-{kill.where}-{at}"
    if kill.before is not None:
        shutil.copytree(kill.before, folder)
    kill.work.mkdir(parents=True, exist_ok=True)
    return folder, kill.work / f"count-{kill.where}-{at}"
