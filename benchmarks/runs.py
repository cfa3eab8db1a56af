"""Measures the cost of a run: figures per second, bookkeeping, memory, a second run, a changed threshold."""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.corpora import BENCH
from roco.base.files import read_table, write_table
from roco.core.folder import RunFolder
from roco.core.parts import Parts
from roco.core.pipeline import Pipeline
from roco.core.run import Run
from roco.recipes.load import load_recipe
from roco.sources.package import PackageSource

BOOKS = ("write", "all")


def recipe(source: Path, folder: Path) -> Path:
    path = folder.with_suffix(".toml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'[run]\nfolder = "{folder}"\nbase = "rocov2"\n[source]\nkind = "package"\npath = "{source}"\n')
    return path


def once(source: Path, workers: int, *options: str) -> dict[str, Any]:
    """Runs a recipe in an empty folder, as the command line does; returns seconds, peak memory and times by stage.

    options: further ones of `roco run`.
    """
    folder = BENCH / f"run-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    path = recipe(source, folder)
    started, cpu = time.perf_counter(), _cpu_of_children()
    worker_kb = _run_and_watch(
        [sys.executable, "-m", "roco", "run", str(path), "--workers", str(workers), "--json", *options]
    )
    seconds, cpu = time.perf_counter() - started, _cpu_of_children() - cpu
    log = [json.loads(line) for line in (folder / "log" / "run.jsonl").read_text().splitlines()]
    times, cpu_times = _sums(log, "seconds"), _sums(log, "cpu")
    funnel = json.loads((folder / "funnel.json").read_text())
    again = time.perf_counter()
    command = [sys.executable, "-m", "roco", "run", str(path), "--workers", str(workers)]
    subprocess.run(command, check=True, capture_output=True)
    idle = time.perf_counter() - again
    shutil.rmtree(folder)
    figures = funnel["stages"][0]["in"]
    useful = sum(n for name, n in times.items() if name not in BOOKS)
    return {
        "workers": workers,
        "articles": funnel["counts"]["articles"],
        "figures": figures,
        "seconds": seconds,
        "cpu": cpu,
        "rate": figures / seconds,
        "books": 1 - useful / times["all"],
        "peak": worker_kb / 1024,
        "idle": idle,
        "times": times,
        "cpu_times": cpu_times,
        "funnel": funnel["stages"],
    }


def _sums(log: list[dict[str, Any]], kind: str) -> dict[str, float]:
    """Returns the seconds of all parts by stage: elapsed seconds (`seconds`) or CPU seconds (`cpu`)."""
    total: dict[str, float] = {}
    for entry in log:
        for name, n in entry.get(kind, {}).items():
            total[name] = total.get(name, 0) + n
    return total


def _cpu_of_children() -> float:
    """Returns the CPU seconds of all processes that have ended and that this one, or one of them, started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run_and_watch(command: list[str]) -> int:
    """Runs a command; returns the largest resident size of any process it started, in KiB."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        for child in _children(process.pid):
            peak = max(peak, peak_of(child))
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return peak


def _children(pid: int) -> list[int]:
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def peak_of(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


def medians(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the median of each figure over repeated runs."""
    first = results[0]
    return {k: statistics.median(r[k] for r in results) if isinstance(v, float) else v for k, v in first.items()}


def million(source: Path) -> dict[str, float]:
    """Times a changed threshold over a million synthetic rows: copies of the measurements of a real part.

    Parts contain 200 articles of 3.4 figures (the paper's mean). The second run is timed, which re-evaluates decisions.
    """
    folder = BENCH / "million"
    shutil.rmtree(folder, ignore_errors=True)
    loaded = load_recipe(recipe(source, folder))
    pipeline = loaded.pipeline.until("language")
    Run(pipeline, folder).do(workers=2)
    layout = RunFolder(folder, pipeline)
    table, _ = read_table(layout.parts)
    spans = Parts(table).spans
    part = max(spans, key=lambda name: spans[name][1])  # a part of full size
    rows = table.filter(pa.compute.equal(table["part"], part))
    n = _multiply(pipeline, layout, part, rows, 1_000_000)
    frozen = Pipeline(Fixed(path=source), [s.stage for s in pipeline.steps], pipeline.catalogue)
    Run(frozen, folder).do(workers=2)
    language = pipeline.step("language").stage
    stages = [replace(language, at_least=0.5) if s.name == "language" else s.stage for s in pipeline.steps]
    changed = Pipeline(Fixed(path=source), stages, pipeline.catalogue)
    started = time.perf_counter()
    outcome = Run(changed, folder).do(workers=2)
    seconds = time.perf_counter() - started
    assert not outcome.measured, outcome.measured
    assert outcome.funnel["stages"][0]["in"] >= n
    shutil.rmtree(folder)
    return {"rows": outcome.funnel["stages"][0]["in"], "seconds": seconds}


class Fixed(PackageSource):
    """A source that returns the previous listing, because the synthetic parts have no packages."""

    def listing(self, known: pa.Table | None) -> pa.Table:
        assert known is not None
        return known


def _multiply(pipeline: Any, layout: RunFolder, part: str, rows: pa.Table, wanted: int) -> int:
    """Writes measurements and listing of one part under new names until the wanted number of rows is reached."""
    steps = [s for s in pipeline.row_steps if s.is_measure]
    stored = {s.name: read_table(layout.measure_file(s, part)) for s in steps}
    n = len(stored["extract"][0])
    listing = [rows]
    for i in range(-(-wanted // n)):
        name = f"{i:016x}"
        mark = f"{i:x}."
        for step in steps:
            table, meta = stored[step.name]
            table = _renamed(table, "figure_id", mark)
            if step.name == "extract":
                table = _renamed(table, "archive", mark)
                meta = {**meta, "articles": {mark + k: v for k, v in meta["articles"].items()}}
            write_table(layout.measure_file(step, name), table, meta)
        copy = _renamed(_renamed(rows, "article", mark), "place", mark)
        listing.append(copy.set_column(0, "part", pa.array([name] * len(rows))))
    write_table(layout.parts, pa.concat_tables(listing), {})
    return wanted


def _renamed(table: pa.Table, column: str, mark: str) -> pa.Table:
    at = table.column_names.index(column)
    return table.set_column(at, column, pa.compute.binary_join_element_wise(mark, table[column], ""))
