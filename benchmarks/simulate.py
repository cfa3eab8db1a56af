"""Measures the bookkeeping of a run over the whole of PMC: a real run over made-up articles and rows.

`python -m benchmarks.simulate full` simulates the 4,798,923 articles and 16.3 million images of the paper in some
24,000 parts; it takes about an hour and 4 GB of disk. `… small`, which is part of `make bench`, simulates 200,000
articles. A folder as the last argument is used again and kept: `… full /data/simulation`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.corpora import BENCH, PMC_ARTICLES
from roco.base.sealed_tables import read_table, write_table

SIZES = {"full": PMC_ARTICLES, "small": 200_000, "tiny": 4_000}
"""Articles of a simulation."""

COMPUTED = {"full": 100, "small": 20, "tiny": 4}
"""Of so many parts, one is computed as in any run; the others are copies with the names of other articles."""

GATES = (
    ("rights", 0.97), ("caption", 0.5), ("language", 0.9),
    ("gate", 0.35), ("compound", 0.6), ("radiology", 0.17),
)  # fmt: skip
"""Row stages and the share of the figures that each keeps: 1.1 % with the licences, as in the paper."""

MEASURES = {"caption": "words", "language": "language_id", "gate": "layout"}
"""The measure that a row stage reads; the others read one of their own."""

TABLES = ("identity", "retraction", "pins", "dedup", "cutoff", "split", "prune", "release")
MODULE = "benchmarks.simulated"


def recipe(folder: Path, more_than: int = 10) -> Path:
    """Writes the recipe of a simulated run; more_than: an option of a table stage, to change it."""
    lines = ["[run]", f'folder = "{folder / "run"}"', "[source]", 'kind = "made-up"', f'path = "{folder / "source"}"']
    lines += [f"articles = {(folder / 'articles').read_text()}", *_stage("extract", "Extract"), *_stage("license")]
    listed = set()
    for name, keep in GATES:
        if name == "gate":
            lines += _stage("image", "Image")
        by = MEASURES.get(name, "facts" if name == "rights" else f"score_{name}")
        if by not in listed:
            lines += _stage(by, "Measured")
            listed.add(by)
        lines += [*_stage(name, "Gate"), f'by = "{by}"', f"keep = {keep}"]
    lines += _stage("concepts", "Concepts")
    for name in TABLES:
        lines += _stage(name)
        lines += [f"more_than = {more_than}"] if name == "cutoff" else []
    path = folder / "recipe.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def _stage(name: str, cls: str | None = None) -> list[str]:
    return ["", "[[stage]]", f'use = "{MODULE}:{cls}"' if cls else f'use = "{name}"', f'name = "{name}"']


def roco() -> None:
    """Runs the command line with the made-up source."""
    from benchmarks.simulated import register
    from roco.cli.main import main

    register()
    main()


# --- measuring --------------------------------------------------------------------------------------------------------


class Cost(NamedTuple):
    """What one process cost: seconds, CPU seconds, peak of memory in MB; load of the machine when it began.

    lines: what it printed on stderr, with the second.
    """

    seconds: float
    cpu: float
    peak: float
    load: float
    lines: list[tuple[float, str]]


def measured(*arguments: str, fast: bool = False) -> Cost:
    """Runs `roco` in a process of its own; fast: writes nothing through to the disk."""
    return _measured([sys.executable, "-c", "from benchmarks.simulate import roco; roco()", *arguments], fast)


def _measured(command: list[str], fast: bool = False) -> Cost:
    env = {**os.environ, **({"ROCO_SIMULATE_FAST": "1"} if fast else {})}
    load, started = os.getloadavg()[0], time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env)
    assert process.stderr is not None
    lines = [(time.perf_counter() - started, line.rstrip()) for line in process.stderr]
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):  # 1: hardly anything is released
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {lines[-3:]}")
    return Cost(time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, load, lines)


def plan(folder: Path) -> None:
    """Plans the parts of the made-up articles, in this process; prints the seconds without the listing."""
    from benchmarks.simulated_parts import opened
    from roco.core import parts

    source = opened(folder / "recipe.toml").pipeline.source
    started = time.perf_counter()
    source.listing(None)
    listed = time.perf_counter()
    parts.plan(folder / "plan" / "parts.parquet", source)
    print((time.perf_counter() - listed) - (listed - started), file=sys.stderr)


# --- the simulation ---------------------------------------------------------------------------------------------------


def simulate(size: str, folder: Path | None = None) -> list[str]:
    """Returns a section of docs/benchmarks.md."""
    from benchmarks.simulated_parts import opened

    own = folder or BENCH / f"simulation-{size}"
    if folder is None:
        shutil.rmtree(own, ignore_errors=True)
    own.mkdir(parents=True, exist_ok=True)
    (own / "articles").write_text(str(SIZES[size]))
    path = recipe(own)
    seconds = make(own, path, COMPUTED[size])
    costs = steps(own, path)
    state = opened(path).status()
    if state["state"] != "complete":
        raise SystemExit(f"the run is {state['state']}: see {own / 'run' / 'log'}")
    rows = {stage["stage"]: stage for stage in state["stages"]}
    if folder is None:
        shutil.rmtree(own)
    kept, released = rows["identity"]["in"], rows["release"]["kept"]
    text = (
        f"{SIZES[size]:,} made-up articles with {rows['extract']['in']:,} images; the row stages keep {kept:,}, the "
        f"release has {released:,}. `python -m benchmarks.simulate {size}`. One part in {COMPUTED[size]} was computed "
        "by a worker, the others are copies with the names of other articles; all are files with footers and seals, "
        f"made in {seconds:,.0f} s by two processes. Each line is a process of its own, start "
        "included; the load is that of the machine when it started, on two cores."
    )
    lines = ["", f"## The bookkeeping of {state['source']['parts']:,} parts", "", *textwrap.wrap(text, 120), ""]
    lines += ["| what | seconds | CPU seconds | peak memory | load |", "|---|---|---|---|---|"]
    lines += [_line(what, cost) for what, cost in costs.items()]
    first, changed = (_stages(costs[name]) for name in (FIRST, CHANGED))
    lines += ["", "| table stage | seconds in the first run | after a changed cut-off |", "|---|---|---|"]
    lines += [f"| {name} | {first[name]:.1f} | {changed.get(name, 0):.1f} |" for name in first]
    return lines


def _line(what: str, cost: Cost) -> str:
    return f"| {what} | {cost.seconds:.1f} | {cost.cpu:.1f} | {cost.peak:,.0f} MB | {cost.load:.1f} |"


def make(folder: Path, path: Path, computed: int) -> float:
    """Writes the parts, unless they exist; returns the seconds that this took."""
    made = folder / "made"
    if not made.exists():
        started = time.perf_counter()
        measured("run", str(path), "--parts", f"1/{computed}", "--workers", "2", fast=True)
        subprocess.run([sys.executable, "-m", "benchmarks.simulated_parts", str(path)], check=True, stdout=sys.stderr)
        made.write_text(str(time.perf_counter() - started))
    return float(made.read_text())


FIRST = "`roco run`: reads all footers, takes the first and last parts, table stages, release"
CHANGED = "`roco run`, a changed cut-off: table stages and release"


def steps(folder: Path, path: Path) -> dict[str, Cost]:
    """Measures what a run does beside the row pass."""
    run, words = folder / "run", str(path)
    costs: dict[str, Cost] = {}

    def add(what: str, cost: Cost) -> None:
        costs[what] = cost
        print(_line(what, cost), file=sys.stderr, flush=True)

    def planned() -> Cost:
        cost = _measured([sys.executable, "-m", "benchmarks.simulate", "--plan", str(folder)])
        return cost._replace(seconds=float(cost.lines[-1][1]))

    shutil.rmtree(folder / "plan", ignore_errors=True)
    add("planning: all articles are new (without their listing)", planned())
    add("planning: nothing is new (without the listing)", planned())
    shutil.rmtree(run / "release", ignore_errors=True)
    shutil.rmtree(run / "ledger", ignore_errors=True)
    for path_of_table in (run / "decisions").glob("*.parquet"):
        path_of_table.unlink()
    _forget_records(run)
    add("`roco status` without records, as after a kill of older slices: reads all footers", measured("status", words))
    add(FIRST, measured("-v", "run", words, "--workers", "2"))
    add("`roco status`", measured("status", words))
    add("`roco status --json`", measured("status", words, "--json"))
    add("`roco run`, nothing to do", measured("run", words))
    _forget_records(run)
    add("`roco run`, manifest and records lost: reads all footers", measured("run", words))
    _halve_records(run)
    add("`roco run`, half of the records lost", measured("run", words))
    _forget_decisions(path)
    add("`roco run`, decisions of one part lost", measured("run", words, "--workers", "1"))
    recipe(folder, more_than=20)
    add(CHANGED, measured("-v", "run", words))
    return costs


def _stages(cost: Cost) -> dict[str, float]:
    """Returns the seconds of each table stage, and of what is before and after them, from the log of a run."""
    found: dict[str, float] = {}
    before = next((second for second, line in cost.lines if "articles" in line and "listing" not in line), 0.0)
    for second, line in cost.lines:
        if line.startswith(("stage ", "publishing ")):
            name = f"`{line.split()[1].rstrip(':')}`" if line.startswith("stage ") else "check of the funnel"
            found[name] = second - before
            before = second
    found["files of the release"] = cost.seconds - before
    return found


def _forget_records(run: Path) -> None:
    (run / "manifest.json").unlink(missing_ok=True)
    shutil.rmtree(run / "records", ignore_errors=True)


def _halve_records(run: Path) -> None:
    for path in (run / "records").glob("*/*.parquet"):
        table, meta = read_table(path)
        write_table(path, table.take(list(range(0, len(table), 2))), meta)


def _forget_decisions(path: Path) -> None:
    """Removes the decisions of a part that a worker has computed: a copy could not be decided again."""
    from benchmarks.simulated_parts import opened
    from roco.core import parts

    files = opened(path).files
    files.row_decisions(parts.read(files.parts).names[0]).unlink()


if __name__ == "__main__":
    if sys.argv[1] == "--plan":
        plan(Path(sys.argv[2]))
    else:
        print("\n".join(simulate(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else None)))
