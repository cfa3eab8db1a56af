"""The moving average of the weights, which predicts better than the weights of any one step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Average:
    """An exponential moving average of all floating-point weights and buffers.

    decay: share of the old average that a step keeps; the first steps keep less, min(decay, (1 + n) / (10 + n)), so
    that the random weights at the start are forgotten.
    """

    def __init__(self, model: torch.nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.values = {name: value.detach().clone() for name, value in model.state_dict().items()}

    def update(self, model: torch.nn.Module) -> None:
        """Takes the weights of a further step into the average."""
        keep = min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        for name, value in model.state_dict().items():  # of tensors without gradients
            if value.is_floating_point():
                self.values[name].lerp_(value, 1 - keep)
            else:
                self.values[name].copy_(value)

    @contextmanager
    def applied(self, model: torch.nn.Module) -> Iterator[None]:
        """Gives a model the average while the block runs, then its own weights again."""
        own = {name: value.detach().clone() for name, value in model.state_dict().items()}
        model.load_state_dict(self.values)
        try:
            yield
        finally:
            model.load_state_dict(own)
