"""What surrounds a run: the disk, the clock, the source, the network."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.bucket import Fault
from tests.chaos.scene import ROOM, Scene

FREE_SPACE = "free some space and run the same command again"
DAY = 86400.0


def disk_full(scene: Scene) -> str | None:
    """The disk is full from a random moment on; the run resumes once there is space."""
    if not scene.has_disk:
        return None
    with scene.paused() as command:
        if command is None:
            return None
        used = shutil.disk_usage(scene.root).used
        room = scene.chance.choice((0, 4096, 1 << 14, 1 << 16, 1 << 18, 1 << 20))
        scene.resize(str(used + room))
        try:
            ended = scene.ended(command, 0, 1, needs=(FREE_SPACE,))
        finally:
            scene.resize(ROOM)
    return f"{room >> 10} KB left, exit code {ended.code}"


def file_size_limited(scene: Scene) -> str | None:
    """Files may not be larger than a limit, as under a quota."""
    # The messages of the command go to a file, too, and must fit.
    limit = scene.chance.choice((2000, 5000, 20_000, 100_000))
    command = scene.start(limits=[f"--fsize={limit}:"])
    ended = scene.ended(command, 0, 1, needs=(FREE_SPACE,))
    return f"{limit} bytes, exit code {ended.code}"


def clock_stepped(scene: Scene) -> str | None:
    """The clock is set forward or back while a run is at work, and stays wrong."""
    with scene.paused() as command:
        if command is None:
            return None
        seconds = scene.chance.choice((-20 * 365 * DAY, -DAY, -3600, 3600, DAY, 20 * 365 * DAY))
        (scene.logs / "clock").write_text(str(seconds))
        scene.ended(command, 0)
    return f"{seconds / 3600:+,.0f} h"


def times_moved(scene: Scene) -> str | None:
    """Files of the run and of the source get other times, as after a copy to another disk."""
    files = [path for folder in (scene.run, *scene.inputs) for path in sorted(folder.rglob("*")) if path.is_file()]
    chosen = [path for path in files if scene.chance.random() < 0.3]
    for path in chosen:
        seconds = path.stat().st_mtime + scene.chance.choice((-10 * 365 * DAY, -1, 1, 10 * 365 * DAY))
        os.utime(path, (seconds, seconds))
    scene.ended(scene.start(), 0)
    return f"{len(chosen)} files"


# --- the source -----------------------------------------------------------------------------------------------------

CANNOT_READ = ("restore it", "check that the source")


def source_vanishes(scene: Scene) -> str | None:
    """The folder of the source is away from a random moment of a run on, and returns after it."""
    return _away(scene, [scene.chance.choice(scene.inputs)], "folder")


def unmounted(scene: Scene) -> str | None:
    """The folder of the source is empty from a random moment on, like the mount point of a disk that is lost."""
    folder = scene.chance.choice(scene.inputs)
    return _away(scene, sorted(folder.iterdir()), "content")


def packages_vanish(scene: Scene) -> str | None:
    """Some articles of the source are away from a random moment of a run on, and return after it."""
    articles = [path for folder in scene.inputs for path in sorted(folder.rglob("PMC*")) if _is_article(path)]
    return _away(scene, scene.chance.sample(articles, scene.chance.randint(1, len(articles) // 2)), "articles")


def _is_article(path: Path) -> bool:
    """Returns whether a path is the archive or the folder of an article."""
    return path.name.endswith(".tar.gz") or (path.is_dir() and any(path.glob("*.*xml")))


def permission_lost(scene: Scene) -> str | None:
    """The source, or some of it, may not be read from a random moment of a run on, until after it."""
    scene.forget_images()
    with scene.paused() as command:
        if command is None or not scene.has_listed(command):
            return None
        folder = scene.chance.choice(scene.inputs)
        paths = [folder, *(path for path in sorted(folder.rglob("*")) if path.is_file())]
        chosen = scene.chance.choice([paths[:1], scene.chance.sample(paths, len(paths) // 2)])
        modes = {path: path.stat().st_mode for path in chosen}
        for path in chosen:
            path.chmod(0)
        try:
            ended = scene.ended(command, 0, 1, needs=CANNOT_READ)
        finally:
            for path, mode in modes.items():
                path.chmod(mode)
    return f"{len(chosen)} paths, exit code {ended.code}"


def _away(scene: Scene, paths: list[Path], what: str) -> str | None:
    """Moves a part of the source away while a run is at work, and back after it."""
    scene.forget_images()
    with scene.paused() as command:
        if command is None or not scene.has_listed(command):
            return None
        away = scene.root / "away"
        away.mkdir()
        for i, path in enumerate(paths):
            path.rename(away / str(i))
        try:
            ended = scene.ended(command, 0, 1, needs=CANNOT_READ)
        finally:
            for i, path in enumerate(paths):
                (away / str(i)).rename(path)
            away.rmdir()
    return f"{len(paths)} {what}, exit code {ended.code}"


def source_away_at_the_start(scene: Scene) -> str | None:
    """The source is away when a run starts: an error, and nothing is lost."""
    folder = scene.chance.choice(scene.inputs)
    away = folder.with_name("away")
    folder.rename(away)
    is_empty = scene.chance.random() < 0.5
    if is_empty:
        folder.mkdir()
    try:
        scene.ended(scene.start(), 1, 2, needs=("check", "restore"))
    finally:
        if is_empty:
            folder.rmdir()
        away.rename(folder)
    return "empty" if is_empty else "missing"


# --- the network ----------------------------------------------------------------------------------------------------

_FAULTS = (Fault(status=503, headers={"Retry-After": "0"}), Fault(cut=20), Fault(reset=True), Fault(change=True),
           Fault(status=500), Fault(status=429), Fault(body=b"<html>busy</html>"), Fault(length=7))  # fmt: skip


def storm(scene: Scene) -> str | None:
    """Every object fails some times, in changing ways: 503, cut, reset, changed, too short."""
    scene.forget_images()
    before = dict(scene.proxy.requests)
    shift, times = scene.chance.randrange(len(_FAULTS)), scene.chance.randint(1, 3)

    def rule(key: str, n: int) -> Fault | None:
        tries = n - before.get(key, 0)
        return _FAULTS[(tries + len(key) + shift) % len(_FAULTS)] if tries <= times else None

    scene.proxy.rule = rule
    try:
        scene.ended(scene.start(), 0)
    finally:
        scene.proxy.rule = lambda key, n: None
    return f"{times} times"


def outage(scene: Scene) -> str | None:
    """The server is down, or answers 503 alone, from a random moment of a run on."""
    scene.forget_images()
    with scene.paused() as command:
        if command is None:
            return None
        fault = scene.chance.choice((Fault(reset=True), Fault(status=503), Fault(cut=0)))
        scene.proxy.rule = lambda key, n: fault
        try:
            ended = scene.ended(command, 0, 1, needs=("run the same command again", "run again", "repeat", "resume"))
        finally:
            scene.proxy.rule = lambda key, n: None
    return f"exit code {ended.code}"


def slow_answers(scene: Scene) -> str | None:
    """The server stops in the middle of a response, and goes on after a moment."""
    scene.proxy.pause_after(scene.chance.randint(1, 60))
    command = scene.start()
    try:
        while command.is_running and not scene.proxy.paused.wait(0.01):
            pass
        was_paused = scene.proxy.paused.is_set()
        scene.moment_passes()
    finally:
        scene.proxy.resume()
    scene.ended(command, 0)
    return "resumed" if was_paused else None


def permissions_hold() -> bool:
    """Returns whether permissions hold for the commands: root without setpriv reads everything."""
    return os.geteuid() != 0 or shutil.which("setpriv") is not None
