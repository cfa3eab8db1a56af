"""Measures what reading text in images costs: the gate, the stage `ocr`, and RapidOCR as it comes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
from PIL import Image

from benchmarks.screening import Pixels, labelled, read
from roco.models.images.text_edges import has_text_edges


def screening(repeats: int) -> list[str]:
    """Returns the section of docs/benchmarks.md: milliseconds of CPU time per image."""
    images = labelled()[::10]
    rows = {
        "gate": lambda image: has_text_edges(image),
        "stage `ocr`": lambda image: read(image),
        "stage `ocr` without the gate": lambda image: read(image, gate=False),
        "rapidocr, as it comes, one thread": _plain(),
    }
    lines = [
        "",
        "## Text in images",
        "",
        f"CPU time per image in ms, mean of {len(images)} images, every tenth of those labelled for screening,",
        f"each measured {repeats} times;",
        f"{sum(has_text_edges(one.pixels) for one in images)} of them pass the gate.",
        "",
        "| | all | radiology |",
        "|---|---|---|",
    ]
    for name, function in rows.items():
        took = [_seconds(function, one.pixels, repeats) for one in images]
        radiology = [seconds for seconds, one in zip(took, images, strict=True) if one.is_radiology]
        lines.append(f"| {name} | {1000 * statistics.mean(took):.0f} | {1000 * statistics.mean(radiology):.0f} |")
    return lines


def _plain() -> Callable[[Pixels], object]:
    from rapidocr import RapidOCR

    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    engine = RapidOCR(params={"Global.log_level": "critical", **threads})
    return lambda image: engine(np.asarray(Image.fromarray(image).convert("RGB"))[:, :, ::-1])


def _seconds(function: Callable[[Pixels], object], image: Pixels, repeats: int) -> float:
    took = []
    for _ in range(repeats):
        start = time.process_time()
        function(image)
        took.append(time.process_time() - start)
    return statistics.median(took)
