"""Measures how long a head takes to fit on stored embeddings, and a changed threshold over a million rows."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from roco.baselines.examples import Examples
from roco.baselines.fit import fit
from roco.baselines.parts import Recipe
from roco.models.heads.features import WIDTHS
from roco.models.images.backbone import Backbone
from roco.stages.filter import Filter

ROWS = 50_000
MANY = 1_000_000
RECIPES = (Recipe("linear", ("embedding", "layout")), Recipe("trees", ("layout",)))
"""The parts of a head that `roco fit` trains."""


def synthetic(rows: int, classes: int) -> Examples:
    """Returns random numbers as wide as real ones, which differ a little between classes; two rows an article."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, rows)
    blocks = {}
    for name, width in (("embedding", Backbone.load().width), ("layout", WIDTHS["layout"])):
        centres = rng.normal(0, 0.15, (classes, width)).astype(np.float32)
        values = rng.standard_normal((rows, width), np.float32)
        values += centres[labels]
        blocks[name] = values
    groups = tuple((f"article {i // 2}",) for i in range(rows))
    sources = tuple(f"source {i // 2 % 8}" for i in range(rows))
    return Examples(tuple(map(str, range(rows))), blocks, labels, groups, sources, np.zeros(rows, np.bool_))


def refitting(rows: int = ROWS) -> list[str]:
    lines = ["", "## Refitting a head", ""]
    lines += [
        f"{rows:,} stored embeddings and layouts, five folds and the head itself, as `roco fit` does it. The numbers",
        "are random, not real: only the time counts.",
        "",
        "| classes | seconds | CPU seconds |",
        "|---|---|---|",
    ]
    for classes in (2, 8):
        examples = synthetic(rows, classes)
        names = [f"class_{i}" for i in range(classes)]
        started, cpu = time.perf_counter(), time.process_time()
        fit(examples, names, RECIPES)
        lines.append(f"| {classes} | {time.perf_counter() - started:.0f} | {time.process_time() - cpu:.0f} |")
    return [*lines, "", "Target: minutes."]


def thresholds(repeats: int, rows: int = MANY) -> list[str]:
    """Times the filter stage alone on synthetic scores; `million` times a whole run with a changed threshold."""
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
