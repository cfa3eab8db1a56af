"""Measures the cost of a run: figures per second, bookkeeping, memory, a second run."""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.corpora import BENCH

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
