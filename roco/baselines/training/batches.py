"""The order in which the loop sees the items: a function of seed and epoch, shared by all processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset as MapDataset

from roco.base.errors import DataError
from roco.baselines.training.learner import Batch, Items, Unreadable
from roco.baselines.training.loading import batches

PADDING = -1
"""The position of a padding item: a process without an item of its own still takes part in every step."""


@dataclass(frozen=True)
class Order:
    """Divides the shuffled items of an epoch into steps, micro-batches and the shares of processes.

    The steps of an epoch have equally many items, give or take one: a last batch of a single item would make batch
    normalisation fail.
    """

    n_items: int
    batch: int
    accumulate: int
    seed: int

    @property
    def steps(self) -> int:
        """Returns the steps of an epoch."""
        return max(1, -(-self.n_items // (self.batch * self.accumulate)))

    def step(self, epoch: int, step: int, rank: int = 0, processes: int = 1) -> list[list[int]]:
        """Returns the positions of each micro-batch of a step, for one of several processes."""
        shuffled = np.random.default_rng([self.seed, epoch]).permutation(self.n_items)
        return self._divided(shuffled, step, rank, processes)

    def from_step(self, epoch: int, step: int, epochs: int, rank: int, processes: int) -> Iterator[list[list[int]]]:
        """Yields the micro-batches of all steps from one on, to the end of training."""
        for later in range(epoch, epochs):
            shuffled = np.random.default_rng([self.seed, later]).permutation(self.n_items)
            for number in range(step if later == epoch else 0, self.steps):
                yield self._divided(shuffled, number, rank, processes)

    def _divided(self, shuffled: Any, step: int, rank: int, processes: int) -> list[list[int]]:
        positions = np.array_split(shuffled, self.steps)[step]
        n_micro = -(-len(positions) // self.batch)
        micro_batches = []
        for micro in np.array_split(positions, n_micro):
            own = np.array_split(micro, processes)[rank].tolist()
            micro_batches.append(own or [PADDING])
        return micro_batches


class Loaded(NamedTuple):
    """One micro-batch, and the images in it that could not be read, whose items are padding."""

    batch: Batch
    unreadable: list[Unreadable]


class _Keyed(MapDataset):  # type: ignore[misc]
    """Items by (epoch, position), which is what the workers of a DataLoader are asked for."""

    def __init__(self, items: Items) -> None:
        self.items = items

    def __getitem__(self, key: tuple[int, int]) -> tuple[int, int, dict[str, torch.Tensor] | Unreadable]:
        epoch, position = key
        return epoch, position, self.items.item(epoch, max(0, position))

    def collate(self, found: list[tuple[int, int, dict[str, torch.Tensor] | Unreadable]]) -> Loaded:
        unreadable = [item for _, position, item in found if isinstance(item, Unreadable) and position != PADDING]
        readable = [item for _, _, item in found if not isinstance(item, Unreadable)]
        # What an unreadable image is replaced by is of no importance, because it is not present; its shape is.
        stand_in = readable[0] if readable else self._any_readable(found[0][0])
        batch = self.items.collate([stand_in if isinstance(item, Unreadable) else item for _, _, item in found])
        flags = [position != PADDING and not isinstance(item, Unreadable) for _, position, item in found]
        batch["present"] = torch.tensor(flags, dtype=torch.float32)
        return Loaded(batch, unreadable)

    def _any_readable(self, epoch: int) -> dict[str, torch.Tensor]:
        for position in range(len(self.items)):
            item = self.items.item(epoch, position)
            if not isinstance(item, Unreadable):
                return item
        raise DataError("none of the images can be read", "check the dataset: roco verify")


class _Sampler:
    def __init__(self, steps: Iterator[list[list[int]]], order: Order, epoch: int, step: int) -> None:
        self._steps, self._order, self._epoch, self._step = steps, order, epoch, step

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch, step = self._epoch, self._step
        for micro_batches in self._steps:
            for positions in micro_batches:
                yield [(epoch, position) for position in positions]
            step += 1
            if step == self._order.steps:
                epoch, step = epoch + 1, 0


def steps(
    items: Items, order: Order, epoch: int, step: int, epochs: int, workers: int, rank: int = 0, processes: int = 1
) -> Iterator[list[Loaded]]:
    """Yields the micro-batches of each step from one on; the workers run on across the ends of epochs."""
    keyed = _Keyed(items)
    sampler = _Sampler(order.from_step(epoch, step, epochs, rank, processes), order, epoch, step)
    settings = {"batch_sampler": sampler, "collate_fn": keyed.collate, "pin_memory": torch.cuda.is_available()}
    loaded = batches(keyed, workers, **settings)
    for later in range(epoch, epochs):
        for number in range(step if later == epoch else 0, order.steps):
            n_micro = len(order.step(later, number)) if order.accumulate > 1 else 1
            yield [next(loaded) for _ in range(n_micro)]
