"""The optimisers, and the learning rate of each step."""

from __future__ import annotations

import math
from typing import Any

import torch

from roco.baselines.training.options import LoopOptions


def optimizer_of(model: torch.nn.Module, options: LoopOptions) -> torch.optim.Optimizer:
    """Returns the optimiser of the trainable weights; what options do not set has PyTorch's default.

    A model may have a method `without_decay`, which returns the names of weights that do not decay.
    """
    weights = _groups(model)
    if options.optimizer == "adafactor":
        from transformers.optimization import Adafactor

        own = options.lr == 0
        found: torch.optim.Optimizer = Adafactor(
            weights, lr=None if own else options.lr, scale_parameter=own, relative_step=own, warmup_init=False,
            weight_decay=options.weight_decay,
        )  # fmt: skip
        return found
    kinds: dict[str, Any] = {
        "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD, "rmsprop": torch.optim.RMSprop,
    }  # fmt: skip
    optimizer: torch.optim.Optimizer = kinds[options.optimizer](
        weights, lr=options.lr, weight_decay=options.weight_decay
    )
    return optimizer


def _groups(model: torch.nn.Module) -> list[Any]:
    """Returns the trainable weights, in two groups if some of them do not decay."""
    trainable = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    excluded = model.without_decay() if hasattr(model, "without_decay") else frozenset()
    decaying = [weight for name, weight in trainable.items() if name not in excluded]
    others = [weight for name, weight in trainable.items() if name in excluded]
    return [{"params": decaying}, {"params": others, "weight_decay": 0.0}] if others else decaying


def learning_rate(options: LoopOptions, step: int, total: int) -> float:
    """Returns the learning rate of a step: a linear warm-up, then a constant, or a line or a cosine that ends at 0."""
    warmup = round(options.warmup * total)
    if step < warmup:
        return options.lr * (step + 1) / warmup
    if options.schedule == "constant":
        return options.lr
    done = (step - warmup) / max(1, total - warmup)
    if options.schedule == "linear":
        return options.lr * (1 - done)
    return options.lr * 0.5 * (1 + math.cos(math.pi * done))


def set_learning_rate(optimizer: Any, rate: float) -> None:
    """Sets the learning rate; an Adafactor that chooses its own keeps it."""
    for group in optimizer.param_groups:
        if group["lr"] is not None:
            group["lr"] = rate
