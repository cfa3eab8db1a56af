"""Files of the run folder that are cut, flipped, emptied or removed, between two runs and during one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from roco.release.read import Release
from tests.chaos.scene import Broken, Scene

STATE = ("measures/*/*.parquet", "decisions/*.parquet", "decisions/*/*.parquet", "decisions/*/_stages.json",
         "records/*/*.parquet", "images/*.pack", "ledger/*", "parts.parquet", "manifest.json", "funnel.json",
         "recipe.toml")  # fmt: skip
RELEASE = ("release/*",)
WAYS = ("cut", "emptied", "flipped", "flipped silently", "removed")

CORRUPT_PARTS = "delete it and run again"


def damaged_between_runs(scene: Scene) -> str | None:
    """A file is damaged while nothing runs; the next run recreates it, or states what to do."""
    path = _any(scene, STATE)
    if path is None:
        return None
    what = f"{path.relative_to(scene.run)} {_damage(scene, path)}"
    _run(scene)
    return what


def damaged_during_a_run(scene: Scene) -> str | None:
    """A file is damaged while a run is at work."""
    with scene.paused() as command:
        if command is None:
            return None
        path = _any(scene, STATE)
        if path is None:
            scene.ended(command, 0)
            return None
        what = f"{path.relative_to(scene.run)} {_damage(scene, path)}"
        scene.ended(command, 0, 1, needs=("run the same command again", "run again"))
    if path.name == "parts.parquet":
        _run(scene)
    return what


def release_damaged(scene: Scene) -> str | None:
    """A file of the release is damaged: `roco verify` reports it, and the next run writes it again."""
    if not scene.is_complete:
        return None
    path = _any(scene, RELEASE)
    if path is None:
        return None
    way = _damage(scene, path)
    with Release.open(scene.run / "release") as release:
        if not release.verify():
            raise Broken(f"roco verify does not report that {path.name} was {way}")
    if way == "flipped silently":
        path.unlink()  # size and time are those that were recorded: the user removes what `roco verify` reports
    _run(scene)
    # Somebody may have edited the file on purpose: a run keeps it beside the new one.
    path.with_name(f"{path.stem}.edited{path.suffix}").unlink(missing_ok=True)
    return f"{path.name} {way}"


def removed(scene: Scene) -> str | None:
    """A folder or file of the run folder is removed as a whole, or all decisions, or all images."""
    names = ["release", "decisions", "records", "images", "manifest.json", "parts.parquet", "funnel.json", "log"]
    names += [str(path.relative_to(scene.run)) for path in sorted(scene.run.glob("measures/*"))]
    names = [name for name in names if (scene.run / name).exists()]
    chosen = scene.chance.sample(names, min(len(names), scene.chance.randint(1, 3)))
    for name in chosen:
        path = scene.run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        scene.packs_damaged |= name == "images"
    scene.is_complete = False
    return ", ".join(chosen) or None


def _run(scene: Scene) -> None:
    """Runs again; deletes parts.parquet if the error states this."""
    ended = scene.ended(scene.start(), 0, 1, needs=(CORRUPT_PARTS,))
    if ended.code:
        (scene.run / "parts.parquet").unlink()
        scene.ended(scene.start(), 0)


def _any(scene: Scene, patterns: tuple[str, ...]) -> Path | None:
    """Returns a file of a random kind."""
    found = [files for pattern in patterns if (files := scene.files(pattern))]
    return scene.chance.choice(scene.chance.choice(found)) if found else None


def _damage(scene: Scene, path: Path) -> str:
    """Damages a file; returns how."""
    scene.packs_damaged |= path.suffix == ".pack"
    way = scene.chance.choice(WAYS)
    stat, data = path.stat(), bytearray(path.read_bytes())
    if way == "removed":
        path.unlink()
    elif way == "emptied" or not data:
        os.truncate(path, 0)
    elif way == "cut":
        os.truncate(path, scene.chance.randrange(len(data)))
    else:
        data[scene.chance.randrange(len(data))] ^= 1 << scene.chance.randrange(8)
        path.write_bytes(data)
        if way == "flipped silently":  # as an ageing disk does
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            scene.flipped.add(str(path))
    return way
