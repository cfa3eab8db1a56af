"""The state of a training that is not done, in `OUT.training/`: its settings, its log, its last checkpoint.

```
settings.json          what determines the weights; the same command with other settings is refused
log.csv                step, epoch, name, value
step-00000120/         model, optimizer, average (safetensors) and state.json; the folder appears as a whole
best-00000100.safetensors
```
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from roco.base.errors import Busy, DataError, UsageError
from roco.base.files import full_disk, sync, write_json
from roco.base.json_text import parse_json
from roco.base.terminal import excerpt
from roco.baselines.training.folder import LOG

SETTINGS = "settings.json"
STATE = "state.json"
LOCK = "lock"

# What is written before the settings; a search among options trains its models in folders `grid` and `selection`.
_EARLY = re.compile(rf"{LOCK}|grid|selection|\.{re.escape(SETTINGS)}\..*")


@dataclass
class Reached:
    """How far a training is.

    step: steps that are done, of all epochs. scores: of the last epoch that was scored. best: the best score and
    its step; best_file: the weights of that step. waited: epochs since then. seconds: of all sessions. items: that
    were trained on in that time. unreadable: ids of images that could not be read. scaler: of 16-bit precision.
    """

    step: int = 0
    best: float | None = None
    best_step: int = 0
    best_file: str = ""
    best_scores: dict[str, float] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    waited: int = 0
    seconds: float = 0.0
    items: int = 0
    sessions: int = 0
    unreadable: list[str] = field(default_factory=list)
    optimizer: dict[str, Any] = field(default_factory=dict)
    average_steps: int = 0
    scaler: dict[str, Any] = field(default_factory=dict)


def folder_of(out: Path, activity: str = "training") -> Path:
    """Returns the folder in which the state of a training, or of another activity, is kept until it is done."""
    return out.with_name(f"{out.name}.{activity}")


class State:
    """The files of a training that is not done. folder: `OUT.training`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    @contextlib.contextmanager
    def opened(cls, out: Path, settings: Mapping[str, Any], activity: str = "training") -> Iterator[State]:
        """Opens or begins the state of a training, held by one process at a time.

        activity: what is done, which names the folder: training, indexing.
        Raises UsageError if `out` exists, if the state is of other settings, and if its folder contains files of
        somebody else, which would be removed in the end; Busy if it is in use.
        """
        if out.exists() or out.is_symlink():
            raise UsageError(f"{out} already exists", "choose another folder")
        state = cls(folder_of(out, activity))
        state.folder.mkdir(parents=True, exist_ok=True)
        _check_own(state.folder)
        with _held(state.folder / LOCK, activity):
            state._check(settings)
            yield state

    def _check(self, settings: Mapping[str, Any]) -> None:
        file = self.folder / SETTINGS
        wanted = parse_json(json.dumps(dict(settings), sort_keys=True))
        if not file.exists():
            write_json(file, wanted)
            return
        stored = _json(file)
        for name, was, now in _differences(stored, wanted):
            hint = f"choose another folder, or remove {self.folder} to begin again"
            raise UsageError(f"{self.folder} was begun with {name} = {was}, not {now}", hint)

    # --- checkpoints -------------------------------------------------------------------------------------------------

    def last(self) -> tuple[Path, Reached] | None:
        """Returns the folder of the last complete checkpoint, and how far the training was; None if there is none."""
        folders = sorted(self.folder.glob("step-*"))
        if not folders:
            return None
        entry = _json(folders[-1] / STATE)
        try:
            return folders[-1], Reached(**entry)
        except TypeError as err:
            raise DataError(
                f"{folders[-1]} is of another version of roco", f"remove {self.folder} to begin again"
            ) from err

    @contextlib.contextmanager
    def checkpoint(self, reached: Reached) -> Iterator[Path]:
        """Yields a folder for the files of a checkpoint; it replaces the previous one when the block ends."""
        for left in self.folder.glob(".step-*"):
            shutil.rmtree(left, ignore_errors=True)
        part, done = (self.folder / f"{dot}step-{reached.step:08}" for dot in (".", ""))
        try:
            part.mkdir()
            yield part
            write_json(part / STATE, asdict(reached))
            sync(part)
            if done.exists():  # the same step again, after an error
                shutil.rmtree(done)
            os.rename(part, done)  # noqa: PTH104 - the tests that fill the disk replace this function
            sync(self.folder)
        except OSError as err:
            shutil.rmtree(part, ignore_errors=True)
            raise full_disk(err, done) from err
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        self._remove_old(done.name, reached.best_file)

    def _remove_old(self, step: str, best: str) -> None:
        for entry in self.folder.glob("step-*"):
            if entry.name != step:
                shutil.rmtree(entry, ignore_errors=True)
        for entry in self.folder.glob("best-*"):
            if entry.name != best:
                entry.unlink(missing_ok=True)

    def remove(self) -> None:
        """Removes the state of a training that is done."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def log(self) -> Path:
        """Returns the path of the log."""
        return self.folder / LOG


def _check_own(folder: Path) -> None:
    """Raises UsageError for a folder with other files than those that precede the settings of a training."""
    names = {path.name for path in folder.iterdir()}
    if SETTINGS not in names and any(not _EARLY.fullmatch(name) for name in names):
        raise UsageError(f"{folder} exists, and contains other files", "choose another folder")


@contextlib.contextmanager
def _held(lock: Path, activity: str) -> Iterator[None]:
    with lock.open("w") as file:
        try:
            # A POSIX lock, which forked workers do not inherit: those of a killed process live a few seconds longer.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            what = f"another process is {activity} in {lock.parent}"
            raise Busy(what, "wait for it, or choose another folder") from err
        yield


def _json(path: Path) -> dict[str, Any]:
    try:
        entry = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise DataError(f"{path} cannot be read: {excerpt(err)}", f"remove {path.parent} to begin again") from err
    if not isinstance(entry, dict):
        raise DataError(f"{path} is not an object", f"remove {path.parent} to begin again")
    return entry


def _differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yields the name and both values of each setting that differs; of options the single ones."""
    for name in sorted(stored.keys() | wanted.keys()):
        was, now = stored.get(name), wanted.get(name)
        if name in ("options", "further") and isinstance(was, dict) and isinstance(now, dict):
            yield from _differences(was, now)
        elif was != now:
            yield name, excerpt(json.dumps(was)), excerpt(json.dumps(now))
