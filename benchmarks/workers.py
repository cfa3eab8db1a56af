"""Measures what a second worker gains: whole runs with one and with two workers in turn.

`python -m benchmarks.workers 5` runs only this, with five pairs of runs.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.corpora import composed
from benchmarks.runs import medians, once


def efficiency(one: list[dict[str, Any]], two: list[dict[str, Any]]) -> float:
    """Returns T1 / (2 · T2): seconds of a whole run with one worker, and with two; the median over pairs of runs.

    The two runs of a pair follow each other, so that a change of the machine's speed hardly changes their ratio.
    """
    return statistics.median(a["seconds"] / (2 * b["seconds"]) for a, b in zip(one, two, strict=True))


def runs(title: str, source: Path, repeats: int) -> list[str]:
    """Returns the section on runs of one corpus; 1 and 2 workers alternate, so that noise affects both equally."""
    results: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
    for _ in range(repeats):
        for workers in results:
            results[workers].append(once(source, workers))
    one, two = medians(results[1]), medians(results[2])
    lines = ["", f"## {title}", "", f"{one['articles']:,} articles, {one['figures']:,} figures, recipe `rocov2`.", ""]
    lines += ["| workers | seconds | CPU seconds | figures/s | bookkeeping | peak memory of a worker | second run |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for r in (one, two):
        lines.append(
            f"| {r['workers']} | {r['seconds']:.1f} | {r['cpu']:.1f} | {r['rate']:.0f} | {100 * r['books']:.1f} % "
            f"| {r['peak']:.0f} MB | {r['idle']:.2f} s |"
        )
    single = {workers: ", ".join(f"{r['seconds']:.1f}" for r in runs) for workers, runs in results.items()}
    times = sorted(one["times"].items(), key=lambda item: -item[1])
    shares = [f"{name} {100 * n / one['times']['all']:.0f} %" for name, n in times if name != "all"]
    lines += [
        "",
        f"Efficiency of the second worker: {efficiency(results[1], results[2]):.2f}, the time with one worker divided",
        "by twice the time with two (median over pairs of runs). It covers the whole command: start, listing, table",
        "stages and release run in one process. Target: 0.85, and less than 5 % bookkeeping.",
        f"Single runs: {single[1]} s with one worker, {single[2]} s with two. Second run: nothing to do.",
        "Time of a worker: " + ", ".join(shares) + ".",
    ]
    return lines


if __name__ == "__main__":
    print("\n".join(runs("Composed articles", composed(2000), int(sys.argv[1]) if len(sys.argv) > 1 else 3)))
