"""`python -m benchmarks.rates`: what each stage costs for an article or a figure, with one worker and with two.

Whole runs of the recipe `rocov2` over real articles in packages of the size of PMC's alternate between executors and
numbers of workers. The last table is `roco plan` for all of PMC.
`python -m benchmarks.rates 3 5` makes five runs of each kind over three copies of the articles.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.corpora import BENCH, PMC_ARTICLES
from benchmarks.real_packages import real_packages
from benchmarks.runs import once, recipe
from roco.core.pools import EXECUTORS

PER_ARTICLE = ("read", "extract", "write", "bookkeeping")
"""What a pass does for each article; everything else it does for each figure that reaches the stage."""


def rates(copies: int, repeats: int) -> list[str]:
    """Returns the section: rates by stage, efficiency of a second worker, executors beside each other."""
    source = real_packages(copies)
    kinds = [(executor, workers) for executor in EXECUTORS for workers in (1, 2)]
    results: dict[tuple[str, int], list[dict[str, Any]]] = {kind: [] for kind in kinds}
    for _ in range(repeats):
        for executor, workers in kinds:
            options = () if executor == "local" else ("--executor", executor)
            results[executor, workers].append(once(source, workers, *options))
    first = results["local", 1][0]
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    lines = [f"{first['articles']:,} articles, {_rows(first)['license']:,} figures with an image; {machine}.", ""]
    lines += _table(results)
    lines += ["", *_loading(results), "", *_whole_runs(results)]
    return lines


def _table(results: dict[tuple[str, int], list[dict[str, Any]]]) -> list[str]:
    """Returns the CPU milliseconds of each stage for one article or figure, by executor and number of workers."""
    kinds = list(results)
    head = [f"{executor}, {workers} worker{'s' if workers > 1 else ''}" for executor, workers in kinds]
    lines = ["| stage | articles or figures | " + " | ".join(head) + " | share |"]
    lines.append("|---|" + "---|" * (len(kinds) + 2))
    first = results[kinds[0]][0]
    counts, whole = _units(first), _cpu(results[kinds[0]])
    for name, (n, unit) in counts.items():
        cells = [f"{1000 * _cpu(runs).get(name, 0.0) / n:.3f}" if n else "" for runs in results.values()]
        share = 100 * whole.get(name, 0.0) / (sum(whole.values()) - whole["load"])
        lines.append(f"| `{name}` | {n:,} {unit} | " + " | ".join(cells) + f" | {share:.0f} % |")
    return lines


def _rows(run: dict[str, Any]) -> dict[str, int]:
    return {stage["stage"]: stage["in"] for stage in run["funnel"]}


def _units(run: dict[str, Any]) -> dict[str, tuple[int, str]]:
    """Returns for each name of the times how many articles or figures it counts."""
    rows = _rows(run)
    measured = [stage for stage in rows if stage in run["cpu_times"]]
    kept = run["funnel"][-1]["kept"]
    units = {"read": (run["articles"], "articles")}
    for stage in measured:
        units[stage] = (run["articles"], "articles") if stage in PER_ARTICLE else (rows[stage], "figures")
    return {
        **units,
        "pack": (kept, "figures"),
        "write": (run["articles"], "articles"),
        "bookkeeping": (run["articles"], "articles"),
    }


def _cpu(runs: list[dict[str, Any]]) -> dict[str, float]:
    """Returns the median CPU seconds by name; what no name accounts for is bookkeeping."""
    medians = {
        name: statistics.median(run["cpu_times"].get(name, 0.0) for run in runs) for name in runs[0]["cpu_times"]
    }
    late = ("terms", "score_modality", "mentions")  # after the stages over the whole table: not in "all"
    named = sum(n for name, n in medians.items() if name not in ("all", *late))
    medians["bookkeeping"] = max(0.0, medians.pop("all") - named)
    return medians


def _loading(results: dict[tuple[str, int], list[dict[str, Any]]]) -> list[str]:
    """Returns what each worker does once, which the table does not contain."""
    seconds = [f"{_cpu(runs)['load'] / workers:.1f}" for (_, workers), runs in results.items()]
    return [
        f"Besides, each worker loads models and vocabularies once: {', '.join(seconds)} s of CPU time in the columns",
        "of the table. `extract` and `rights` contain what each worker needs once to compile patterns.",
    ]


def _whole_runs(results: dict[tuple[str, int], list[dict[str, Any]]]) -> list[str]:
    lines = [
        "| executor | workers | seconds | CPU seconds | efficiency | efficiency by CPU time |",
        "|---|---|---|---|---|---|",
    ]
    for (executor, workers), runs in results.items():
        one = results[executor, 1]
        by_time = statistics.median(a["seconds"] / (workers * b["seconds"]) for a, b in zip(one, runs, strict=True))
        by_cpu = statistics.median(a["cpu"] / b["cpu"] for a, b in zip(one, runs, strict=True))
        seconds, cpu = (statistics.median(run[name] for run in runs) for name in ("seconds", "cpu"))
        # The workers of a cluster are no children of the command: their CPU time is only in the table of stages.
        of_command = f"{cpu:.1f} | {by_time:.2f} | {by_cpu:.2f}" if executor == "local" else f" | {by_time:.2f} | "
        lines.append(f"| {executor} | {workers} | {seconds:.1f} | {of_command} |")
    lines += [
        "",
        "Seconds are those of the whole command. Efficiency is the time with one worker, divided by the time with so",
        "many workers and by their number; by CPU time, the CPU seconds with one worker divided by those with so many:",
        "what a second worker adds to the work, whatever else the machine does. Medians over pairs of runs.",
    ]
    return lines


def whole_of_pmc(copies: int, *options: str) -> str:
    """Returns what `roco plan` prints for all of PMC, measured on the same packages."""
    path = recipe(real_packages(copies), BENCH / "plan")
    words = ["plan", str(path), "--articles", str(PMC_ARTICLES), "--cores", "48", *options]
    return subprocess.run([sys.executable, "-m", "roco", *words], capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    print("\n".join(rates(given[0] if given else 2, given[1] if len(given) > 1 else 3)))
    print(f"\n{whole_of_pmc(given[0] if given else 2)}")
    Path(BENCH / "plan.toml").unlink(missing_ok=True)
