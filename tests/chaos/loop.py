"""The loop: a random variant, disturbed some times, run to its end, and compared with an undisturbed run."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from roco.base.errors import CorruptFile
from tests.chaos.corpus import Corpora, Variant
from tests.chaos.damage import removed
from tests.chaos.disturbances import drawn
from tests.chaos.outcome import Outcome, difference, outcome
from tests.chaos.report import Report, without_paths
from tests.chaos.scene import ROOM, Broken, Scene

if TYPE_CHECKING:
    from tests.core.test_ray import Nodes

MOST_DISTURBANCES = 6
ON_RAY = 0.2
"""Share of the iterations whose workers run on Ray."""

MANY_WRITES = 400
"""Writes that are assumed for the undisturbed run itself."""


class Reference(NamedTuple):
    """An undisturbed run, and how many writes it had."""

    outcome: Outcome
    writes: int


class Chaos:
    """A series of iterations; each depends on the seed and its number alone.

    cluster: for workers on Ray, if there is one. work: the folder of all scenes; keep: where the folder of a failed
    iteration is copied to; only: names of the disturbances to draw from, by default all.
    """

    def __init__(
        self, corpora: Corpora, cluster: Nodes | None, work: Path, keep: Path, seed: int, only: Collection[str] = ()
    ) -> None:
        self.corpora, self.cluster, self.only = corpora, cluster, only
        self.work, self.keep, self.seed = work, keep, seed
        self.references: dict[str, Reference] = {}
        self.report = Report(seed, skipped=list(corpora.skipped))

    def run(self, numbers: Iterator[int], seconds: float | None, after_each: Callable[[Report], None]) -> Report:
        """Runs iterations until the numbers or the seconds of the report end, one fails, or Ctrl-C."""
        started = time.monotonic() - self.report.seconds
        with suppress(KeyboardInterrupt):
            for number in numbers:
                if seconds is not None and time.monotonic() - started >= seconds:
                    break
                failed = not self.iteration(number)
                self.report.seconds = time.monotonic() - started
                after_each(self.report)
                if failed:
                    break
        return self.report

    def iteration(self, number: int) -> bool:
        """Runs one iteration; returns whether it kept all promises."""
        chance = random.Random(f"{self.seed}/{number}")
        variant = chance.choice(self.corpora.variants)
        executor = "ray" if chance.random() < ON_RAY and self.cluster is not None else "local"
        done: list[str] = []
        problem = None
        with self._scene(variant, chance, f"{number}") as scene:
            if executor == "ray":
                scene.options, scene.cluster = ("--executor", "ray"), self.cluster
            try:
                scene.writes = self._reference(variant).writes
                for _ in range(chance.randint(2, MOST_DISTURBANCES)):
                    if scene.is_complete and chance.random() < 0.8:
                        done.append(f"removed: {removed(scene)}")  # so that there is something to do
                        self.report.struck["removed"] += 1
                    one = drawn(scene, self.only)
                    if one is None:
                        break
                    done.append(f"{one.name}: in progress")
                    what = one.strike(scene)
                    done[-1] = f"{one.name}: {what or 'missed'}"
                    (self.report.missed if what is None else self.report.struck)[one.name] += 1
                problem = self._end(scene)
            except Broken as err:
                problem = str(err)
            except Exception:
                problem = traceback.format_exc()
            self.report.iterations += 1
            self.report.commands += len(scene.commands)
            self.report.phases += scene.phases
            self.report.variants[variant.name] += 1
            self.report.executors[executor] += 1
            print(f"{number}: {variant.name}, {executor}: {'; '.join(done)}", file=sys.stderr, flush=True)
            if problem is not None:
                scene.stop_all()
                self._failed(scene, number, done, problem)
        return problem is None

    def _end(self, scene: Scene) -> str | None:
        """Runs to the end; returns the first difference to the undisturbed run, or that another run does something."""
        scene.ended(scene.start(), 0)
        found = difference(
            self._reference(scene.variant).outcome,
            self._outcome(scene),
            recipe_changed=scene.recipe_changed,
            packs_damaged=scene.packs_damaged,
        )
        if found is not None:
            return found
        again = scene.ended(scene.start(), 0)
        return None if "measured: nothing" in again.stdout else f"a second run is not up to date: {again.stdout[:300]}"

    def _outcome(self, scene: Scene) -> Outcome:
        """Reads the folder of a finished run; deletes one whose bits flipped unread, as the error says."""
        try:
            return outcome(scene.recipe)
        except CorruptFile as err:
            if err.path not in scene.flipped:
                raise
            Path(err.path).unlink()
            scene.ended(scene.start(), 0)
            return outcome(scene.recipe)

    def _failed(self, scene: Scene, number: int, done: list[str], problem: str) -> None:
        kept = self.keep / f"{self.seed}-{number}"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(scene.root, kept / "scene", symlinks=True)
        shutil.copytree(scene.logs, kept / "logs")
        self.report.differences.append(
            {
                "iteration": number,
                "variant": scene.variant.name,
                "disturbances": done,
                "problem": without_paths(problem, scene.root),
            }
        )
        print(
            f"\nseed {self.seed}, iteration {number}, variant '{scene.variant.name}'\n"
            + "".join(f"  {i}. {what}\n" for i, what in enumerate(done, 1))
            + f"{problem}\nkept: {kept}\n"
            + f"again: python -m tests.chaos --seed {self.seed} --iteration {number}"
            + "".join(f" --only '{name}'" for name in self.only)
            + ("" if self.cluster else " --without-ray"),
            file=sys.stderr,
            flush=True,
        )

    # --- scenes -----------------------------------------------------------------------------------------------------

    def _reference(self, variant: Variant) -> Reference:
        """Returns the undisturbed run of a variant, which is run once, in one process."""
        if variant.name not in self.references:
            with self._scene(variant, random.Random(0), "undisturbed") as scene:
                command = scene.start(workers=0)
                scene.ended(command, 0)
                self.references[variant.name] = Reference(outcome(scene.recipe), len(command.records))
        return self.references[variant.name]

    @contextmanager
    def _scene(self, variant: Variant, chance: random.Random, name: str) -> Iterator[Scene]:
        """Yields the scene of an iteration; removes it, and whatever still runs, in the end."""
        root, logs = self.work / name / "scene", self.work / name / "logs"
        root.mkdir(parents=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(root)]
        has_disk = _can_mount() and subprocess.run(mount, capture_output=True).returncode == 0
        scene = Scene(variant, chance, root, logs, self.corpora.proxy, MANY_WRITES, has_disk=has_disk)
        try:
            scene.prepare()
            yield scene
        finally:
            scene.stop_all()
            if has_disk:
                subprocess.run(["umount", "-l", str(root)], check=True)
            shutil.rmtree(self.work / name)


def _can_mount() -> bool:
    return shutil.which("mount") is not None
