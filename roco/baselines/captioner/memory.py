"""The memory that training needs, estimated from the sizes of the network before any weight is read."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from roco.base.errors import UsageError
from roco.baselines.captioner.model import Design, image_size
from roco.baselines.captioner.options import CaptionOptions

GB = 1e9
BYTES = 4  # of a weight, its gradient, and each number of an optimiser, which all have 32 bits
CARD_OF_THE_PAPER = 16 * GB


class Memory(NamedTuple):
    """Bytes of training by what they are for, and the number of parameters."""

    parameters: int
    weights: float
    gradients: float
    optimizer: float
    activations: float

    @property
    def total(self) -> float:
        """Returns all bytes."""
        return self.weights + self.gradients + self.optimizer + self.activations

    def __str__(self) -> str:
        parts = ("weights", "gradients", "optimizer", "activations")
        unit, scale = ("GB", GB) if self.total >= GB else ("MB", GB / 1000)
        listed = ", ".join(f"{name} {getattr(self, name) / scale:.1f}" for name in parts)
        millions = self.parameters / 1e6
        n = f"{millions / 1000:.2f} billion" if millions >= 1000 else f"{millions:.1f} million"
        return f"about {self.total / scale:.0f} {unit} for {n} parameters ({listed})"


def memory_of(design: Design, options: CaptionOptions, half: bool) -> Memory:
    """Returns the memory of one process; half: whether the network computes in 16 bits.

    Weights, gradients and optimiser are counted; activations are estimated by the formula of Korthikanti et al. 2022
    (34 + 5 heads x tokens / hidden bytes per token, layer and hidden unit in 16 bits), with the logits of all tokens.
    """
    shapes = design.parameters()
    n = sum(math.prod(shape) for shape in shapes)
    weights = n * BYTES * (2 if options.averaging else 1)
    if half:
        weights += n * 2  # the 16-bit copy that autocast keeps during a step
    activations = _activations(design, options) * (1 if half else 2)
    return Memory(n, weights, n * BYTES, _optimizer(shapes, n, options.optimizer), activations)


def check_memory(memory: Memory, device: torch.device) -> None:
    """Raises UsageError if a device has less memory than training needs."""
    available = device_memory(device)
    if available is None or memory.total <= available:
        return
    what = f"training needs {memory}; this {'GPU' if device.type == 'cuda' else 'machine'} has {available / GB:.0f} GB"
    if memory.total > CARD_OF_THE_PAPER:
        what += "; it does not fit the 16 GB card that the paper names either"
    raise UsageError(what, "use a larger GPU, a smaller decoder (--preset small), or try with --ignore-memory")


def device_memory(device: torch.device) -> float | None:
    """Returns the memory of a GPU, or of the machine, in bytes; None if it is unknown."""
    if device.type == "cuda":
        return float(torch.cuda.get_device_properties(device).total_memory)
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError, AttributeError):
        return None


def _optimizer(shapes: Sequence[tuple[int, ...]], n: int, optimizer: str) -> float:
    """Returns the bytes of an optimiser's state; Adafactor keeps a row and a column of each matrix."""
    if optimizer == "adafactor":
        return float(sum(_factored(shape) for shape in shapes) * BYTES)
    return float(n * BYTES * {"sgd": 0, "rmsprop": 1}.get(optimizer, 2))


def _factored(shape: tuple[int, ...]) -> int:
    if len(shape) < 2:
        return math.prod(shape)
    return math.prod(shape[:-1]) + math.prod((*shape[:-2], shape[-1]))


def _activations(design: Design, options: CaptionOptions) -> float:
    """Returns the bytes of the activations of one batch in 16 bits."""
    patch = getattr(design.encoder, "patch_size", 16)
    patches = (image_size(design.encoder) // (patch if isinstance(patch, int) else max(patch))) ** 2 + 1
    encoder = _layers(design.encoder, patches, patches)
    decoder = _layers(design.decoder, options.max_tokens, options.max_tokens)
    # Cross-attention: another attention block, over the patches; its keys and values are as large as the patches.
    hidden, layers = design.decoder.hidden_size, design.decoder.num_hidden_layers
    heads = design.decoder.num_attention_heads
    crossed = layers * (11 * options.max_tokens * hidden + 4 * patches * hidden)
    crossed += layers * 5 * heads * options.max_tokens * patches
    logits = options.max_tokens * design.decoder.vocab_size * (2 + 4 + 4)  # and in 32 bits, and their gradient
    return float(options.batch * (encoder + decoder + crossed + logits))


def _layers(config: Any, tokens: int, attended: int) -> float:
    hidden, heads = config.hidden_size, config.num_attention_heads
    return float(config.num_hidden_layers * tokens * (34 * hidden + 5 * heads * attended))
