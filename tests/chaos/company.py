"""Several commands on one folder at once, and recipes that change meanwhile."""

from __future__ import annotations

import signal

from tests.chaos.scene import Broken, Scene

IN_USE = "is in use by"


def two_runs_at_once(scene: Scene) -> str | None:
    """A second run, or a slice, on the same folder refuses; the first one is not disturbed."""
    with scene.paused() as command:
        if command is None or not scene.has_listed(command):
            return None
        more = scene.chance.choice(((), ("--parts", "1/2"), ("--until", scene.variant.last)))
        _refuses(scene, *more)
        scene.ended(command, 0)
    return " ".join(more) or "two whole runs"


def slices_at_once(scene: Scene) -> str | None:
    """Two slices share the folder, and a whole run refuses meanwhile."""
    with scene.paused("--parts", "1/2") as command:
        if command is None or not scene.has_listed(command):
            return None
        _refuses(scene)
        other = scene.start("--parts", "2/2")
        if scene.chance.random() < 0.3:
            command.signal(signal.SIGKILL)
        command.go()
        scene.ended(other, 0)
        ended = scene.ended(command, 0, -signal.SIGKILL)
    return f"exit code {ended.code}"


def recipe_changed(scene: Scene) -> str | None:
    """The recipe changes while a run is at work; the next run, up to the release, uses the changed one; and back."""
    with scene.paused() as command:
        if command is None:
            return None
        scene.recipe_changed = True
        scene.recipe.write_text(scene.variant.tightened, encoding="utf-8")
        if scene.chance.random() < 0.5:
            command.signal(signal.SIGKILL)
        scene.ended(command, 0, -signal.SIGKILL)
    try:
        with scene.paused("--until", scene.variant.last) as changed:
            if changed is not None:
                if scene.chance.random() < 0.5:
                    changed.signal(signal.SIGKILL)
                scene.ended(changed, 0, -signal.SIGKILL)
    finally:
        scene.recipe.write_text(scene.variant.recipe, encoding="utf-8")
    return "changed and back"


def retried(scene: Scene) -> str | None:
    """What was dropped as unreadable is measured again, and the run is killed meanwhile."""
    with scene.paused("--retry", scene.chance.choice(("unreadable", "missing"))) as command:
        if command is None:
            return None
        command.signal(signal.SIGKILL)
        scene.ended(command, 0, -signal.SIGKILL)
    return "killed"


def _refuses(scene: Scene, *more: str) -> None:
    """Starts a second command, which must end with an error that names the process that uses the folder."""
    ended = scene.ended(scene.start(*more), 1)
    if IN_USE not in ended.stderr:
        raise Broken(f"roco {ended.command}: no error that the folder is in use:\n{ended.stderr}")
