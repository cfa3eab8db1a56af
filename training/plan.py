"""What is derived from which images: a list of tasks, chosen before anything is drawn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.records import Record, generator

COUNTS = {
    "chart": 1300,
    "charts": 350,
    "drawing": 700,
    "lookalike": 550,
    "single radiology": 3000,
    "single figure": 600,
    "compound radiology": 1850,
    "compound figure": 800,
}
"""How many images of each kind are derived."""


@dataclass(frozen=True)
class Task:
    """One image to derive: its kind, its number, and the images of which it is made."""

    kind: str
    number: int
    parents: tuple[Record, ...] = ()


class Pool:
    """Images to choose from. Small sources count for more than their share: each cell by the root of its size.

    Simulated radiology counts for a third of that: it is there to add to real images, not to outweigh them.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        cells: dict[tuple[str, str, bool], dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
        for record in records:
            cells[record.source, record.modality or record.kind, record.derived][record.group].append(record)
        self.cells = [list(groups.values()) for groups in cells.values()]
        sizes = np.array([_weight([record for group in groups for record in group]) for groups in self.cells])
        self.weights = sizes / sizes.sum() if len(sizes) else sizes

    def cell(self, rng: np.random.Generator) -> list[list[Record]]:
        """Chooses a source and modality: its images in groups."""
        return self.cells[int(rng.choice(len(self.cells), p=self.weights))]

    def one(self, rng: np.random.Generator) -> Record:
        """Chooses an image."""
        groups = self.cell(rng)
        group = groups[int(rng.integers(len(groups)))]
        return group[int(rng.integers(len(group)))]


def _weight(records: list[Record]) -> float:
    """The weight of a cell in the choice."""
    simulated = records[0].derived and records[0].is_radiology
    return float(np.sqrt(len(records))) / (3 if simulated else 1)


def generated(counts: dict[str, int]) -> list[Task]:
    """The tasks that need no image."""
    return [
        Task(kind, number) for kind in ("chart", "charts", "drawing", "lookalike") for number in range(counts[kind])
    ]


def derived(records: Sequence[Record], counts: dict[str, int], seed: int) -> list[Task]:
    """The tasks that derive images from the real and the generated ones; all parents of one image are of one fold."""
    singles = [record for record in records if record.is_single]
    radiology = [record for record in singles if record.is_radiology]
    figures = [record for record in singles if not record.is_radiology]
    by_fold = {name: [r for r in radiology if r.fold == name] for name in sorted({r.fold for r in radiology})}
    pools = {name: Pool(members) for name, members in by_fold.items()}
    any_radiology, any_figure = Pool(radiology), Pool(figures)
    figure_pools = {
        name: Pool([r for r in figures if r.fold in (name, "")])
        for name in sorted({r.fold for r in figures} | set(pools))
    }

    tasks = []
    if radiology:
        for number in range(counts["single radiology"]):
            rng = generator(seed, "choose single radiology", number)
            tasks.append(Task("single radiology", number, (any_radiology.one(rng),)))
    for number in range(counts["single figure"] if figures else 0):
        rng = generator(seed, "choose single figure", number)
        tasks.append(Task("single figure", number, (any_figure.one(rng),)))
    for number in range(counts["compound radiology"] if radiology else 0):
        rng = generator(seed, "choose compound radiology", number)
        name = any_radiology.one(rng).fold
        tasks.append(Task("compound radiology", number, _radiology_panels(rng, pools[name], figure_pools[name])))
    for number in range(counts["compound figure"] if figures else 0):
        rng = generator(seed, "choose compound figure", number)
        tasks.append(Task("compound figure", number, _figure_panels(rng, any_figure, figure_pools)))
    return tasks


def panels(rng: np.random.Generator) -> int:
    """The number of panels: mostly two to four, up to twelve."""
    return int(
        rng.choice([2, 3, 4, 5, 6, 7, 8, 9, 10, 12], p=[0.32, 0.16, 0.22, 0.06, 0.1, 0.02, 0.05, 0.04, 0.01, 0.02])
    )


def _radiology_panels(rng: np.random.Generator, pool: Pool, figures: Pool) -> tuple[Record, ...]:
    """Panels of one patient, of one source, of several sources, or of radiology beside other figures."""
    n, theme = panels(rng), rng.random()
    if theme < 0.7:
        groups = pool.cell(rng)
        if theme < 0.3:
            groups = [groups[int(rng.integers(len(groups)))]]
        chosen = [groups[int(rng.integers(len(groups)))] for _ in range(n)]
        return tuple(_different(rng, chosen))
    if theme < 0.83 or not figures.cells:
        return tuple(pool.one(rng) for _ in range(n))
    other = int(rng.integers(1, max(2, n // 2 + 1)))
    mixed = [pool.one(rng) for _ in range(max(1, n - other))] + [figures.one(rng) for _ in range(other)]
    return tuple(mixed[int(i)] for i in rng.permutation(len(mixed)))


def _different(rng: np.random.Generator, groups: list[list[Record]]) -> list[Record]:
    """An image of each group, different ones as long as there are enough."""
    chosen: list[Record] = []
    for group in groups:
        fresh = [record for record in group if record not in chosen] or group
        chosen.append(fresh[int(rng.integers(len(fresh)))])
    return chosen


def _figure_panels(rng: np.random.Generator, every: Pool, pools: dict[str, Pool]) -> tuple[Record, ...]:
    """Panels of one kind of figure, or of several."""
    name = every.one(rng).fold
    pool = pools[name] if name else pools[sorted(pools)[int(rng.integers(len(pools)))]]
    n = panels(rng)
    if rng.random() < 0.5:
        groups = pool.cell(rng)
        chosen = [groups[int(rng.integers(len(groups)))] for _ in range(n)]
        return tuple(_different(rng, chosen))
    return tuple(pool.one(rng) for _ in range(n))
