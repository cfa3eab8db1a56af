"""Processes that are killed, stopped or interrupted at any moment."""

from __future__ import annotations

import contextlib
import os
import signal

from tests.chaos.process import Command, pause_for
from tests.chaos.scene import Broken, Scene

RESUMABLE = "interrupted; completed work is kept: run the same command again to resume"
INTERRUPTED = 130


def worker_killed(scene: Scene) -> str | None:
    """A worker dies once; the run goes on without it."""
    return _workers_killed(scene, 1)


def workers_killed_again_and_again(scene: Scene) -> str | None:
    """Workers die several times in one run, as under a system that is short of memory; no figure is to blame."""
    return _workers_killed(scene, scene.chance.randint(2, 4))


def _workers_killed(scene: Scene, times: int) -> str | None:
    with scene.paused() as command:
        if command is None:
            return None
        killed = 0
        for i in range(times):
            workers = command.workers()
            if workers:
                _kill(scene.chance.choice(workers))
                killed += 1
            command.go()
            if i + 1 < times:
                pause_for(scene.chance.random() * 0.8)
        # A run gives up if workers die before they have read anything: then no figure can be the cause.
        ended = scene.ended(command, *((0, 1) if times > 1 else (0,)), needs=("lack of memory",))
    return None if not killed else f"{killed} killed, exit code {ended.code}"


def driver_killed(scene: Scene) -> str | None:
    """The driver dies; its workers end by themselves."""
    with scene.paused() as command:
        if command is None:
            return None
        n = len(command.workers())
        if scene.chance.random() < 0.5:
            command.go()
            scene.moment_passes()
        command.signal(signal.SIGKILL)
        scene.ended(command, -signal.SIGKILL, 0)
    return f"{n} workers"


def all_processes_killed(scene: Scene) -> str | None:
    """The whole process group dies, as when a machine is switched off."""
    with scene.paused() as command:
        if command is None:
            return None
        command.kill()
        scene.ended(command, -signal.SIGKILL)
    return "killed"


def interrupted(scene: Scene) -> str | None:
    """Ctrl-C: the command ends, and prints that it is resumable."""
    return _interrupted(scene, signal.SIGINT, again=False)


def terminated(scene: Scene) -> str | None:
    """SIGTERM, as job schedulers send it: the same."""
    return _interrupted(scene, signal.SIGTERM, again=False)


def interrupted_twice(scene: Scene) -> str | None:
    """A second Ctrl-C while the command cleans up: the same, without a traceback."""
    return _interrupted(scene, signal.SIGINT, again=True)


def _interrupted(scene: Scene, number: int, again: bool) -> str | None:
    with scene.paused() as command:
        if command is None:
            return None
        if scene.chance.random() < 0.5:
            command.go()
            scene.moment_passes()
        if scene.chance.random() < 0.5 and number == signal.SIGINT:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(command.pid, number)  # a terminal sends Ctrl-C to the workers, too
        else:
            command.signal(number)
        if again:
            pause_for(scene.chance.random() * 0.05)
            command.signal(signal.SIGINT)
        ended = scene.ended(command, INTERRUPTED, 0)
        if ended.code and RESUMABLE not in ended.stderr:
            raise Broken(f"exit code {ended.code} without the message that the run is resumable:\n{ended.stderr}")
    return "after all" if ended.code == 0 else "interrupted"


def stopped_for_a_moment(scene: Scene) -> str | None:
    """A worker, the driver or all processes stand still for a moment, as on a machine that is suspended."""
    with scene.paused() as command:
        if command is None:
            return None
        chosen = _some(scene, command)
        for pid in chosen:
            _send(pid, signal.SIGSTOP)
        command.go()
        pause_for(scene.chance.random())
        for pid in chosen:
            _send(pid, signal.SIGCONT)
        scene.ended(command, 0)
    return f"{len(chosen)} processes"


def _some(scene: Scene, command: Command) -> list[int]:
    everyone = [command.pid, *command.workers()]
    return scene.chance.choice([everyone, everyone[:1], everyone[1:], [scene.chance.choice(everyone)]])


def _kill(pid: int) -> None:
    _send(pid, signal.SIGKILL)


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
