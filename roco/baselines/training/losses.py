"""The losses of steps: read from the device several at a time, checked, and written to the log."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from roco.baselines.training.learner import NotFinite
from roco.baselines.training.log import Log

LOGGED_TOGETHER = 10
"""Steps whose losses are read from the device at once: reading each one would make a GPU wait."""


class Losses:
    """Writes the losses of steps to the log, several at a time; raises NotFinite if one is not finite."""

    def __init__(self, log: Log | None, per_epoch: int, weights: Mapping[str, float]) -> None:
        self._log, self._per_epoch, self._weights = log, per_epoch, weights
        self._waiting: list[tuple[int, dict[str, torch.Tensor]]] = []

    def add(self, step: int, losses: dict[str, torch.Tensor]) -> None:
        self._waiting.append((step, losses))
        if len(self._waiting) >= LOGGED_TOGETHER:
            self.flush()

    def flush(self) -> None:
        for step, losses in self._waiting:
            values = {name: float(value) for name, value in losses.items()}
            total = sum(self._weights[name] * value for name, value in values.items())
            if not math.isfinite(total):
                raise NotFinite(f"the loss is not finite at step {step:,} ({total})", "lower the learning rate (lr)")
            parts = {f"loss.{name}": value for name, value in values.items()} if len(values) > 1 else {}
            if self._log is not None:
                self._log.add(step, (step - 1) // self._per_epoch + 1, {"loss": total} | parts)
        self._waiting.clear()
