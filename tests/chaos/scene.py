"""One iteration: a recipe in a folder of its own, the commands that run it, and what they left so far."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bucket import Proxy
from tests.chaos.corpus import Variant
from tests.chaos.process import Command, Ended

if TYPE_CHECKING:
    from tests.core.test_ray import Nodes

ROOM = "512m"
"""Size of the small disk while it is not full."""

HINTS = ("run the same command again", "run again", "free some space", "restore it", "check that the source")
"""How the second line of an error begins or goes on that leaves a run which resumes."""


class Broken(Exception):
    """roco did not do what it promises; the message says what happened."""


@dataclass
class Scene:
    """The state of an iteration.

    root: the folder of recipe, sources and run, on a small disk if `has_disk`; logs: the folder of the records.
    writes: records of an undisturbed run. recipe_changed: whether another recipe was run, too. packs_damaged: whether
    images were removed from the run folder. flipped: files with other bytes, but size and time as before. is_complete:
    whether the last command ran to the end. options: those of the executor. cluster: its nodes, if it is Ray.
    """

    variant: Variant
    chance: random.Random
    root: Path
    logs: Path
    proxy: Proxy
    writes: int
    has_disk: bool = False
    recipe_changed: bool = False
    packs_damaged: bool = False
    flipped: set[str] = field(default_factory=set)
    is_complete: bool = False
    options: Sequence[str] = ()
    cluster: Nodes | None = None
    commands: list[Command] = field(default_factory=list)
    phases: Counter[str] = field(default_factory=Counter)

    # --- folders ----------------------------------------------------------------------------------------------------

    @property
    def recipe(self) -> Path:
        return self.root / "recipe.toml"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def inputs(self) -> list[Path]:
        return [self.root / name for name in sorted(self.variant.inputs)]

    def prepare(self) -> None:
        """Writes the recipe and copies the sources."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        self.recipe.write_text(self.variant.recipe, encoding="utf-8")
        for name, folder in self.variant.inputs.items():
            shutil.copytree(folder, self.root / name, copy_function=shutil.copy2)

    def files(self, *patterns: str) -> list[Path]:
        """Returns the files of the run folder that fit one of the patterns, sorted."""
        found = {path for pattern in patterns for path in self.run.glob(pattern) if path.is_file()}
        return sorted(path for path in found if not path.name.startswith("."))

    # --- commands ---------------------------------------------------------------------------------------------------

    def start(self, *more: str, pause: int = 0, workers: int = 2, limits: Sequence[str] = ()) -> Command:
        """Starts `roco run`, by default without a pause."""
        words = ["run", "recipe.toml", "--workers", str(workers), *self.options, *more]
        log = self.logs / f"log-{len(self.commands)}"
        command = Command(words, self.root, log, pause, limits)
        self.commands.append(command)
        return command

    @contextmanager
    def paused(self, *more: str, limits: Sequence[str] = ()) -> Iterator[Command | None]:
        """Yields a command that waits at a random write, or None if it ended before; kills it on an exception."""
        command = self.start(*more, pause=self.moment(), limits=limits)
        try:
            is_paused = command.wait_for_pause()
            if is_paused:
                self.phases[phase(command.records, self.run)] += 1
                yield command
            else:
                self.ended(command, 0)
                yield None
        except BaseException:
            command.kill()
            raise

    def has_listed(self, command: Command) -> bool:
        """Returns whether a paused run holds its lock and has listed the source; lets it end otherwise."""
        if any(record.endswith("/recipe.toml") for record in command.records[:-1]):
            return True
        self.ended(command, 0)
        return False

    def moment(self) -> int:
        """Returns the number of a write: any of an undisturbed run, more often one of the first."""
        share = self.chance.random() ** self.chance.choice((1, 2, 4))
        done = sum(len(command.records) for command in self.commands)
        return 1 + int(share * max(self.writes - done, self.writes // 8))

    def forget_images(self) -> None:
        """Removes, mostly, what was read from the source, so that the next run reads it again."""
        if self.chance.random() < 0.8:
            for pattern in ("measures/extract-*", "measures/image-*", "images", "decisions/rows-*"):
                for path in self.run.glob(pattern):
                    shutil.rmtree(path)
            self.packs_damaged = True
            self.is_complete = False

    def ended(self, command: Command, *codes: int, needs: Sequence[str] = ()) -> Ended:
        """Lets a command end; raises Broken for another exit code, a traceback, or an error without a hint.

        needs: texts of which stderr must contain one, if the command failed.
        """
        ended = command.end()
        self.is_complete = ended.code == 0 and not any(word in ended.command for word in ("--parts", "--until"))
        problem = ""
        if ended.code not in codes:
            problem = f"exit code {ended.code}, expected {' or '.join(map(str, codes))}"
        elif "Traceback" in ended.stderr:
            problem = "a traceback"
        elif ended.code > 0 and needs and not any(text in ended.stderr for text in needs):
            problem = f"an error without {' or '.join(map(repr, needs))}"
        if problem:
            raise Broken(f"roco {ended.command}: {problem}\n{ended.stderr[-2000:]}")
        return ended

    def moment_passes(self) -> None:
        """Lets a random short time pass, so that what follows does not hit the moment of a write alone."""
        from tests.chaos.process import pause_for

        pause_for(self.chance.choice((0.0, 0.0, 0.01, 0.1, 0.3)) * self.chance.random())

    def stop_all(self) -> None:
        """Kills what is still running."""
        for command in self.commands:
            command.kill()

    # --- the disk ---------------------------------------------------------------------------------------------------

    def resize(self, size: str) -> bool:
        """Changes the size of the small disk; returns False if it contains more."""
        command = ["mount", "-o", f"remount,size={size}", str(self.root)]
        return subprocess.run(command, capture_output=True).returncode == 0


_PHASES = ("release", "ledger", "measures", "images", "source", "locks", "log", "manifest.json", "funnel.json",
           "recipe.toml", "parts.parquet")  # fmt: skip


def phase(records: Sequence[str], run: Path) -> str:
    """Returns what a run was writing: by the last record, or the one of the pause."""
    paths = [record.split(" ", 2)[-1] for record in records]
    # A folder is synced after the file in it that was renamed.
    path = next((path for path in reversed(paths) if path != str(run)), "")
    name = path.removeprefix(f"{run}/").removeprefix(".") if path.startswith(str(run)) else ""
    if name.startswith("decisions"):
        return "decisions of a part" if "rows-" in name else "decisions of a table stage"
    return next((one for one in _PHASES if name.startswith(one)), "other")
