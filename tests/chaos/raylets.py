"""Nodes of a Ray cluster that are lost."""

from __future__ import annotations

from tests.chaos.scene import Scene

UNSTABLE = ("when the machines are stable", "run the same command again")


def raylet_killed(scene: Scene) -> str | None:
    """A node of the cluster dies with its workers, at any moment; another one takes its place afterwards."""
    assert scene.cluster is not None
    with scene.paused() as command:
        if command is None:
            return None
        scene.cluster.kill(scene.chance.choice(scene.cluster.cluster.list_all_nodes()[1:]))
        try:
            ended = scene.ended(command, 0, 1, needs=UNSTABLE)
        finally:
            scene.cluster.add()
    return f"exit code {ended.code}"
