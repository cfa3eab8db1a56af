"""Disturbed runs end like undisturbed ones; and the comparison finds what differs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from roco.core.stage import put
from tests.chaos.disturbances import DISTURBANCES
from tests.chaos.outcome import Outcome, difference, outcome
from tests.chaos.process import ROOT
from tests.chaos.report import Report, without_paths

ITERATIONS = 6
"""About two minutes on two idle cores."""

SEED = 22


@pytest.mark.slow
def test_runs_that_are_disturbed_at_random_moments_end_like_undisturbed_ones(tmp_path: Path) -> None:
    files = ["--report", str(tmp_path / "report.json"), "--keep", str(tmp_path / "kept")]
    options = ["--iterations", str(ITERATIONS), "--seed", str(SEED), "--without-ray"]
    command = [sys.executable, "-m", "tests.chaos", *options, *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["iterations"] == ITERATIONS
    assert report["disturbances"] >= ITERATIONS


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


CHANGES: dict[str, Callable[[Path], None]] = {
    "roco verify": lambda run: append(run / "release" / "README.md"),
    "temporary files": lambda run: (run / "images" / ".x.pack.1.part").touch(),
    "funnel.json differs": lambda run: append(run / "funnel.json"),
    "is unexpected": lambda run: shutil.copytree(run / "measures", run / "measures" / "x") and None,
    "images/": lambda run: min(run.glob("images/*.pack")).unlink(),
    "manifest.json": lambda run: (run / "manifest.json").unlink(),
}


@pytest.mark.parametrize("found", CHANGES)
def test_the_comparison_finds_a_difference(finished_demo: Path, tmp_path: Path, found: str) -> None:
    shutil.copytree(finished_demo, tmp_path / "demo")
    before = outcome(tmp_path / "demo" / "demo.toml")
    CHANGES[found](tmp_path / "demo" / "run")
    problem = difference(before, outcome(tmp_path / "demo" / "demo.toml"))
    assert problem is not None and found in problem
    assert difference(before, before) is None


def test_after_another_recipe_only_dropped_figures_may_have_further_values(finished_demo: Path) -> None:
    undisturbed = outcome(finished_demo / "demo.toml")
    is_dropped = pc.is_valid(undisturbed.rows["drop"])

    def with_values(where: pa.ChunkedArray) -> Outcome:
        """The outcome without the measured terms of some figures."""
        empty = pa.nulls(len(where), undisturbed.rows["terms"].type)
        return replace(
            undisturbed, rows=put(undisturbed.rows, "terms", pc.if_else(where, empty, undisturbed.rows["terms"]))
        )

    fewer, lost = with_values(is_dropped), with_values(pc.invert(is_dropped))
    assert fewer.rows != undisturbed.rows
    assert difference(fewer, undisturbed, recipe_changed=True) is None
    for before, now, changed in ((fewer, undisturbed, False), (undisturbed, fewer, True), (lost, undisturbed, True)):
        assert "terms is" in str(difference(before, now, recipe_changed=changed))


def test_every_disturbance_has_a_description_and_a_name_of_its_own() -> None:
    assert len({one.name for one in DISTURBANCES}) == len(DISTURBANCES)
    assert all(one.strike.__doc__ for one in DISTURBANCES)


def test_a_report_that_was_stored_goes_on_where_it_ended() -> None:
    counts = {"struck": Counter(storm=2), "variants": Counter(demo=1), "phases": Counter(pack=3)}
    report = Report(5, iterations=1, commands=4, seconds=90.0, **counts, differences=[{"iteration": 1}])
    assert Report.of_json(json.loads(json.dumps(report.to_json()))) == report


def test_a_report_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    try:
        json.loads("{")
    except ValueError:
        printed = f"cannot read {tmp_path}/run\n{traceback.format_exc()}"
    text = without_paths(printed, tmp_path)
    assert text.startswith("cannot read SCENE/run\n")
    assert 'File "python/json/decoder.py"' in text and 'File "roco/tests/chaos/test_chaos.py"' in text
    for kept in (ROOT / "docs").glob("*.json"):
        assert not re.search(r'[" \n]/(?:tmp|root|home|work|usr)/', kept.read_text(encoding="utf-8")), kept.name
