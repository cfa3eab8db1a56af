"""A learner that needs no images: a small network with dropout, which learns the sign of the sum of its input.

`python -m tests.baselines.training.tiny OUT [KEY=VALUE …]` trains it, for tests that kill it or start it twice.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from roco.baselines.loop import train
from roco.baselines.training.data import DataFacts
from roco.baselines.training.learner import SKIP, Batch, Unreadable
from roco.baselines.training.options import LoopOptions
from roco.baselines.training.presets import Preset
from roco.baselines.training.tensors import save_tensors
from roco.baselines.training.trained import Trained, card

PRESET = Preset("tiny", "concepts", "a test", {})
DATA = DataFacts("drawn", "0" * 64, {"train": 50, "valid": 8}, (), (), {})


class Drawn:
    """Items of random numbers; those at `broken` cannot be read."""

    def __init__(self, n: int = 50, broken: Sequence[int] = ()) -> None:
        self.n, self.broken = n, set(broken)

    def __len__(self) -> int:
        return self.n

    def item(self, epoch: int, position: int) -> dict[str, torch.Tensor] | Unreadable:
        if position in self.broken:
            return Unreadable(f"image-{position}", "corrupt JPEG", SKIP)
        rng = np.random.default_rng([7, epoch, position])
        x = torch.from_numpy(rng.normal(size=6).astype(np.float32))
        return {"x": x, "y": (x.sum() > 0).float()}

    def collate(self, items: Sequence[dict[str, torch.Tensor]]) -> Batch:
        return {name: torch.stack([item[name] for item in items]) for name in items[0]}


class Network(torch.nn.Module):
    def __init__(self, dropout: float = 0.2) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Dropout(dropout), torch.nn.Linear(16, 1)
        )
        self.tied = self.layers[3]  # under two names, as the embedding and the output layer of a decoder

    def forward(self, batch: Batch) -> dict[str, torch.Tensor]:
        logits = self.layers(batch["x"])[:, 0]
        losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, batch["y"], reduction="none")
        return {"sign": (losses * batch["present"]).sum()}


class Tiny:
    weights: Mapping[str, float] = {"sign": 1.0}
    best = "accuracy"

    def __init__(self, dropout: float = 0.2) -> None:
        self.model = Network(dropout)

    def counts(self, batch: Batch) -> Mapping[str, float]:
        return {"sign": float(batch["present"].sum())}

    def score(self, model: torch.nn.Module, device: torch.device) -> Mapping[str, float]:
        items = [Drawn().item(99, position) for position in range(64)]
        x = torch.stack([item["x"] for item in items if isinstance(item, dict)])
        y = torch.stack([item["y"] for item in items if isinstance(item, dict)])
        layers: Any = model.layers
        return {"accuracy": float(((layers(x.to(device))[:, 0].cpu() > 0).float() == y).float().mean())}

    def save(self, model: torch.nn.Module, folder: Path) -> Mapping[str, Any]:
        save_tensors(folder / "model.safetensors", model.state_dict())
        return {"labels": ["negative", "positive"]}


class KilledAt(Tiny):
    """A learner that kills its process in the middle of a step, as the machine might."""

    def __init__(self, step: int, dropout: float = 0.2) -> None:
        super().__init__(dropout)
        self.left = step

    def counts(self, batch: Batch) -> Mapping[str, float]:
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().counts(batch)


def run(
    out: Path, learner: Tiny | None = None, items: Drawn | None = None, skip: bool = False, **options: Any
) -> Trained:
    chosen = LoopOptions(**{"epochs": 4, "batch": 8, "lr": 0.01, "workers": 0, **options})
    return train(
        learner or Tiny(), items or Drawn(), chosen, out, kind="concepts", preset=PRESET, data=DATA,
        card=lambda trained: card("Tiny", "A test.", trained, {}), skip_unreadable=skip,
    )  # fmt: skip


if __name__ == "__main__":
    torch.set_num_threads(1)
    given: dict[str, Any] = {}
    for word in sys.argv[2:]:
        key, _, value = word.partition("=")
        given[key] = float(value) if "." in value else int(value)
    dropout = given.pop("dropout", 0.2)
    kill = given.pop("kill", None)
    run(Path(sys.argv[1]), Tiny(dropout) if kill is None else KilledAt(kill, dropout), **given)
