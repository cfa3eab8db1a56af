"""Measures how long a head takes to fit on stored embeddings, and its stage with a changed threshold."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.heads_mix import real
from roco.baselines.examples import Examples
from roco.baselines.fit import fit
from roco.baselines.parts import Recipe
from roco.models.images.backbone import Backbone
from roco.models.images.decode import decode
from roco.models.images.layout import layout
from roco.stages.filter import Filter

ROWS = 50_000
MANY = 1_000_000
RECIPES = (Recipe("linear", ("embedding", "layout")), Recipe("trees", ("layout",)))
"""The parts of a head that `roco fit` trains."""


def synthetic(rows: int) -> tuple[Examples, list[str]]:
    """Returns noisy copies of the numbers of real images with their classes, two rows an article, and the classes."""
    numbers, labels = _of_real_images()
    names = sorted(set(labels))
    rng = np.random.default_rng(0)
    of = rng.integers(0, len(labels), rows)
    blocks = {}
    for name, values in numbers.items():
        noise = rng.standard_normal((rows, values.shape[1]), np.float32)
        noise *= 0.5 * values.std(0)
        blocks[name] = noise
        blocks[name] += values[of]
    groups = tuple((f"article {i // 2}",) for i in range(rows))
    sources = tuple(f"source {i // 2 % 8}" for i in range(rows))
    codes = np.array([names.index(labels[i]) for i in of], np.int64)
    return Examples(tuple(map(str, range(rows))), blocks, codes, groups, sources, np.zeros(rows, np.bool_)), names


def _of_real_images() -> tuple[dict[str, NDArray[np.float32]], list[str]]:
    """Returns embeddings and layouts of the images that were labelled by eye, and their classes."""
    backbone = Backbone.load()
    embeddings, layouts, labels = [], [], []
    for label, files in real().items():
        for data in files:
            small = decode(data).small
            embeddings.append(backbone.embed([small])[0].astype(np.float32))
            layouts.append(layout(small).values)
            labels.append(label)
    return {"embedding": np.stack(embeddings), "layout": np.stack(layouts)}, labels


def refitting(rows: int = ROWS) -> list[str]:
    lines = ["", "## Refitting a head", ""]
    lines += [
        f"{rows:,} stored embeddings and layouts, five folds and the head itself, as `roco fit` does it, on one",
        "thread. The numbers are noisy copies of those of 947 real images: only the time counts.",
        "",
        "| classes | seconds | CPU seconds |",
        "|---|---|---|",
    ]
    examples, names = synthetic(rows)
    of_two = replace(examples, labels=np.minimum(examples.labels, 1))
    for some, classes in ((of_two, names[:2]), (examples, names)):
        started, cpu = time.perf_counter(), time.process_time()
        fit(some, classes, RECIPES)
        seconds, of_cpu = time.perf_counter() - started, time.process_time() - cpu
        lines.append(f"| {len(classes)} | {seconds:.0f} | {of_cpu:.0f} |")
    return [*lines, "", "Target: minutes."]


def thresholds(repeats: int, rows: int = MANY) -> list[str]:
    """Times the filter stage alone on synthetic scores; `benchmarks.threshold` times a whole run."""
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "figure_id": pa.array([f"PMC{i}/f1/0" for i in range(rows)]),
            "drop": pa.nulls(rows, pa.string()),
            "drop_detail": pa.nulls(rows, pa.string()),
            "compound_score": pa.array(rng.random(rows, np.float32)),
            "n_rows": pa.array(rng.integers(1, 3, rows), pa.int32()),
            "n_columns": pa.array(rng.integers(1, 3, rows), pa.int32()),
            "caption": pa.array(["(a) Axial CT of the abdomen. (b) The same after contrast."] * rows),
        }
    )
    times, cpu = [], []
    for number in range(repeats):
        stage = Filter(head=Path("compound"), keep="single", at_least=0.4 + 0.1 * number)
        started, of_cpu = time.perf_counter(), time.process_time()
        stage(table)
        times.append(time.perf_counter() - started)
        cpu.append(time.process_time() - of_cpu)
    seconds = f"{statistics.median(times):.1f} s ({statistics.median(cpu):.1f} s of CPU)"
    return [
        "",
        f"`filter` with a changed threshold over {rows:,} rows, half of them dropped: {seconds}. Target: seconds.",
    ]
