"""The scripts for Slurm and Kubernetes run the slices of a run, and write the release of a run on one machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from roco.core import parts
from roco.recipes.load import load_recipe

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"

pytestmark = pytest.mark.slow


@pytest.fixture
def demo(unrun_demo: Path, tmp_path: Path) -> Path:
    """The demo corpus in parts of five articles, before any run."""
    folder = shutil.copytree(unrun_demo, tmp_path / "demo")
    opened = load_recipe(folder / "demo.toml").open()
    assert len(parts.plan(opened.files.parts, opened.pipeline.source, 5).names) > 4
    return folder


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The environment of the scripts: `roco` and `sbatch` are on the path."""
    programs = folder / "bin"
    programs.mkdir()
    for name, command in (("roco", "-m roco"), ("sbatch", ROOT / "tests" / "sbatch.py")):
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {command} "$@"\n')
        (programs / name).chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **more}


def content(release: Path) -> dict[str, bytes]:
    return {str(path.relative_to(release)): path.read_bytes() for path in release.rglob("*") if path.is_file()}


def slices(folder: Path) -> list[int]:
    """The number of parts that each process did, of those that did some."""
    counts: dict[str, int] = {}
    for line in (folder / "run" / "log" / "run.log").read_text().splitlines():
        found = re.match(r"\S+ INFO +(\d+) part \S+ extract", line)
        if found:
            counts[found[1]] = counts.get(found[1], 0) + 1
    return sorted(counts.values())


def test_a_slurm_array_and_the_job_after_it_write_the_release_of_one_machine(
    demo: Path, finished_demo: Path, tmp_path: Path
) -> None:
    header = (EXAMPLES / "slurm" / "array.sbatch").read_text()
    lines = [line.removeprefix("#").strip() for line in header.splitlines() if line.startswith("#   ")]
    assert len(lines) == 2  # the commands that the script itself shows
    commands = "\n".join(lines).replace("0-99", "0-3").replace("recipe.toml", str(demo / "demo.toml"))
    env = environment(tmp_path, SBATCH_STATE=str(tmp_path / "failed"))
    subprocess.run(["bash", "-euc", commands], cwd=EXAMPLES / "slurm", env=env, check=True)
    assert content(demo / "run" / "release") == content(finished_demo / "run" / "release")
    assert len(slices(demo)) == 4


def test_a_job_after_an_array_of_which_a_task_failed_does_not_start(tmp_path: Path) -> None:
    commands = (
        "sbatch --array=3-4 array.sbatch missing.toml; sbatch --dependency=afterok:4711 finish.sbatch missing.toml"
    )
    env = environment(tmp_path, SBATCH_STATE=str(tmp_path / "failed"))
    done = subprocess.run(["bash", "-c", commands], cwd=EXAMPLES / "slurm", env=env, capture_output=True, text=True)
    assert done.stderr.count("missing.toml") == 2


def job(name: str) -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    loaded: dict[str, Any] = yaml.safe_load((EXAMPLES / "kubernetes" / name).read_text())
    assert (loaded["apiVersion"], loaded["kind"]) == ("batch/v1", "Job")
    return loaded


def test_an_indexed_kubernetes_job_and_the_job_after_it_write_the_release_of_one_machine(
    demo: Path, finished_demo: Path, tmp_path: Path
) -> None:
    indexed, release = job("indexed-job.yaml"), job("release-job.yaml")
    assert indexed["spec"]["completionMode"] == "Indexed"
    [container] = indexed["spec"]["template"]["spec"]["containers"]
    [last] = release["spec"]["template"]["spec"]["containers"]
    declared = {variable["name"]: variable["value"] for variable in container["env"]}
    assert int(declared["SLICES"]) == indexed["spec"]["completions"] >= indexed["spec"]["parallelism"]
    assert declared.keys() - {"SLICES"} == {variable["name"] for variable in last["env"]}
    env = environment(tmp_path, RECIPE=str(demo / "demo.toml"), SLICES="3", WORKERS="1")
    for index in range(3):
        subprocess.run(container["command"], env={**env, "JOB_COMPLETION_INDEX": str(index)}, check=True)
    assert len(slices(demo)) == 3
    subprocess.run(last["command"], env=env, check=True)
    assert content(demo / "run" / "release") == content(finished_demo / "run" / "release")
