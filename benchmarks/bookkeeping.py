"""Measures CPU time and memory of the stages that need the whole table, from `pins` to the ids of a release.

`python -m benchmarks.bookkeeping IMAGES PREVIOUS` prints one row: a table of so many images, and a previous release of
so many.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.base.schema import DROP, SPLITS, types
from roco.core.ledger import Ledger
from roco.core.stage import put
from roco.release.leakage import leakage
from roco.release.previous import LEDGER
from roco.release.relations import RELATION_COLUMNS
from roco.stages.cutoff import Cutoff
from roco.stages.pins import Pins
from roco.stages.prune import Prune
from roco.stages.publish.release import Release
from roco.stages.split import Split

SIZES = ((1_000_000, 80_000), (1_000_000, 1_000_000), (4_000_000, 1_000_000))
STEPS = ("pins", "cutoff", "split", "prune", "ids", "leakage")
_CUIS = 5000


def main(n: int, n_previous: int) -> list[float]:
    """Returns the CPU seconds of each step, and the gigabytes of the table and beside it."""
    rows, ledger = table(n), previous(n, n_previous)
    pa.default_memory_pool().release_unused()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins again
    before = _status("VmRSS")
    seconds = []

    def timed(do: Callable[[], Any]) -> Any:
        started = time.process_time()
        result = do()
        seconds.append(time.process_time() - started)
        return result

    rows = timed(lambda: Pins()(rows, ledger))
    rows = timed(lambda: Cutoff()(rows))
    rows = timed(lambda: Split()(rows))
    rows = timed(lambda: Prune()(rows))
    rows = timed(lambda: Release()(rows, ledger))
    kept = rows.select(["split", *RELATION_COLUMNS]).filter(pc.is_null(rows["drop"]))
    found = timed(lambda: leakage(kept))
    assert not found["article"], found  # groups of released images may cross: their splits are what they are
    return [*seconds, before, _status("VmHWM") - before]


def table(n: int) -> pa.Table:
    """Returns made-up images, 1.77 per article (Table 4), a tenth of them in groups of near-duplicates."""
    rng = np.random.default_rng(4)
    kinds, shares = ("DRCT", "DRXR", "DRMR", "DRUS", "DRAN", "DRCO", "DRPE"), (348, 276, 159, 143, 60, 9, 5)
    article = _join("PMC", _article(np.arange(n)))
    number = np.arange(n)
    columns = {
        "figure_id": _join(article, "/f", number, "/0"),
        "article_key": article,
        "image_key": _image_key(number),
        "file": _join("f", number, ".jpg"),
        "similar_group": _some(_join("g", rng.integers(0, n // 20, n)), rng.random(n) < 0.1),
        "caption": _join("Axial view number ", number, " of the chest shows a nodule in the upper lobe"),
        "modality": pa.array(kinds).take(pa.array(rng.choice(len(kinds), n, p=np.array(shares) / sum(shares)))),
        "year": pa.array(2000 + number % 25, pa.int32()),
        "concepts_auto": _concepts(rng, n, 3),
        "concepts_manual": _concepts(rng, n, 0.2),
    }
    columns["concepts"] = columns["concepts_auto"]
    stages = (Pins, Cutoff, Split, Prune, Release)
    names = dict.fromkeys(name for stage in stages for name in (*stage.reads, *stage.optional) if name not in DROP)
    kinds_of = {"figure_id": pa.string(), **types(*names), **DROP}
    images = pa.table(columns)
    for name, kind in kinds_of.items():
        images = put(images, name, images[name].cast(kind) if name in columns else pa.nulls(n, kind))
    return images


def previous(n: int, n_previous: int) -> Ledger:
    """Returns the ledger of a release: a tenth retired; most of the others have the bytes of one of n images.

    Of the images in use, a twentieth has other bytes in the same file, and as many are in no article any more.
    """
    rng = np.random.default_rng(5)
    place = np.sort(rng.choice(n, n_previous, replace=False))
    kind = rng.random(n_previous)
    number = np.where(kind < 0.1, place + n, np.where(kind < 0.15, place + 2 * n, place))
    gone = pc.binary_join_element_wise(_join("X", place), "", "")
    article = pc.if_else(pa.array(kind < 0.05), gone, _join("PMC", _article(place)))
    split = pa.array(SPLITS).take(pa.array(_article(place) % len(SPLITS)))
    is_retired = pa.array(rng.random(n_previous) < 0.1)
    nothing = pa.scalar(None, pa.string())
    columns = {
        "id": pc.binary_join_element_wise("roco", split, pc.utf8_lpad(_join(np.arange(n_previous)), 8, "0"), "_"),
        "split": split,
        "image_key": _image_key(number),
        "article_key": article,
        "file": _join("f", place, ".jpg"),
        "figure_id": _join("PMC", _article(place), "/f", place, "/0"),
        "reason": pc.if_else(is_retired, "license", nothing),
        "detail": pc.if_else(is_retired, "NO-CC", nothing),
    }
    return Ledger(pa.table(columns, LEDGER).sort_by("id"), "")


def _article(number: NDArray[np.int64]) -> NDArray[np.int64]:
    return 1_000_000 + (number / 1.77).astype(np.int64)


def _image_key(number: NDArray[np.int64]) -> pa.Array:
    return _join("PMC", _article(number), "-", pc.utf8_lpad(_join(number), 64, "0"))


def _join(*parts: Any) -> pa.Array:
    arrays = [pa.array(part).cast(pa.string()) if isinstance(part, np.ndarray) else part for part in parts]
    return pc.binary_join_element_wise(*arrays, "")


def _some(values: pa.Array, where: NDArray[np.bool_]) -> pa.Array:
    return pc.if_else(pa.array(where), values, pa.scalar(None, pa.string()))


def _concepts(rng: np.random.Generator, n: int, mean: float) -> pa.Array:
    """Returns lists of concepts, of which a few are frequent and most are rare."""
    lengths = rng.poisson(mean, n)
    ranks = np.minimum((rng.pareto(0.7, lengths.sum())).astype(np.int64), _CUIS - 1)
    cuis = _join("C", pc.utf8_lpad(_join(np.arange(_CUIS)), 7, "0")).take(pa.array(ranks))
    return pa.ListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32()), cuis)


def _status(name: str) -> float:
    """Returns a size of this process in gigabytes: `VmRSS` now, `VmHWM` at its peak."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1e6
    raise KeyError(name)


def bookkeeping() -> list[str]:
    """Returns the section of docs/benchmarks.md; each size is measured in a process of its own."""
    lines = ["", "## Table stages of a million images", ""]
    lines += ["CPU seconds; `python -m benchmarks.bookkeeping IMAGES PREVIOUS` prints a row. A tenth of the ids of the"]
    lines += ["previous release are retired. Memory: the table, and the peak beside it.", ""]
    lines += [
        f"| images | previous release | {' | '.join(STEPS)} | table | beside it |",
        "|---" * (len(STEPS) + 4) + "|",
    ]
    for n, n_previous in SIZES:
        with tempfile.TemporaryFile("w+") as out:
            command = [sys.executable, "-m", "benchmarks.bookkeeping", str(n), str(n_previous)]
            subprocess.run(command, stdout=out, check=True)
            out.seek(0)
            lines.append(out.read().strip())
    return lines


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]]
    *seconds, size, beside = main(*numbers)
    cells = [f"{number:,}" for number in numbers] + [f"{one:.1f}" for one in seconds]
    print(f"| {' | '.join([*cells, f'{size:.1f} GB', f'{beside:.1f} GB'])} |")
