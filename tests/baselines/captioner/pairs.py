"""Drawn images with captions that describe them, in the layout of the published dataset, and a captioner for them.

`python -m tests.baselines.captioner.pairs RELEASE OUT [KEY=VALUE …]` trains it, for tests that kill it or start it
twice; `kill=STEP` ends the process in the middle of a step, as the machine might.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

SCANS = {"Axial CT": 40, "T2-weighted MRI": 90, "Anteroposterior radiograph": 140, "Ultrasound": 190}
ORGANS = {"liver": (6, 6), "left kidney": (26, 6), "right lung": (6, 26), "pelvis with the urinary bladder": (26, 26)}
FINDINGS = {
    "a cyst of 3.5 cm (arrow)": "ellipse", "no abnormality": "", "a calcified mass": "box",
    "free fluid, and an enlarged lymph node beside it": "line",
}  # fmt: skip
SIDE = 48

TINY: dict[str, Any] = {
    "epochs": 28, "batch": 8, "optimizer": "adamw", "lr": 3e-3, "schedule": "cosine", "warmup": 0.05, "workers": 0,
    "size": 48, "patch": 12, "encoder_hidden": 64, "encoder_layers": 2, "encoder_heads": 4, "vocabulary": 400,
    "decoder_hidden": 64, "decoder_layers": 2, "decoder_heads": 4, "context": 48, "max_tokens": 48, "dropout": 0.0,
    "clip_norm": 1.0, "score_images": 0,
}  # fmt: skip


def pairs() -> list[tuple[Image.Image, str]]:
    """64 images with different captions."""
    drawn = []
    for scan, organ, finding in itertools.product(SCANS, ORGANS, FINDINGS):
        image = Image.new("L", (SIDE, SIDE), SCANS[scan])
        pen = ImageDraw.Draw(image)
        x, y = ORGANS[organ]
        pen.rectangle((x - 4, y - 4, x + 18, y + 18), outline=255)
        place = (x, y, x + 12, y + 12)
        shape = FINDINGS[finding]
        if shape == "ellipse":
            pen.ellipse(place, fill=255)
        elif shape == "box":
            pen.rectangle(place, fill=0)
        elif shape == "line":
            pen.line(place, fill=255, width=3)
        drawn.append((image, f"{scan} of the {organ} showing {finding}."))
    return drawn


def release(folder: Path, n: int = 64, n_valid: int = 8, captions: Mapping[str, str] | None = None) -> Path:
    """Writes a dataset of the first pairs; valid and test repeat some of train. captions: other ones by id."""
    drawn = pairs()[:n]
    chosen = {"train": drawn, "valid": drawn[::-1][:n_valid], "test": drawn[:4]}
    for split, part in chosen.items():
        images = folder / f"{split}_images"
        images.mkdir(parents=True)
        rows = {"captions": ["ID,Caption"], "concepts": ["ID,CUIs"], "concepts_manual": ["ID,CUIs"]}
        for number, (image, caption) in enumerate(part):
            id = f"ROCOv2_2023_{split}_{number:06}"
            image.save(images / f"{id}.png")
            rows["captions"].append(f'{id},"{(captions or {}).get(id, caption)}"')
            rows["concepts"].append(f"{id},C0040405")
            rows["concepts_manual"].append(f"{id},C0040405")
        for name, lines in rows.items():
            (folder / f"{split}_{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    ids = [f"ROCOv2_2023_{split}_{number:06}" for split, part in chosen.items() for number in range(len(part))]
    licenses = ["ID,PMCID,Attribution,Link", *(f"{id},PMC{number + 1},CC BY A,x" for number, id in enumerate(ids))]
    (folder / "license_information.csv").write_text("\n".join(licenses) + "\n", encoding="utf-8")
    return folder


def run(dataset: Path, out: Path, **changes: Any) -> Any:
    """Trains the tiny captioner; changes: of its options, and the arguments of `Settings`."""
    import torch

    from roco.baselines.captioner import training
    from roco.baselines.captioner.options import CaptionOptions
    from roco.baselines.training.presets import Preset

    torch.set_num_threads(1)  # more threads than free cores are slower
    names = set(training.Settings.__dataclass_fields__)
    settings = training.Settings(**{key: value for key, value in changes.items() if key in names})
    options = {key: value for key, value in changes.items() if key not in names and key != "warn"}
    warn = changes.get("warn", lambda text: None)
    chosen = CaptionOptions(**(TINY | options))
    return training.run(dataset, out, chosen, Preset("tiny", "captions", "a test", {}), settings, warn=warn)


def _kill_at(step: int) -> None:
    from roco.baselines.captioner.learner import CaptionLearner

    counts, left = CaptionLearner.counts, iter(range(step))

    def counted(self: Any, batch: Any) -> Any:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return counts(self, batch)

    CaptionLearner.counts = counted  # type: ignore[method-assign]


if __name__ == "__main__":
    given: dict[str, Any] = dict(word.split("=", 1) for word in sys.argv[3:])
    for key, value in given.items():
        if value.replace(".", "").isdigit():
            given[key] = float(value) if "." in value else int(value)
    if "kill" in given:
        _kill_at(given.pop("kill"))
    run(Path(sys.argv[1]), Path(sys.argv[2]), **given)
