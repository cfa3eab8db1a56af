"""All disturbances, and where each of them is possible. A new one is one line here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from tests.chaos import company, damage, raylets, signals, surroundings
from tests.chaos.scene import Scene


def _always(scene: Scene) -> bool:
    return True


def _has_disk(scene: Scene) -> bool:
    return scene.has_disk


def _has_folder(scene: Scene) -> bool:
    return bool(scene.inputs)


def _has_bucket(scene: Scene) -> bool:
    return scene.variant.bucket


def _has_cluster(scene: Scene) -> bool:
    return scene.cluster is not None


def _has_permissions(scene: Scene) -> bool:
    return _has_folder(scene) and surroundings.permissions_hold()


@dataclass(frozen=True)
class Disturbance:
    """strike: disturbs a run and returns what was done, or None if it had no chance; raises Broken."""

    strike: Callable[[Scene], str | None]
    is_possible: Callable[[Scene], bool] = _always
    weight: int = 2

    @property
    def name(self) -> str:
        return self.strike.__name__.replace("_", " ")


DISTURBANCES = (
    Disturbance(signals.worker_killed, weight=3),
    Disturbance(signals.workers_killed_again_and_again, weight=3),
    Disturbance(signals.driver_killed, weight=4),
    Disturbance(signals.all_processes_killed, weight=3),
    Disturbance(signals.interrupted),
    Disturbance(signals.terminated),
    Disturbance(signals.interrupted_twice),
    Disturbance(signals.stopped_for_a_moment, weight=1),
    Disturbance(raylets.raylet_killed, _has_cluster, weight=12),
    Disturbance(surroundings.disk_full, _has_disk, weight=4),
    Disturbance(surroundings.file_size_limited, weight=1),
    Disturbance(surroundings.clock_stepped),
    Disturbance(surroundings.times_moved, weight=1),
    Disturbance(surroundings.source_vanishes, _has_folder),
    Disturbance(surroundings.unmounted, _has_folder),
    Disturbance(surroundings.packages_vanish, _has_folder),
    Disturbance(surroundings.permission_lost, _has_permissions),
    Disturbance(surroundings.source_away_at_the_start, _has_folder, weight=1),
    Disturbance(surroundings.storm, _has_bucket, weight=4),
    Disturbance(surroundings.outage, _has_bucket, weight=4),
    Disturbance(surroundings.slow_answers, _has_bucket, weight=2),
    Disturbance(damage.damaged_between_runs, weight=3),
    Disturbance(damage.damaged_during_a_run, weight=3),
    Disturbance(damage.release_damaged),
    Disturbance(damage.removed),
    Disturbance(company.two_runs_at_once),
    Disturbance(company.slices_at_once),
    Disturbance(company.recipe_changed),
    Disturbance(company.retried),
)


def drawn(scene: Scene, only: Collection[str] = ()) -> Disturbance | None:
    """Returns a random disturbance that is possible; None if there is none. only: names of those to draw from."""
    possible = [one for one in DISTURBANCES if one.is_possible(scene) and (not only or one.name in only)]
    return scene.chance.choices(possible, [one.weight for one in possible])[0] if possible else None
