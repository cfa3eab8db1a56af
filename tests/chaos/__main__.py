"""`python -m tests.chaos --minutes 10 --seed 1`: disturbs runs, and exits with 1 at the first broken promise.

`--iterations N` runs a fixed number of iterations instead, and `--iteration I` repeats a single one. `--only NAME`
draws from some disturbances alone. `--report FILE` writes the counts as JSON after each iteration; with the
same seed, it goes on from the file until so many minutes are reached in total. A fifth of the iterations runs its
workers on Ray, if it is installed. All processes and small disks that it starts end with it, also if it is killed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from roco.base.files import write_text
from tests.chaos import clusters
from tests.chaos.corpus import corpora
from tests.chaos.disturbances import DISTURBANCES
from tests.chaos.loop import Chaos
from tests.chaos.report import Report, table

OWN_MOUNTS = "ROCO_CHAOS_OWN_MOUNTS"
"""Set in a process whose mounts disappear with it."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=10.0)
    length.add_argument("--iterations", type=int)
    length.add_argument("--iteration", type=int, metavar="I")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path, metavar="FILE.json")
    parser.add_argument("--without-ray", action="store_true")
    parser.add_argument("--only", action="append", default=[], choices=[one.name for one in DISTURBANCES])
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "roco-chaos")
    options = parser.parse_args()
    _in_own_mounts()
    os.nice(10)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    is_timed = options.iteration is None and options.iterations is None
    before = _report_so_far(options.report, options.seed) if is_timed else None
    numbers = itertools.count(before.iterations + 1 if before else 1)
    seconds = None
    if options.iteration is not None:
        numbers = iter([options.iteration])
    elif options.iterations is not None:
        numbers = iter(range(1, options.iterations + 1))
    else:
        seconds = 60 * options.minutes
    with (
        tempfile.TemporaryDirectory(prefix="roco-chaos-", ignore_cleanup_errors=True) as work,
        corpora(Path(work) / "corpora") as made,
        nullcontext(None) if options.without_ray else clusters.cluster() as cluster,
    ):
        chaos = Chaos(made, cluster, Path(work) / "scenes", options.keep, options.seed, options.only)
        if cluster is None:
            chaos.report.skipped.append("workers on Ray: --without-ray" if options.without_ray else clusters.NO_RAY)
        if before is not None:
            chaos.report = replace(before, skipped=chaos.report.skipped)
        report = chaos.run(numbers, seconds, lambda report: _write(options.report, report)).to_json()
    print(table(report))
    return 1 if report["differences"] else 0


def _report_so_far(path: Path | None, seed: int) -> Report | None:
    """Returns the report in a file, if it has this seed."""
    if path is None or not path.exists():
        return None
    report = Report.of_json(json.loads(path.read_text(encoding="utf-8")))
    return report if report.seed == seed else None


def _write(path: Path | None, report: Report) -> None:
    if path is not None:
        write_text(path, json.dumps(report.to_json(), indent=1) + "\n")


def _in_own_mounts() -> None:
    """Starts this program again with mounts of its own, if the system allows it."""
    unshare = shutil.which("unshare")
    if unshare is None or OWN_MOUNTS in os.environ or os.geteuid() != 0:
        return
    command = [unshare, "--mount", "--propagation", "private"]
    if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
        os.environ[OWN_MOUNTS] = "1"
        os.execv(unshare, [*command, sys.executable, "-m", "tests.chaos", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
