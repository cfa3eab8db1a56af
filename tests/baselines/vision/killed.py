"""`python -m tests.baselines.vision.killed DATA OUT STEP [KEY=VALUE …]` trains, and kills itself in a step.

STEP: the step, of all trainings of the process, in which it kills itself; 0 for never. KEY=VALUE: options, or
grid=true and final=true for the extent; entries=4 makes the search that of the tests.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import torch

from roco.baselines.vision import learner, search
from roco.baselines.vision.train import train_concepts

SMALL = {
    "backbone": "test_efficientnet", "weights": "scratch", "image_size": "32", "epochs": "3", "batch": "6",
    "workers": "0", "averaging": "0.9", "lr": "0.003", "tasks": "modality,concepts",
}  # fmt: skip
"""A training of a second: three epochs of three steps."""


def main(data: str, out: str, step: str, *words: str) -> None:
    torch.set_num_threads(1)
    changes: dict[str, Any] = dict(SMALL)
    changes |= dict(word.split("=", 1) for word in words)
    if changes.pop("entries", ""):
        search.OPTIMIZERS, search.RATES = ("adam", "sgd"), (1e-2, 1e-3)
    extent = {"grid": bool(changes.pop("grid", "")), "final": bool(changes.pop("final", ""))}
    done = 0
    counts = learner.counts

    def counted(*inputs: Any) -> dict[str, float]:
        nonlocal done
        done += 1
        if done == int(step):
            os.kill(os.getpid(), signal.SIGKILL)
        return counts(*inputs)

    learner.counts = counted
    train_concepts(data, out, changes=changes, **extent)


if __name__ == "__main__":
    main(*sys.argv[1:])
