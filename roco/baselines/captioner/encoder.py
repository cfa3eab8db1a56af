"""The image encoder of a captioner by itself."""

from __future__ import annotations

import torch


class Mean(torch.nn.Module):  # type: ignore[misc]
    """Returns the mean of the states that the decoder reads: images x width.

    encoder: of transformers; its states are images x tokens x width, or, of a convolutional one, images x width x
    height x width.
    """

    def __init__(self, encoder: torch.nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        states = self.encoder(images).last_hidden_state
        mean: torch.Tensor = states.mean((2, 3)) if states.ndim == 4 else states.mean(1)
        return mean
