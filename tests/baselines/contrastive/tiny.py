"""A network of open_clip that a CPU trains in seconds, and drawn images with captions for it.

`python -m tests.baselines.contrastive.tiny RELEASE OUT [KEY=VALUE …]` trains it, for tests that kill it or start it
twice; `kill=STEP` ends the process in the middle of a step, as the machine might.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

CONFIG: dict[str, Any] = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8},
    "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}
"""1.8 million weights, of which 1.6 million are those of the tokens."""

OPTIONS: dict[str, Any] = {
    "batch": 16, "epochs": 4, "optimizer": "adamw", "lr": 2e-3, "workers": 0, "crop": 0.9, "precision": "no",
}  # fmt: skip

_SCANS = {"radiograph": 40, "CT": 110, "ultrasound": 190, "MRI": 240}
_PLACES = {"upper left": (3, 3), "upper right": (19, 3), "lower left": (3, 19), "lower right": (19, 19)}
_SHAPES = ("mass", "fracture")


def drawn() -> list[tuple[Image.Image, str]]:
    """32 images of 40 px with different captions."""
    pairs = []
    for scan, place, shape in itertools.product(_SCANS, _PLACES, _SHAPES):
        image = Image.new("L", (40, 40), _SCANS[scan])
        x, y = _PLACES[place]
        box = (x, y, x + 16, y + 16)
        ink = 0 if _SCANS[scan] > 100 else 255
        pen = ImageDraw.Draw(image)
        pen.ellipse(box, fill=ink) if shape == "mass" else pen.line(box, fill=ink, width=3)
        pairs.append((image, f"{scan} with a {shape} in the {place} region"))
    return pairs


def release(
    folder: Path, without: Sequence[str] = (), broken: Sequence[str] = (), empty: Sequence[str] = (), valid: int = 8
) -> Path:
    """Writes a dataset in the layout of the published one; valid repeats images of train, test four of them.

    without: ids whose image is missing. broken: whose image is none. empty: whose caption is.
    """
    for split, pairs in {"train": drawn(), "valid": drawn()[::4][:valid], "test": drawn()[::8]}.items():
        images = folder / f"{split}_images"
        images.mkdir(parents=True)
        tables = {"captions": ["ID,Caption"], "concepts": ["ID,CUIs"], "concepts_manual": ["ID,CUIs"]}
        for number, (image, caption) in enumerate(pairs):
            id = f"ROCOv2_2023_{split}_{number:06}"
            if id in broken:
                (images / f"{id}.png").write_bytes(b"no image")
            elif id not in without:
                image.save(images / f"{id}.png")
            tables["captions"].append(f"{id},{'' if id in empty else caption}")
            tables["concepts"].append(f"{id},C0040405")
            tables["concepts_manual"].append(f"{id},C0040405")
        for name, lines in tables.items():
            (folder / f"{split}_{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "license_information.csv").write_text("ID,PMCID,Attribution,Link\n", encoding="utf-8")
    return folder


def architecture(folder: Path) -> str:
    """Writes the configuration of the network into a folder; returns its path, the option `architecture`."""
    path = folder / "tiny.json"
    if not path.exists():
        path.write_text(json.dumps(CONFIG), encoding="utf-8")
    return str(path)


def run(dataset: Path, out: Path, **changes: Any) -> Any:
    """Trains the network; changes: of its options, and arguments of `train_clip`."""
    from roco.baselines.contrastive.train import train_clip

    names = ("final", "skip_unreadable", "warn", "cache")
    arguments = {name: changes.pop(name) for name in names if name in changes}
    options = OPTIONS | {"architecture": architecture(out.parent)} | changes
    return train_clip(dataset, out, preset="clip-tiny", changes=options, **arguments)


def _kill_at(step: int) -> None:
    from roco.baselines.contrastive.learner import ClipLearner

    counts, left = ClipLearner.counts, iter(range(step))

    def counted(self: Any, batch: Any) -> Any:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return counts(self, batch)

    ClipLearner.counts = counted  # type: ignore[method-assign]


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    given: dict[str, Any] = dict(word.split("=", 1) for word in sys.argv[3:])
    if "kill" in given:
        _kill_at(int(given.pop("kill")))
    run(Path(sys.argv[1]), Path(sys.argv[2]), **given)
